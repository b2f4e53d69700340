#include "pipelines/recipe/recipe.h"

#include <prune/sys/error.h>
#include <prune/sys/memory.h>
#include <string.h>

enum { MAX_STAGES = 100 };

struct recipe_string {
    recipe_string *next;
    char text[];
};

#define FIELD(member) offsetof(recipe_inputs, member)
#define ROW(name, member, help)                                                                    \
    {                                                                                              \
        name, PRUNE_OPTION_TEXT, FIELD(member), NULL, 0, 0, NULL, help                             \
    }
static const prune_option input_rows[] = {
    ROW("model", model, "file or folder of the network, or 'bundled'"),
    ROW("images", images, "folder of pictures to tune and calibrate on; no labels needed"),
    ROW("val", val, "labelled pairs that decide (default: the original network judges)"),
    ROW("test", test, "labelled pairs that are only reported"),
    ROW("data", data, "one labelled set instead of these three: it is split by drive or name"),
};
#undef ROW
#undef FIELD

const prune_option_table *recipe_input_table(void)
{
    static const prune_option_table table = {"files", sizeof(recipe_inputs), input_rows,
                                             sizeof input_rows / sizeof *input_rows};
    return &table;
}

const char *recipe_kind_name(recipe_kind kind)
{
    static const char *const names[RECIPE_KINDS] = {"trim", "tune", "quantize"};
    return names[kind];
}

void recipe_sections(prune_recipe *r, recipe_section sections[RECIPE_SECTIONS])
{
    sections[0] = (recipe_section){recipe_input_table(), &r->inputs, &r->own_inputs};
    sections[1] = (recipe_section){prune_compress_option_table(), &r->loop, &r->own_loop};
    sections[2] = (recipe_section){prune_goal_option_table(), &r->goals, &r->own_goals};
    sections[3] = (recipe_section){prune_load_option_table(), &r->load, &r->own_load};
    sections[4] = (recipe_section){prune_save_option_table(), &r->save, &r->own_save};
}

size_t recipe_stage_sections(recipe_stage *s, recipe_section sections[RECIPE_STAGE_SECTIONS])
{
    const recipe_section tune = {prune_tune_option_table(), &s->tune, &s->own[RECIPE_PART_TUNE]};
    switch (s->kind) {
    case RECIPE_TRIM:
        sections[0] =
            (recipe_section){prune_trim_option_table(), &s->trim, &s->own[RECIPE_PART_TRIM]};
        sections[1] = (recipe_section){prune_cut_option_table(), &s->cut, &s->own[RECIPE_PART_CUT]};
        sections[2] = tune;
        return 3;
    case RECIPE_TUNE:
        sections[0] = tune;
        return 1;
    case RECIPE_QUANTIZE:
        sections[0] =
            (recipe_section){prune_quant_option_table(), &s->quant, &s->own[RECIPE_PART_QUANT]};
        return 1;
    default:
        return 0;
    }
}

prune_status recipe_create(prune_recipe **out, prune_context *context, const char *name)
{
    recipe_section sections[RECIPE_SECTIONS];
    prune_recipe *r = prune_memory_zero(context, 1, sizeof *r);
    if (!r) return PRUNE_E_MEMORY;
    r->ctx = context;
    r->sweep.stage = -1;
    recipe_sections(r, sections);
    for (size_t i = 0; i < RECIPE_SECTIONS; i++)
        prune_options_init(sections[i].table, sections[i].options);
    r->name = recipe_keep(r, name);
    if (!r->name) {
        prune_recipe_free(r);
        return PRUNE_E_MEMORY;
    }
    *out = r;
    return PRUNE_OK;
}

void prune_recipe_free(prune_recipe *r)
{
    if (!r) return;
    for (recipe_string *s = r->strings, *next; s; s = next) {
        next = s->next;
        prune_memory_free(r->ctx, s);
    }
    prune_memory_free(r->ctx, r->sweep.values);
    prune_memory_free(r->ctx, r->stages);
    prune_memory_free(r->ctx, r);
}

