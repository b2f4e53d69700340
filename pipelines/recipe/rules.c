/* What a recipe may say, beyond what each option's row checks by itself. */
#include "pipelines/recipe/recipe.h"

#include <prune/sys/error.h>
#include <prune/sys/memory.h>
#include <string.h>

const char *recipe_why_not(const prune_option_table *table, const char *name)
{
    static const struct {
        const prune_option_table *(*table)(void);
        const char *name, *reason;
    } rows[] = {
        {prune_compress_option_table, "trim", "list it under 'stages:'"},
        {prune_compress_option_table, "tune", "list it under 'stages:'"},
        {prune_compress_option_table, "quantize", "list it under 'stages:'"},
        {prune_cut_option_table, "keep", "say macs, params or bytes"},
        {prune_cut_option_table, "cost", "say macs, params or bytes"},
        {prune_tune_option_table, "snapshot", "a run keeps its own snapshots"},
        {prune_tune_option_table, "snapshot-every", "a run keeps its own snapshots"},
        {prune_tune_option_table, "resume", "prune compress --resume continues a run"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].table() == table && strcmp(rows[i].name, name) == 0) return rows[i].reason;
    return NULL;
}

bool recipe_is_path(const prune_option_table *table, const char *name)
{
    return table == recipe_input_table() ||
           (table == prune_compress_option_table() && strcmp(name, "output") == 0);
}

prune_status recipe_check_text(const prune_option_table *table, const char *name, const char *text)
{
    const prune_option *option = prune_options_find(table, name);
    char metric[32];
    double amount;
    uint64_t bytes;
    int32_t protocol;
    prune_align align;
    if (!option || option->type != PRUNE_OPTION_TEXT) return PRUNE_OK;
    if (strcmp(name, "max-drop") == 0) return prune_drop_parse(text, metric, &amount);
    if (strcmp(name, "packed-bytes") == 0) return prune_packed_goal_parse(text, &amount, &bytes);
    if (strcmp(name, "protocol") == 0) return prune_protocol_find(&protocol, text);
    if (strcmp(name, "align") == 0) return prune_align_parse(&align, text);
    return PRUNE_OK;
}

/* --- which option a name means ---------------------------------------------------------------*/
/* The stage's section that has the option, or NULL. Tuning between the rounds of a trim stage is
 * not meant. */
static const recipe_section *section_of(recipe_stage *stage, const char *key,
                                        recipe_section parts[RECIPE_STAGE_SECTIONS])
{
    size_t count = recipe_stage_sections(stage, parts);
    if (stage->kind == RECIPE_TRIM) count = 2;
    for (size_t i = 0; i < count; i++)
        if (prune_options_find(parts[i].table, key) && !recipe_why_not(parts[i].table, key))
            return &parts[i];
    return NULL;
}

prune_status recipe_find(prune_recipe *r, const char *key, int32_t *stage)
{
    recipe_section sections[RECIPE_SECTIONS], parts[RECIPE_STAGE_SECTIONS];
    int32_t has = 0, own = 0, last_has = -1, last_own = -1;
    recipe_sections(r, sections);
    const bool is_goal = prune_options_find(prune_goal_option_table(), key);
    for (size_t i = 0; i < r->count; i++) {
        const recipe_section *section = section_of(&r->stages[i], key, parts);
        if (!section) continue;
        has++, last_has = (int32_t)i;
        if (recipe_is_own(section, key)) own++, last_own = (int32_t)i;
    }
    if ((is_goal && own == 0) || recipe_is_own(&sections[2], key))
        *stage = -1;
    else if (own == 1)
        *stage = last_own;
    else if (own == 0 && has == 1)
        *stage = last_has;
    else if (has == 0)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "'%s' is no goal and no option of a stage of this recipe", key);
    else
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "%d stages have '%s'; give the value at the one that is meant",
                               own > 1 ? own : has, key);
    return PRUNE_OK;
}

