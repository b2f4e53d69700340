/* Recipe to YAML, in one canonical form: what the recipe gives, in the order of the tables. */
#include "pipelines/recipe/recipe.h"

#include <errno.h>
#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct printer {
    const prune_recipe *recipe;
    FILE *out;
    char *here; /* the current folder, once it is needed */
    prune_status status;
} printer;

/* --- scalars ---------------------------------------------------------------------------------*/
/* One code point of UTF-8 from *at, which moves on; -1 where the bytes are none. */
static int32_t next_code(const unsigned char **at)
{
    static const int32_t least[4] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *s = *at;
    const int more = s[0] < 0x80             ? 0
                     : (s[0] & 0xE0) == 0xC0 ? 1
                     : (s[0] & 0xF0) == 0xE0 ? 2
                     : (s[0] & 0xF8) == 0xF0 ? 3
                                             : -1;
    if (more < 0) return -1;
    int32_t code = more == 0 ? s[0] : s[0] & (0x3F >> more);
    for (int i = 1; i <= more; i++) {
        if ((s[i] & 0xC0) != 0x80) return -1;
        code = code << 6 | (s[i] & 0x3F);
    }
    if (code < least[more] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return -1;
    *at = s + more + 1;
    return code;
}

static bool is_plain(const char *s)
{
    if (*s == '\0' || strcmp(s, "null") == 0 || strcmp(s, "-") == 0) return false;
    return strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./=+-") ==
           strlen(s);
}

/* What YAML does not take as it is, or takes for the end of a line. */
static bool needs_escape(int32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 ||
           code == 0xFEFF || code == 0xFFFE || code == 0xFFFF;
}

static void put_scalar(printer *p, const char *s)
{
    const unsigned char *at = (const unsigned char *)s;
    if (is_plain(s)) {
        (void)fprintf(p->out, "%s", s);
        return;
    }
    (void)fputc('"', p->out);
    while (*at) {
        const unsigned char *from = at;
        const int32_t code = next_code(&at);
        if (code < 0) {
            p->status =
                prune_error_set(PRUNE_E_ARGUMENT, "%s: '%s' is not UTF-8, so no recipe can hold it",
                                p->recipe->name, s);
            return;
        }
        if (code == '"' || code == '\\')
            (void)fprintf(p->out, "\\%c", (int)code);
        else if (needs_escape(code))
            (void)fprintf(p->out, "\\u%04X", (unsigned)code);
        else
            (void)fprintf(p->out, "%.*s", (int)(at - from), (const char *)from);
    }
    (void)fputc('"', p->out);
}

static void put_path(printer *p, const char *path)
{
    if (path[0] == '/' || strcmp(path, "bundled") == 0) {
        put_scalar(p, path);
        return;
    }
    if (!p->here && !(p->here = getcwd(NULL, 0))) {
        p->status =
            prune_error_set(PRUNE_E_IO, "cannot tell the current folder: %s", strerror(errno));
        return;
    }
    while (path[0] == '.' && path[1] == '/') path += 2 + strspn(path + 2, "/");
    char *joined = prune_path_join(p->recipe->ctx, p->here, path);
    if (joined)
        put_scalar(p, joined);
    else
        p->status = PRUNE_E_MEMORY;
    prune_memory_free(p->recipe->ctx, joined);
}

/* --- options ---------------------------------------------------------------------------------*/
static void put_value(printer *p, const recipe_section *section, const prune_option *option)
{
    char number[128];
    if (option->type == PRUNE_OPTION_TEXT) {
        const char *s = *(const char *const *)((const char *)section->options + option->offset);
        if (recipe_is_path(section->table, option->name))
            put_path(p, s);
        else
            put_scalar(p, s);
        return;
    }
    p->status =
        prune_options_get(section->table, section->options, option->name, number, sizeof number);
    if (p->status == PRUNE_OK) put_scalar(p, number);
}

static bool is_swept(const printer *p, int32_t stage, const recipe_section *section,
                     const char *name)
{
    const recipe_sweep *sweep = &p->recipe->sweep;
    recipe_section target;
    return sweep->key && sweep->stage == stage && strcmp(sweep->key, name) == 0 &&
           recipe_target((prune_recipe *)p->recipe, stage, name, &target) == PRUNE_OK &&
           target.table == section->table;
}

/* Whether the row is printed at all. */
static bool is_shown(const printer *p, int32_t stage, const recipe_section *section,
                     const prune_option *option)
{
    if (recipe_why_not(section->table, option->name)) return false;
    if (is_swept(p, stage, section, option->name)) return true;
    if (option->type == PRUNE_OPTION_TEXT &&
        !*(const char *const *)((const char *)section->options + option->offset))
        return false;
    return recipe_is_own(section, option->name);
}

static void put_option(printer *p, int32_t stage, int indent, const recipe_section *section,
                       const prune_option *option)
{
    const recipe_sweep *sweep = &p->recipe->sweep;
    (void)fprintf(p->out, "%*s%s: ", indent, "", option->name);
    if (is_swept(p, stage, section, option->name)) {
        (void)fprintf(p->out, "[");
        for (size_t i = 0; i < sweep->count; i++) {
            (void)fprintf(p->out, i ? ", " : "");
            put_scalar(p, sweep->values[i]);
        }
        (void)fprintf(p->out, "]");
    } else {
        put_value(p, section, option);
    }
    (void)fprintf(p->out, "  # %s\n", option->help);
}

static size_t count_shown(const printer *p, int32_t stage, const recipe_section *section)
{
    size_t count = 0;
    for (size_t i = 0; i < section->table->count; i++)
        count += is_shown(p, stage, section, &section->table->options[i]);
    return count;
}

static void put_options(printer *p, int32_t stage, int indent, const recipe_section *section)
{
    for (size_t i = 0; p->status == PRUNE_OK && i < section->table->count; i++) {
        const prune_option *option = &section->table->options[i];
        if (is_shown(p, stage, section, option)) put_option(p, stage, indent, section, option);
    }
}

/* --- stages ----------------------------------------------------------------------------------*/
static void put_trim(printer *p, int32_t index, recipe_section parts[RECIPE_STAGE_SECTIONS])
{
    enum { OUTSIDE = -2 }; /* no stage: what is inside tune is not swept */
    const prune_trim_options *trim = parts[0].options;
    const bool inner = trim->tune && count_shown(p, OUTSIDE, &parts[2]);
    for (size_t i = 0; p->status == PRUNE_OK && i < parts[0].table->count; i++) {
        const prune_option *option = &parts[0].table->options[i];
        if (inner && strcmp(option->name, "tune") == 0) continue;
        if (is_shown(p, index, &parts[0], option)) put_option(p, index, 6, &parts[0], option);
    }
    put_options(p, index, 6, &parts[1]);
    if (!inner) return;
    (void)fprintf(p->out, "      tune:  # after each round\n");
    put_options(p, OUTSIDE, 8, &parts[2]);
}

static void put_stage(printer *p, int32_t index)
{
    recipe_section parts[RECIPE_STAGE_SECTIONS];
    recipe_stage *stage = &p->recipe->stages[index];
    const size_t count = recipe_stage_sections(stage, parts);
    size_t shown = 0;
    for (size_t i = 0; i < count; i++) shown += count_shown(p, index, &parts[i]);
    (void)fprintf(p->out, "  - %s%s\n", recipe_kind_name(stage->kind), shown ? ":" : "");
    if (!shown) return;
    if (stage->kind == RECIPE_TRIM)
        put_trim(p, index, parts);
    else
        put_options(p, index, 6, &parts[0]);
}

static prune_status put_recipe(printer *p)
{
    static const char *const names[RECIPE_SECTIONS] = {NULL, NULL, "goals", "load", "save"};
    recipe_section sections[RECIPE_SECTIONS];
    recipe_sections((prune_recipe *)p->recipe, sections); /* only looked at */
    (void)fprintf(p->out,
                  "# A recipe of libprune %s. Run it: prune compress --recipe FILE\n"
                  "# What it does not name has its default: prune compress --help lists them.\n",
                  prune_version());
    for (size_t i = 0; p->status == PRUNE_OK && i < RECIPE_SECTIONS; i++) {
        if (!names[i]) {
            put_options(p, -1, 0, &sections[i]);
        } else if (count_shown(p, -1, &sections[i])) {
            (void)fprintf(p->out, "%s:\n", names[i]);
            put_options(p, -1, 2, &sections[i]);
        }
    }
    (void)fprintf(p->out, "stages:\n");
    for (size_t i = 0; p->status == PRUNE_OK && i < p->recipe->count; i++) put_stage(p, (int32_t)i);
    return p->status;
}

prune_status prune_recipe_text(const prune_recipe *recipe, char **yaml)
{
    printer p = {.recipe = recipe};
    char *text = NULL;
    size_t size = 0;
    p.out = open_memstream(&text, &size);
    if (!p.out) return prune_error_set(PRUNE_E_MEMORY, "out of memory");
    prune_status status = put_recipe(&p);
    const bool failed = ferror(p.out) != 0;
    if ((fclose(p.out) != 0 || failed || !text) && status == PRUNE_OK)
        status = prune_error_set(PRUNE_E_MEMORY, "out of memory");
    free(p.here);
    if (status == PRUNE_OK)
        *yaml = text;
    else
        free(text);
    return status;
}
