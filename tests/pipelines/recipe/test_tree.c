#include "pipelines/recipe/tree.h"
#include "tests/support/support.h"

#include <prune/sys/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static prune_status read_text(tree_node **root, prune_context *ctx, const char *text)
{
    return tree_read(root, ctx, "t.yaml", text, strlen(text));
}

START_TEST(blocks_lists_and_values_have_their_lines)
{
    prune_context *ctx = test_context(1);
    tree_node *root;
    ck_ok(read_text(&root, ctx,
                    "\xEF\xBB\xBF# comment\na: 1\nb: {c: 'x y', d: ''}\n\ne:\n  - f\n  - g:\n"
                    "      h: 2\nn: ~\n"));
    const tree_node *a = root->first, *b = a->next, *e = b->next, *n = e->next;
    ck_assert_int_eq(root->kind, TREE_MAP);
    ck_assert_str_eq(a->key, "a");
    ck_assert_str_eq(a->text, "1");
    ck_assert(!a->quoted);
    ck_assert_int_eq(a->line, 2);
    ck_assert_int_eq(b->kind, TREE_MAP);
    ck_assert_str_eq(b->first->text, "x y");
    ck_assert(b->first->quoted);
    ck_assert(!tree_is_nothing(b->first->next)); /* an empty text is something */
    ck_assert_int_eq(e->kind, TREE_LIST);
    ck_assert_int_eq(e->line, 5);
    ck_assert_str_eq(e->first->text, "f");
    ck_assert_int_eq(e->first->line, 6);
    ck_assert_str_eq(e->first->next->first->key, "g");
    ck_assert_int_eq(e->first->next->first->first->line, 8);
    ck_assert(tree_is_nothing(n));
    ck_assert_ptr_null(n->next);
    tree_free(ctx, root);
    tree_free(ctx, NULL);
    prune_context_free(ctx);
}
END_TEST

START_TEST(what_recipes_have_no_use_for_is_refused)
{
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"", "nothing is in it"},
        {"# only a comment\n", "nothing is in it"},
        {"~", "nothing is in it"},
        {"- a\n- b\n", "t.yaml:1: a recipe is made of lines"},
        {"just words", "t.yaml:1: a recipe is made of lines"},
        {"a: &x 1\nb: *x\n", "t.yaml:1: an anchor"},
        {"a: *x\n", "t.yaml:1: an anchor (&) or alias (*)"},
        {"a: &x [1]\n", "t.yaml:1: an anchor"},
        {"a: &x {b: 1}\n", "t.yaml:1: an anchor"},
        {"a: 1\nb: !!python/object:os.system x\n", "t.yaml:2: a tag"},
        {"a: !x [1]\n", "t.yaml:1: a tag"},
        {"a: !x {b: 1}\n", "t.yaml:1: a tag"},
        {"a: 1\nb: 2\na: 3\n", "t.yaml:3: 'a' is given twice, first in line 1"},
        {"a: 1\n---\nb: 2\n", "t.yaml:2: a second document"},
        {"[a, b]: 1\n", "t.yaml:1: a word is expected"},
        {"{a: b}: 1\n", "t.yaml:1: a word is expected"},
        {"a: \"x\\0y\"\n", "t.yaml:1: a value contains a zero byte"},
        {"a: [[[[[[[[1]]]]]]]]\n", "t.yaml:1: nested deeper than 8"},
        {"a: {\n", "t.yaml:2: this is not YAML"},
        {"a: 'x\n", "t.yaml:2: this is not YAML"},
        {"a: b: c\n", "t.yaml:1: this is not YAML"},
        {"a:\n\tb: 1\n", "t.yaml:2: this is not YAML"},
        {"a: \x01\n", "not a text file: control characters"},
        {"a: \xFF\xFE\n", "not a text file: invalid"},
        {"\x7F"
         "ELF\x02\x01",
         "not a text file"},
    };
    prune_context *ctx = test_context(1);
    tree_node *root = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_fails(read_text(&root, ctx, rows[i].text), PRUNE_E_FORMAT, rows[i].part);
        ck_assert_ptr_null(root);
    }
    ck_fails(tree_read(&root, ctx, "t.yaml", "a: \0b", 5), PRUNE_E_FORMAT, "not a text file");
    prune_context_free(ctx);
}
END_TEST

/* A text of `count` times the same piece, between two others. */
static char *repeated(const char *before, const char *piece, size_t count, const char *after)
{
    char *text = malloc(strlen(before) + count * strlen(piece) + strlen(after) + 1), *at = text;
    ck_assert_ptr_nonnull(text);
    at += sprintf(at, "%s", before);
    for (size_t i = 0; i < count; i++) at += sprintf(at, "%s", piece);
    (void)sprintf(at, "%s", after);
    return text;
}

START_TEST(sizes_are_bounded)
{
    prune_context *ctx = test_context(1);
    tree_node *root;
    const struct {
        const char *before, *piece, *after;
        size_t count;
        const char *part;
    } rows[] = {
        {"a: 1\n", "# comment\n", "", 104858, "more than 1 MiB"},
        {"a: [", "1,", "1]\n", 4000, "more than 4000 entries"},
        {"a: \"", "x", "\"\n", 4097, "a value of 4097 bytes"},
        {"", "x", ": 1\n", 1025, "this is not YAML"}, /* YAML's own rule about keys */
        {"a: ", "[", "\n", 100000, "nested deeper"},
        {"a: ", "{b: ", "\n", 100000, "nested deeper"},
        {"a:\n", "- ", "1\n", 100000, "nested deeper"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = repeated(rows[i].before, rows[i].piece, rows[i].count, rows[i].after);
        ck_fails(read_text(&root, ctx, text), PRUNE_E_FORMAT, rows[i].part);
        free(text);
    }
    char *text = repeated("a: [", "1,", 3997, "1]\n");
    ck_ok(read_text(&root, ctx, text));
    free(text);
    tree_free(ctx, root);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("pipelines.recipe.tree", blocks_lists_and_values_have_their_lines,
          what_recipes_have_no_use_for_is_refused, sizes_are_bounded)