prune_status recipe_target(prune_recipe *r, int32_t stage, const char *key, recipe_section *out)
{
    recipe_section sections[RECIPE_SECTIONS], parts[RECIPE_STAGE_SECTIONS];
    const recipe_section *found = NULL;
    recipe_sections(r, sections);
    if (stage < 0 && prune_options_find(sections[2].table, key)) found = &sections[2];
    if (stage >= 0 && (size_t)stage < r->count) found = section_of(&r->stages[stage], key, parts);
    if (!found)
        return prune_error_set(PRUNE_E_ARGUMENT, "%s: there is no option '%s' there", r->name, key);
    *out = *found;
    return PRUNE_OK;
}

prune_status recipe_set_sweep(prune_recipe *r, int32_t stage, const char *key,
                              const char *const *values, size_t count)
{
    recipe_section target, trial;
    _Alignas(16) char scratch[1024];
    uint64_t own = 0;
    prune_status status = recipe_target(r, stage, key, &target);
    if (status == PRUNE_OK && (count < 1 || count > RECIPE_MAX_POINTS))
        status = prune_error_set(PRUNE_E_ARGUMENT, "%s: '%s' takes 1 to %d values in a sweep",
                                 r->name, key, RECIPE_MAX_POINTS);
    if (status == PRUNE_OK && target.table->struct_size > sizeof scratch)
        status = prune_error_set(PRUNE_E_INTERNAL, "options of %s are too large to try",
                                 target.table->stage);
    if (status != PRUNE_OK) return status;
    const char **kept = prune_memory_zero(r->ctx, count, sizeof *kept);
    if (!kept) return PRUNE_E_MEMORY;
    trial = (recipe_section){target.table, scratch, &own};
    prune_options_init(trial.table, scratch);
    for (size_t i = 0; status == PRUNE_OK && i < count; i++) {
        status = recipe_set(r, &trial, key, values[i]);
        if (status == PRUNE_OK && !(kept[i] = recipe_keep(r, values[i]))) status = PRUNE_E_MEMORY;
    }
    const char *name = status == PRUNE_OK ? recipe_keep(r, key) : NULL;
    if (!name) {
        prune_memory_free(r->ctx, kept);
        return status == PRUNE_OK ? PRUNE_E_MEMORY : status;
    }
    prune_memory_free(r->ctx, r->sweep.values);
    r->sweep = (recipe_sweep){stage, name, kept, count};
    return PRUNE_OK;
}

/* --- the whole -------------------------------------------------------------------------------*/
static prune_status check_order(const prune_recipe *r)
{
    bool ranges = false; /* a quantize stage has measured them */
    for (size_t i = 0; i < r->count; i++) {
        if (r->stages[i].kind == RECIPE_QUANTIZE) ranges = true;
        if (r->stages[i].kind != RECIPE_TRIM || !ranges) continue;
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "%s: stages[%zu] trims after a quantize stage, whose ranges would "
                               "no longer fit; trim first",
                               r->name, i);
    }
    return PRUNE_OK;
}

static prune_status check_drop(const prune_recipe *r, const char *text)
{
    char metric[32];
    double amount;
    prune_status status = text ? prune_drop_parse(text, metric, &amount) : PRUNE_OK;
    if (status != PRUNE_OK || !text) return status;
    /* Without labelled pairs the original network judges, by a measure of its own. */
    if ((r->inputs.val || r->inputs.data) && r->loop.metric && strcmp(metric, r->loop.metric) != 0)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "%s: max-drop is about %s but metric %s decides; name the same",
                               r->name, metric, r->loop.metric);
    return PRUNE_OK;
}

prune_status recipe_check(const prune_recipe *r)
{
    const recipe_inputs *in = &r->inputs;
    if (!r->count)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "%s: it has no stages; list them: stages: [trim, tune, quantize]",
                               r->name);
    if (in->data && (in->images || in->val || in->test))
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "%s: data replaces images, val and test: give one or the other",
                               r->name);
    prune_status status = check_order(r);
    if (status == PRUNE_OK) status = check_drop(r, r->goals.max_drop);
    for (size_t i = 0; status == PRUNE_OK && i < r->count; i++)
        if (r->stages[i].kind == RECIPE_TRIM) status = check_drop(r, r->stages[i].trim.max_drop);
    return status;
}