prune_status recipe_append(prune_recipe *r, recipe_kind kind, recipe_stage **out)
{
    if (r->count >= MAX_STAGES)
        return prune_error_set(PRUNE_E_ARGUMENT, "%s: more than %d stages", r->name, MAX_STAGES);
    recipe_stage *stages = prune_memory_zero(r->ctx, r->count + 1, sizeof *stages);
    if (!stages) return PRUNE_E_MEMORY;
    if (r->count) memcpy(stages, r->stages, r->count * sizeof *stages);
    prune_memory_free(r->ctx, r->stages);
    r->stages = stages;
    recipe_stage *s = &stages[r->count++];
    s->kind = kind;
    prune_trim_options_init(&s->trim);
    prune_cut_options_init(&s->cut);
    prune_tune_options_init(&s->tune);
    prune_quant_options_init(&s->quant);
    if (out) *out = s;
    return PRUNE_OK;
}

const char *recipe_keep(prune_recipe *r, const char *text)
{
    const size_t bytes = strlen(text) + 1;
    recipe_string *s = prune_memory_new(r->ctx, 1, sizeof *s + bytes);
    if (!s) return NULL;
    memcpy(s->text, text, bytes);
    s->next = r->strings;
    r->strings = s;
    return s->text;
}

prune_status recipe_set(prune_recipe *r, const recipe_section *section, const char *name,
                        const char *text)
{
    const prune_option *option = prune_options_find(section->table, name);
    if (option && option->type == PRUNE_OPTION_TEXT && text) {
        const prune_status means = recipe_check_text(section->table, name, text);
        if (means != PRUNE_OK) return means;
        text = recipe_keep(r, text);
        if (!text) return PRUNE_E_MEMORY;
    }
    const prune_status status = prune_options_set(section->table, section->options, name, text);
    if (status == PRUNE_OK && option)
        *section->own |= (uint64_t)1 << (option - section->table->options);
    return status;
}

/* Makes the texts of a copied struct the copy's own. */
static prune_status adopt(prune_recipe *r, const recipe_section *section)
{
    for (size_t i = 0; i < section->table->count; i++) {
        const prune_option *option = &section->table->options[i];
        if (option->type != PRUNE_OPTION_TEXT) continue;
        const char **text = (const char **)((char *)section->options + option->offset);
        if (*text && !(*text = recipe_keep(r, *text))) return PRUNE_E_MEMORY;
    }
    return PRUNE_OK;
}

/* A copy without the sweep. */
static prune_status copy(prune_recipe **out, const prune_recipe *from)
{
    recipe_section sections[RECIPE_SECTIONS], parts[RECIPE_STAGE_SECTIONS];
    prune_recipe *r;
    prune_status status = recipe_create(&r, from->ctx, from->name);
    if (status != PRUNE_OK) return status;
    r->inputs = from->inputs;
    r->load = from->load;
    r->save = from->save;
    r->loop = from->loop;
    r->goals = from->goals;
    r->own_inputs = from->own_inputs;
    r->own_load = from->own_load;
    r->own_save = from->own_save;
    r->own_loop = from->own_loop;
    r->own_goals = from->own_goals;
    recipe_sections(r, sections);
    for (size_t i = 0; status == PRUNE_OK && i < RECIPE_SECTIONS; i++)
        status = adopt(r, &sections[i]);
    for (size_t i = 0; status == PRUNE_OK && i < from->count; i++) {
        recipe_stage *stage;
        status = recipe_append(r, from->stages[i].kind, &stage);
        if (status != PRUNE_OK) break;
        *stage = from->stages[i];
        const size_t count = recipe_stage_sections(stage, parts);
        for (size_t k = 0; status == PRUNE_OK && k < count; k++) status = adopt(r, &parts[k]);
    }
    if (status == PRUNE_OK)
        *out = r;
    else
        prune_recipe_free(r);
    return status;
}

