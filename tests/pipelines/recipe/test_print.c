#include "tests/pipelines/recipe/recipes.h"

#include <prune/sys/memory.h>
#include <stdio.h>
#include <unistd.h>

static char *printed(const prune_recipe *r)
{
    char *yaml = NULL;
    ck_ok(prune_recipe_text(r, &yaml));
    return yaml;
}

/* Prints, reads, prints again: the same bytes. Returns what was read. */
static prune_recipe *there_and_back(prune_context *ctx, const prune_recipe *r)
{
    char *first = printed(r);
    prune_recipe *again = parsed(ctx, first);
    char *second = printed(again);
    ck_assert_str_eq(first, second);
    prune_text_free(first);
    prune_text_free(second);
    return again;
}

static void has(const char *yaml, const char *line)
{
    ck_assert_msg(strstr(yaml, line) != NULL, "lacks \"%s\":\n%s", line, yaml);
}

START_TEST(what_was_said_comes_back_and_nothing_else)
{
    prune_context *ctx = test_context(1);
    prune_recipe *r = parsed(ctx, whole_recipe);
    char *yaml = printed(r), here[600], line[700];
    has(yaml, "# A recipe of libprune ");
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    (void)snprintf(line, sizeof line, "\nmodel: %s/nets/a.pth  # ", here);
    has(yaml, line);
    (void)snprintf(line, sizeof line, "\nimages: \"%s/pictures \xC3\xBC/x\"  # ", here);
    has(yaml, line);
    has(yaml, "\nval: /data/val  # ");
    has(yaml, "\nbench-seconds: 0.5  # ");
    has(yaml, "\ngoals:\n  max-drop: abs_rel=0.01  # ");
    has(yaml, "\n  latency-ms: 5  # ");
    has(yaml, "\nload:\n  output-kind: metric  # ");
    has(yaml, "\n  - trim:\n      macs: 0.8  # ");
    has(yaml, "\n      kinds: \"head,qk\"  # ");
    has(yaml, "\n      tune:  # after each round\n        steps: 20  # ");
    has(yaml, "\n  - tune:\n      steps: 200  # ");
    has(yaml, "\n      macs: [0.6, 0.4]  # ");
    has(yaml, "\n      tune: false  # ");
    has(yaml, "\n  - quantize\n  - tune:\n      minutes: 5  # ");
    ck_assert_ptr_null(strstr(yaml, "metric:"));
    ck_assert_ptr_null(strstr(yaml, "saliency:"));
    prune_recipe *again = there_and_back(ctx, r);
    ck_assert_uint_eq(again->count, 5);
    ck_assert_int_eq(again->sweep.stage, 2);
    ck_assert_int_eq(again->stages[0].tune.steps, 20);
    prune_recipe_free(again);
    prune_recipe_free(r);
    prune_text_free(yaml);
    prune_context_free(ctx);
}
END_TEST

/* Every option of every table set to something else than its default, by C code. */
static void change(const recipe_section *section)
{
    for (size_t i = 0; i < section->table->count; i++) {
        const prune_option *o = &section->table->options[i];
        void *to = (char *)section->options + o->offset;
        switch (o->type) {
        case PRUNE_OPTION_BOOL:
            *(bool *)to = !*(bool *)to;
            break;
        case PRUNE_OPTION_INT:
            *(int32_t *)to = *(int32_t *)to < o->maximum ? *(int32_t *)to + 1 : (int32_t)o->minimum;
            break;
        case PRUNE_OPTION_UINT64:
            *(uint64_t *)to = UINT64_MAX - 2000 - i;
            break;
        case PRUNE_OPTION_FLOAT:
            *(double *)to = o->minimum + (o->maximum - o->minimum) / 3;
            break;
        case PRUNE_OPTION_CHOICE:
            *(int32_t *)to = *(int32_t *)to == 1 ? 0 : 1;
            break;
        case PRUNE_OPTION_TEXT:
            if (strcmp(o->name, "max-drop") == 0)
                *(const char **)to = "abs_rel=0.25";
            else if (strcmp(o->name, "packed-bytes") == 0)
                *(const char **)to = "0.25";
            else if (strcmp(o->name, "protocol") == 0)
                *(const char **)to = "affine";
            else if (strcmp(o->name, "align") == 0)
                *(const char **)to = "none";
            else if (strcmp(o->name, "data") != 0)
                *(const char **)to = "some: \"text\" # with \\ everything, 'too'";
            break;
        }
    }
}

