/* YAML to recipe: every key is a row of an option table, every complaint has a line. */
#include "pipelines/recipe/recipe.h"
#include "pipelines/recipe/tree.h"

#include <errno.h>
#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_WORDS = 160 };

typedef struct reader {
    prune_recipe *recipe;
    const char *folder; /* of the file; NULL: relative paths stay as they are */
    char where[64];     /* "stages[1].tune", "" at the top */
    int32_t stage;      /* index of the stage being read; -1 outside */
    bool may_sweep;
} reader;

static prune_status fail_at(const reader *in, const tree_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "demo.yaml:12: stages[1].tune: ..." */
static prune_status fail_at(const reader *in, const tree_node *node, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return prune_error_set(PRUNE_E_FORMAT, "%s:%d: %s%s%s", in->recipe->name, node->line, in->where,
                           in->where[0] ? ": " : "", text);
}

/* Puts file and line before the message of a call that does not know them. */
static prune_status within(const reader *in, const tree_node *node, prune_status status)
{
    if (status == PRUNE_OK || status == PRUNE_E_MEMORY) return status;
    (void)prune_error_within(status, "%s:%d: %s", in->recipe->name, node->line,
                             in->where[0] ? in->where : "recipe");
    return PRUNE_E_FORMAT;
}

static const char *kind_words(const tree_node *node)
{
    return node->kind == TREE_LIST ? "a list" : node->kind == TREE_MAP ? "a block" : "a value";
}

/* --- values ----------------------------------------------------------------------------------*/
static prune_status set_path(reader *in, const recipe_section *section, const tree_node *node)
{
    const bool as_it_is = !in->folder || node->text[0] == '/' || strcmp(node->text, "bundled") == 0;
    if (as_it_is) return recipe_set(in->recipe, section, node->key, node->text);
    char *path = prune_path_join(in->recipe->ctx, in->folder, node->text);
    const prune_status status =
        path ? recipe_set(in->recipe, section, node->key, path) : PRUNE_E_MEMORY;
    prune_memory_free(in->recipe->ctx, path);
    return status;
}

static prune_status read_sweep_values(reader *in, const tree_node *list, int32_t stage,
                                      const char *key)
{
    prune_recipe *r = in->recipe;
    const char *values[RECIPE_MAX_POINTS];
    size_t count = 0;
    if (r->sweep.key)
        return fail_at(in, list,
                       "'%s' is a second list; a recipe sweeps one option, and %s has "
                       "several values already",
                       key, r->sweep.key);
    for (const tree_node *n = list->first; n; n = n->next) {
        if (n->kind != TREE_SCALAR || tree_is_nothing(n))
            return fail_at(in, n, "'%s' needs a list of plain values, such as [0.8, 0.6]", key);
        if (count == RECIPE_MAX_POINTS)
            return fail_at(in, n, "'%s' has more than %d values", key, RECIPE_MAX_POINTS);
        values[count++] = n->text;
    }
    if (!count) return fail_at(in, list, "the list of '%s' is empty", key);
    return within(in, list, recipe_set_sweep(r, stage, key, values, count));
}

static prune_status read_value(reader *in, const recipe_section *section, const tree_node *node)
{
    const prune_option *option = prune_options_find(section->table, node->key);
    if (node->kind == TREE_LIST && in->may_sweep)
        return read_sweep_values(in, node, in->stage, node->key);
    if (node->kind != TREE_SCALAR)
        return fail_at(in, node, "'%s' takes one value, not %s", node->key, kind_words(node));
    if (tree_is_nothing(node))
        return fail_at(in, node, "'%s' has no value: give one (%s) or leave the key out", node->key,
                       option->help);
    if (recipe_is_path(section->table, node->key))
        return within(in, node, set_path(in, section, node));
    return within(in, node, recipe_set(in->recipe, section, node->key, node->text));
}

/* --- keys ------------------------------------------------------------------------------------*/
/* Names of all rows that a recipe may use, after `extra` words that are already there. */
static size_t list_words(const char *words[MAX_WORDS], size_t count, const recipe_section *sections,
                         size_t n)
{
    for (size_t s = 0; s < n; s++)
        for (size_t i = 0; i < sections[s].table->count && count < MAX_WORDS; i++)
            if (!recipe_why_not(sections[s].table, sections[s].table->options[i].name))
                words[count++] = sections[s].table->options[i].name;
    return count;
}

static prune_status unknown_key(const reader *in, const tree_node *node, const char *what,
                                const char *const *words, size_t count)
{
    return fail_at(in, node, "there is no %s '%s'; did you mean '%s'?", what, node->key,
                   prune_options_nearest(node->key, words, count));
}

/* Sets one option of the first of these sections that has it. */
static prune_status read_option(reader *in, const recipe_section *sections, size_t count,
                                const tree_node *node)
{
    const char *words[MAX_WORDS];
    for (size_t s = 0; s < count; s++) {
        if (!prune_options_find(sections[s].table, node->key)) continue;
        const char *reason = recipe_why_not(sections[s].table, node->key);
        if (reason)
            return fail_at(in, node, "'%s' has no place in a recipe: %s", node->key, reason);
        return read_value(in, &sections[s], node);
    }
    return unknown_key(in, node, "option", words, list_words(words, 0, sections, count));
}

static prune_status read_section(reader *in, const tree_node *block, const recipe_section *section)
{
    prune_status status = PRUNE_OK;
    if (tree_is_nothing(block)) return PRUNE_OK;
    (void)snprintf(in->where, sizeof in->where, "%s", block->key);
    if (block->kind != TREE_MAP)
        status = fail_at(in, block, "a block of options is expected, such as {%s: %s}",
                         section->table->options[0].name, "...");
    for (const tree_node *n = block->first; status == PRUNE_OK && n; n = n->next)
        status = read_option(in, section, 1, n);
    in->where[0] = '\0';
    return status;
}

/* --- stages ----------------------------------------------------------------------------------*/
/* tune: {steps: 50} inside trim: yes, and how. */
static prune_status read_inner_tune(reader *in, const recipe_section *tune, const tree_node *block)
{
    const size_t length = strlen(in->where);
    prune_status status = PRUNE_OK;
    (void)snprintf(in->where + length, sizeof in->where - length, ".tune");
    in->may_sweep = false;
    for (const tree_node *n = block->first; status == PRUNE_OK && n; n = n->next)
        status = read_option(in, tune, 1, n);
    in->may_sweep = true;
    in->where[length] = '\0';
    return status;
}

static prune_status read_stage_options(reader *in, recipe_stage *stage, const tree_node *block)
{
    recipe_section parts[RECIPE_STAGE_SECTIONS];
    prune_status status = PRUNE_OK;
    size_t count = recipe_stage_sections(stage, parts);
    if (stage->kind == RECIPE_TRIM) count = 2; /* tuning has a block of its own */
    for (const tree_node *n = block->first; status == PRUNE_OK && n; n = n->next) {
        if (stage->kind == RECIPE_TRIM && n->kind == TREE_MAP && strcmp(n->key, "tune") == 0) {
            status = recipe_set(in->recipe, &parts[0], "tune", "true");
            if (status == PRUNE_OK) status = read_inner_tune(in, &parts[2], n);
        } else {
            status = read_option(in, parts, count, n);
        }
    }
    return status;
}

static prune_status find_kind(const reader *in, const tree_node *node, const char *word,
                              recipe_kind *kind)
{
    const char *words[RECIPE_KINDS];
    for (int k = 0; k < RECIPE_KINDS; k++) {
        words[k] = recipe_kind_name((recipe_kind)k);
        *kind = (recipe_kind)k;
        if (strcmp(word, words[k]) == 0) return PRUNE_OK;
    }
    return fail_at(in, node, "there is no stage '%s'; did you mean '%s'?", word,
                   prune_options_nearest(word, words, RECIPE_KINDS));
}

/* "- tune", "- tune: {steps: 200}", or the same as a block. */
static prune_status read_stage(reader *in, const tree_node *item)
{
    const tree_node *block = item->kind == TREE_MAP ? item->first : NULL;
    const char *word = block ? block->key : item->kind == TREE_SCALAR ? item->text : NULL;
    recipe_stage *stage;
    recipe_kind kind;
    (void)snprintf(in->where, sizeof in->where, "stages[%d]", in->stage);
    if (!word || tree_is_nothing(item))
        return fail_at(in, item, "a stage is expected, such as '- tune: {steps: 200}'");
    prune_status status = find_kind(in, block ? block : item, word, &kind);
    if (status != PRUNE_OK) return status;
    if (block && block->next)
        return fail_at(in, block->next,
                       "'%s' stands beside '%s'; indent it further than '%s' if it belongs to that "
                       "stage, or begin a new stage with '-'",
                       block->next->key, word, word);
    status = within(in, item, recipe_append(in->recipe, kind, &stage));
    if (status != PRUNE_OK || !block || tree_is_nothing(block)) return status;
    (void)snprintf(in->where, sizeof in->where, "stages[%d].%s", in->stage, word);
    if (block->kind != TREE_MAP)
        return fail_at(in, block, "a block of options is expected, not %s", kind_words(block));
    return read_stage_options(in, stage, block);
}

static prune_status read_stages(reader *in, const tree_node *list)
{
    prune_status status = PRUNE_OK;
    if (list->kind != TREE_LIST)
        return fail_at(in, list,
                       "'stages' is a list: one line '- trim: {...}', '- tune: {...}' or "
                       "'- quantize: {...}' for each");
    in->may_sweep = true;
    in->stage = 0;
    for (const tree_node *n = list->first; status == PRUNE_OK && n; n = n->next, in->stage++)
        status = read_stage(in, n);
    in->stage = -1;
    in->may_sweep = false;
    in->where[0] = '\0';
    return status;
}

/* --- the whole -------------------------------------------------------------------------------*/
static prune_status read_sweep(reader *in, const tree_node *block)
{
    const tree_node *list = block->first;
    int32_t stage = -1;
    (void)snprintf(in->where, sizeof in->where, "sweep");
    if (block->kind != TREE_MAP || !list || list->kind != TREE_LIST)
        return fail_at(in, block,
                       "one option with its values is expected, such as "
                       "{macs: [0.8, 0.6, 0.4]}");
    if (list->next)
        return fail_at(in, list->next, "'%s' is a second option; a recipe sweeps one",
                       list->next->key);
    prune_status status = within(in, list, recipe_find(in->recipe, list->key, &stage));
    if (status == PRUNE_OK) status = read_sweep_values(in, list, stage, list->key);
    in->where[0] = '\0';
    return status;
}

/* A key at the top other than stages and sweep, which need everything else first. */
static prune_status read_top(reader *in, const recipe_section sections[RECIPE_SECTIONS],
                             const tree_node *node)
{
    const char *words[MAX_WORDS] = {"stages", "sweep", "goals", "load", "save"};
    prune_status status;
    for (size_t s = 2; s < RECIPE_SECTIONS; s++) {
        if (strcmp(node->key, words[s]) != 0) continue;
        in->may_sweep = s == 2; /* goals */
        status = read_section(in, node, &sections[s]);
        in->may_sweep = false;
        return status;
    }
    for (size_t s = 0; s < 2; s++)
        if (prune_options_find(sections[s].table, node->key))
            return read_option(in, sections, 2, node);
    return unknown_key(in, node, "key", words, list_words(words, RECIPE_SECTIONS, sections, 2));
}

static prune_status read_tree(reader *in, const tree_node *root)
{
    const tree_node *stages = NULL, *sweep = NULL;
    recipe_section sections[RECIPE_SECTIONS];
    prune_status status = PRUNE_OK;
    recipe_sections(in->recipe, sections);
    for (const tree_node *n = root->first; status == PRUNE_OK && n; n = n->next) {
        if (strcmp(n->key, "stages") == 0)
            stages = n;
        else if (strcmp(n->key, "sweep") == 0)
            sweep = n;
        else
            status = read_top(in, sections, n);
    }
    if (status == PRUNE_OK && stages) status = read_stages(in, stages);
    if (status == PRUNE_OK && sweep) status = read_sweep(in, sweep);
    return status == PRUNE_OK ? recipe_check(in->recipe) : status;
}

static prune_status parse(prune_recipe **out, prune_context *ctx, const char *name,
                          const char *folder, const char *text, size_t size)
{
    reader in = {.folder = folder, .stage = -1};
    tree_node *root = NULL;
    prune_status status = tree_read(&root, ctx, name, text, size);
    if (status == PRUNE_OK) status = recipe_create(&in.recipe, ctx, name);
    if (status == PRUNE_OK) status = read_tree(&in, root);
    tree_free(ctx, root);
    if (status == PRUNE_OK)
        *out = in.recipe;
    else
        prune_recipe_free(in.recipe);
    return status;
}

prune_status prune_recipe_parse(prune_recipe **out, prune_context *context, const char *name,
                                const char *text, size_t size)
{
    return parse(out, context, name, NULL, text, size);
}

static prune_status read_file(prune_context *ctx, const char *path, char **text, size_t *size)
{
    /* One byte more than is allowed tells a file that is too large. */
    char *buffer = prune_memory_new(ctx, TREE_MAX_BYTES + 1, 1);
    if (!buffer) return PRUNE_E_MEMORY;
    FILE *file = fopen(path, "rbe");
    errno = file ? 0 : errno;
    *size = file ? fread(buffer, 1, TREE_MAX_BYTES + 1, file) : 0;
    const bool failed = !file || ferror(file);
    const int error = errno;
    if (file) (void)fclose(file);
    if (!failed) {
        *text = buffer;
        return PRUNE_OK;
    }
    prune_memory_free(ctx, buffer);
    return prune_error_set(PRUNE_E_IO, "%s: cannot read the recipe: %s", path, strerror(error));
}

/* "a/b/c.yaml" gives "a/b"; NULL for a name without a folder. */
static prune_status folder_of(prune_context *ctx, const char *path, char **folder)
{
    const char *slash = strrchr(path, '/');
    *folder = NULL;
    if (!slash) return PRUNE_OK;
    const size_t length = slash == path ? 1 : (size_t)(slash - path);
    *folder = prune_memory_zero(ctx, length + 1, 1);
    if (!*folder) return PRUNE_E_MEMORY;
    memcpy(*folder, path, length);
    return PRUNE_OK;
}

prune_status prune_recipe_load(prune_recipe **out, prune_context *context, const char *path)
{
    char *text = NULL, *folder = NULL;
    size_t size = 0;
    prune_status status = read_file(context, path, &text, &size);
    if (status == PRUNE_OK) status = folder_of(context, path, &folder);
    if (status == PRUNE_OK) status = parse(out, context, path, folder, text, size);
    prune_memory_free(context, folder);
    prune_memory_free(context, text);
    return status;
}