size_t recipe_points(const prune_recipe *r)
{
    return r->sweep.key ? r->sweep.count : 1;
}

prune_status recipe_at(prune_recipe **out, const prune_recipe *from, size_t index)
{
    const recipe_sweep *sweep = &from->sweep;
    prune_recipe *r;
    if (index >= recipe_points(from))
        return prune_error_set(PRUNE_E_ARGUMENT, "%s: it has %zu runs, there is no run %zu",
                               from->name, recipe_points(from), index);
    prune_status status = copy(&r, from);
    if (status != PRUNE_OK) return status;
    if (sweep->key) {
        recipe_section target;
        status = recipe_target(r, sweep->stage, sweep->key, &target);
        if (status == PRUNE_OK) status = recipe_set(r, &target, sweep->key, sweep->values[index]);
    }
    if (status == PRUNE_OK)
        *out = r;
    else
        prune_recipe_free(r);
    return status;
}

static bool same_value(const prune_option *option, const void *a, const void *b)
{
    switch (option->type) {
    case PRUNE_OPTION_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case PRUNE_OPTION_UINT64:
        return *(const uint64_t *)a == *(const uint64_t *)b;
    case PRUNE_OPTION_FLOAT:
        return *(const double *)a == *(const double *)b;
    case PRUNE_OPTION_TEXT: {
        const char *x = *(const char *const *)a, *y = *(const char *const *)b;
        return x == y || (x && y && strcmp(x, y) == 0);
    }
    default:
        return *(const int32_t *)a == *(const int32_t *)b;
    }
}

bool recipe_is_own(const recipe_section *section, const char *name)
{
    _Alignas(16) char defaults[1024];
    const prune_option *option = prune_options_find(section->table, name);
    if (!option) return false;
    if (*section->own >> (option - section->table->options) & 1) return true;
    if (section->table->struct_size > sizeof defaults) return true;
    prune_options_init(section->table, defaults);
    return !same_value(option, (const char *)section->options + option->offset,
                       defaults + option->offset);
}

static void inherit_seeds(const prune_recipe *r, recipe_stage *stage)
{
    recipe_section sections[RECIPE_SECTIONS], parts[RECIPE_STAGE_SECTIONS];
    recipe_sections((prune_recipe *)r, sections); /* only looked at */
    const size_t count = recipe_stage_sections(stage, parts);
    if (!recipe_is_own(&sections[1], "seed")) return;
    for (size_t i = 0; i < count; i++) {
        const prune_option *option = prune_options_find(parts[i].table, "seed");
        if (option && !recipe_is_own(&parts[i], "seed"))
            memcpy((char *)parts[i].options + option->offset, &r->loop.seed, sizeof r->loop.seed);
    }
}

prune_status recipe_stage_effective(const prune_recipe *r, size_t index, recipe_stage *out)
{
    const prune_goal_options *goals = &r->goals;
    prune_status status = PRUNE_OK;
    char metric[32];
    *out = r->stages[index];
    inherit_seeds(r, out);
    if (out->kind == RECIPE_TRIM) {
        prune_trim_options *trim = &out->trim;
        if (trim->macs <= 0 && trim->params <= 0 && trim->bytes <= 0 && out->cut.heads <= 0 &&
            out->cut.neurons <= 0) {
            trim->macs = goals->macs;
            trim->params = goals->params;
            trim->bytes = goals->bytes;
        }
        if (!trim->max_drop) trim->max_drop = goals->max_drop;
        trim->tune = trim->tune && trim->rounds > 1;
    }
    if (out->kind == RECIPE_QUANTIZE && goals->max_drop) {
        recipe_section part[RECIPE_STAGE_SECTIONS];
        (void)recipe_stage_sections(out, part);
        if (!recipe_is_own(&part[0], "max-drop"))
            status = prune_drop_parse(goals->max_drop, metric, &out->quant.max_drop);
    }
    return status;
}