static void same(const recipe_section *a, const recipe_section *b)
{
    char x[700], y[700];
    for (size_t i = 0; i < a->table->count; i++) {
        const prune_option *o = &a->table->options[i];
        if (recipe_why_not(a->table, o->name)) continue;
        ck_ok(prune_options_get(a->table, a->options, o->name, x, sizeof x));
        ck_ok(prune_options_get(b->table, b->options, o->name, y, sizeof y));
        if (recipe_is_path(a->table, o->name) && x[0] && x[0] != '/')
            ck_assert_ptr_nonnull(strstr(y, x)); /* made absolute */
        else
            ck_assert_msg(strcmp(x, y) == 0, "%s %s: '%s' and '%s'", a->table->stage, o->name, x,
                          y);
    }
}

START_TEST(every_option_of_every_table_survives)
{
    prune_context *ctx = test_context(1);
    prune_recipe *r;
    recipe_section a[RECIPE_SECTIONS], b[RECIPE_SECTIONS];
    ck_ok(recipe_create(&r, ctx, "made by hand"));
    for (int k = 0; k < RECIPE_KINDS; k++) ck_ok(recipe_append(r, (recipe_kind)k, NULL));
    recipe_sections(r, a);
    for (size_t i = 0; i < RECIPE_SECTIONS; i++) change(&a[i]);
    r->loop.metric = "abs_rel";
    for (size_t k = 0; k < r->count; k++) {
        const size_t count = recipe_stage_sections(&r->stages[k], a);
        for (size_t i = 0; i < count; i++) change(&a[i]);
    }
    r->stages[0].trim.tune = true; /* else tuning between rounds is not there to be printed */
    prune_recipe *again = there_and_back(ctx, r);
    recipe_sections(r, a);
    recipe_sections(again, b);
    for (size_t i = 0; i < RECIPE_SECTIONS; i++) same(&a[i], &b[i]);
    for (size_t k = 0; k < r->count; k++) {
        const size_t count = recipe_stage_sections(&r->stages[k], a);
        ck_assert_uint_eq(recipe_stage_sections(&again->stages[k], b), count);
        for (size_t i = 0; i < count; i++) same(&a[i], &b[i]);
    }
    prune_recipe_free(again);
    prune_recipe_free(r);
    prune_context_free(ctx);
}
END_TEST

START_TEST(texts_of_all_kinds_come_back_unchanged)
{
    static const char *const texts[] = {"",
                                        "null",
                                        "~",
                                        "-",
                                        "- a",
                                        " blank ",
                                        "a: b",
                                        "a #b",
                                        "#",
                                        "a\nb",
                                        "a\tb",
                                        "\"",
                                        "\\",
                                        "'",
                                        "true",
                                        "*a",
                                        "&a",
                                        "!a",
                                        "[a]",
                                        "{a}",
                                        "%",
                                        "@",
                                        "`",
                                        "|",
                                        "\x01",
                                        "\x7F",
                                        "\xC2\x85",
                                        "\xC2\xA0",
                                        "\xE2\x80\xA8",
                                        "\xEF\xBB\xBF",
                                        "\xE6\xB7\xB1",
                                        "\xF0\x9F\x98\x80",
                                        "0x10",
                                        "1e3",
                                        "a,b",
                                        "a\r\nb",
                                        "\xEF\xBF\xBF",
                                        "...",
                                        "---"};
    prune_context *ctx = test_context(1);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        prune_recipe *r;
        ck_ok(recipe_create(&r, ctx, "texts"));
        ck_ok(recipe_append(r, RECIPE_QUANTIZE, NULL));
        r->stages[0].quant.keep_float = texts[i];
        prune_recipe *again = there_and_back(ctx, r);
        ck_assert_str_eq(again->stages[0].quant.keep_float, texts[i]);
        prune_recipe_free(again);
        prune_recipe_free(r);
    }
    static const char *const bad[] = {"\xFF",
                                      "a\x80",
                                      "\xC0\x80",
                                      "\xE2\x82",
                                      "\xED\xA0\x80",
                                      "\xF4\x90\x80\x80",
                                      "\xF8\x88\x80\x80\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        prune_recipe *r;
        char *yaml = NULL;
        ck_ok(recipe_create(&r, ctx, "texts"));
        ck_ok(recipe_append(r, RECIPE_QUANTIZE, NULL));
        r->stages[0].quant.keep_float = bad[i];
        ck_fails(prune_recipe_text(r, &yaml), PRUNE_E_ARGUMENT, "not UTF-8");
        ck_assert_ptr_null(yaml);
        prune_recipe_free(r);
    }
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("pipelines.recipe.print", what_was_said_comes_back_and_nothing_else,
          every_option_of_every_table_survives, texts_of_all_kinds_come_back_unchanged)
