/* docs/recipes.md lists every key, as the option tables have it. On a difference the test prints
 * the lines that belong there. */
#include "tests/pipelines/recipe/recipes.h"

#include <stdio.h>
#include <stdlib.h>

/* "| `macs` | 0 | fraction ... |" */
static void row(const prune_option *o, char *line, size_t size)
{
    char choices[200] = "";
    size_t at = 0;
    for (const char *c = o->choices; c && *c && at + 3 < sizeof choices; c++) {
        choices[at++] = *c == '|' ? ',' : *c;
        if (*c == '|') choices[at++] = ' ';
    }
    choices[at] = '\0';
    (void)snprintf(line, size, "| `%s` | %s | %s%s%s |\n", o->name,
                   o->default_value ? o->default_value : "", choices, choices[0] ? "; " : "",
                   o->help);
}

static size_t check_table(const prune_option_table *table, const char *docs)
{
    char line[600];
    size_t missing = 0;
    for (size_t i = 0; i < table->count; i++) {
        if (recipe_why_not(table, table->options[i].name)) continue;
        row(&table->options[i], line, sizeof line);
        if (strstr(docs, line)) continue;
        if (!missing++) (void)printf("docs/recipes.md lacks, for %s:\n", table->stage);
        (void)fputs(line, stdout);
    }
    return missing;
}

START_TEST(every_key_is_in_the_docs)
{
    static char docs[1 << 17];
    char path[600];
    prune_recipe r = {0};
    recipe_section sections[RECIPE_SECTIONS], parts[RECIPE_STAGE_SECTIONS];
    size_t missing = 0;
    const char *source = getenv("PRUNE_TEST_SOURCE");
    ck_assert_ptr_nonnull(source);
    (void)snprintf(path, sizeof path, "%s/docs/recipes.md", source);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    docs[fread(docs, 1, sizeof docs - 1, file)] = '\0';
    (void)fclose(file);
    recipe_sections(&r, sections);
    for (size_t i = 0; i < RECIPE_SECTIONS; i++) missing += check_table(sections[i].table, docs);
    for (int k = 0; k < RECIPE_KINDS; k++) {
        recipe_stage stage = {.kind = (recipe_kind)k};
        const size_t count = recipe_stage_sections(&stage, parts);
        for (size_t i = 0; i < count; i++) missing += check_table(parts[i].table, docs);
    }
    ck_assert_uint_eq(missing, 0);
}
END_TEST

TEST_MAIN("pipelines.recipe.docs", every_key_is_in_the_docs)
