/* A command line's words into a recipe: from nothing, or on top of a recipe from a file. */
#include "pipelines/recipe/recipe.h"

#include <prune/sys/error.h>
#include <prune/sys/memory.h>
#include <stdio.h>
#include <string.h>

/* Whether the stage says this option itself (owner), or takes what the goal says (heir). */
typedef struct goal_role {
    const recipe_section *owner;
    bool heir;
} goal_role;

static bool names_target(const recipe_stage *stage)
{
    return stage->trim.macs > 0 || stage->trim.params > 0 || stage->trim.bytes > 0 ||
           stage->cut.heads > 0 || stage->cut.neurons > 0;
}

static goal_role role_of(recipe_stage *stage, const char *name,
                         recipe_section parts[RECIPE_STAGE_SECTIONS])
{
    goal_role role = {NULL, false};
    (void)recipe_stage_sections(stage, parts);
    if (stage->kind == RECIPE_TUNE || !prune_options_find(parts[0].table, name)) return role;
    if (recipe_is_own(&parts[0], name))
        role.owner = &parts[0];
    else
        role.heir = strcmp(name, "max-drop") == 0 || !names_target(stage);
    return role;
}

/* A goal is set as a goal. Where nobody takes it from there but one stage has a value of its own,
 * that is the value which was meant as well. */
static prune_status set_goal(prune_recipe *r, const recipe_section *goals, const char *name,
                             const char *text)
{
    recipe_section parts[RECIPE_STAGE_SECTIONS], owner = {0};
    size_t owners = 0, heirs = 0;
    prune_status status = recipe_set(r, goals, name, text);
    for (size_t i = 0; i < r->count; i++) {
        const goal_role role = role_of(&r->stages[i], name, parts);
        if (role.owner) owners++, owner = *role.owner;
        heirs += role.heir;
    }
    if (status != PRUNE_OK || owners == 0 || heirs > 0) return status;
    if (owners > 1)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "--%s: %zu stages of %s have a value of their own; change it there",
                               name, owners, r->name);
    if (prune_options_find(owner.table, name)->type == PRUNE_OPTION_FLOAT && strchr(text, '='))
        text = strchr(text, '=') + 1; /* max-drop of a quantize stage is the number alone */
    return recipe_set(r, &owner, name, text);
}

/* --no-tune and the like: the stages of that kind go. */
static prune_status set_kind(prune_recipe *r, recipe_kind kind, bool on)
{
    size_t kept = 0, found = 0;
    for (size_t i = 0; i < r->count; i++) {
        const bool is = r->stages[i].kind == kind;
        found += is;
        if (is && !on) continue;
        r->stages[kept++] = r->stages[i];
    }
    if (!on && found && r->sweep.key && r->sweep.stage >= 0)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "--no-%s: stages of %s, which sweeps stages[%d], cannot be left out",
                               recipe_kind_name(kind), r->name, r->sweep.stage);
    r->count = kept;
    if (on && !found)
        return prune_error_set(PRUNE_E_ARGUMENT, "--%s: %s has no such stage; add it to 'stages:'",
                               recipe_kind_name(kind), r->name);
    return PRUNE_OK;
}

/* Where an option went, and why it went nowhere. */
typedef struct placing {
    size_t count;
    prune_status refused; /* by a section with other choices: no fault while one takes it */
    const char *why_not;  /* has it, but not for recipes */
} placing;

/* Sets the option in every section that has it. */
static prune_status set_in(prune_recipe *r, const recipe_section *sections, size_t count,
                           const char *name, const char *text, placing *places)
{
    for (size_t s = 0; s < count; s++) {
        const prune_option *option = prune_options_find(sections[s].table, name);
        const char *reason = option ? recipe_why_not(sections[s].table, name) : NULL;
        if (reason) places->why_not = reason;
        if (!option || reason) continue;
        const prune_status status = recipe_set(r, &sections[s], name, text);
        if (status == PRUNE_OK)
            places->count++;
        else if (option->type == PRUNE_OPTION_CHOICE)
            places->refused = status;
        else
            return status;
    }
    return PRUNE_OK;
}

prune_status recipe_override(prune_recipe *r, const char *name, const char *text)
{
    recipe_section sections[RECIPE_SECTIONS], parts[RECIPE_STAGE_SECTIONS];
    placing places = {0};
    prune_status status;
    recipe_sections(r, sections);
    if (prune_options_find(sections[2].table, name)) return set_goal(r, &sections[2], name, text);
    if (strcmp(name, "seed") == 0) return recipe_set(r, &sections[1], name, text);
    for (int k = 0; k < RECIPE_KINDS; k++) {
        if (strcmp(name, recipe_kind_name((recipe_kind)k)) != 0) continue;
        prune_compress_options read = r->loop; /* yes, no, on, off, ... */
        status = prune_options_set(sections[1].table, &read, name, text);
        const bool on = k == RECIPE_TRIM ? read.trim : k == RECIPE_TUNE ? read.tune : read.quantize;
        if (status == PRUNE_OK) status = set_kind(r, (recipe_kind)k, on);
        if (status != PRUNE_OK || k != RECIPE_TUNE) return status;
        places.count = 1; /* and the trim stages' own option of that name below */
    }
    status = set_in(r, sections, RECIPE_SECTIONS, name, text, &places);
    for (size_t i = 0; status == PRUNE_OK && i < r->count; i++) {
        const size_t count = recipe_stage_sections(&r->stages[i], parts);
        status = set_in(r, parts, count, name, text, &places);
    }
    if (status != PRUNE_OK || places.count) return status;
    if (places.refused) return places.refused;
    return places.why_not
               ? prune_error_set(PRUNE_E_ARGUMENT, "--%s has no place here: %s", name,
                                 places.why_not)
               : prune_error_set(PRUNE_E_ARGUMENT, "--%s: no stage of %s has it", name, r->name);
}

prune_status prune_recipe_set(prune_recipe *recipe, const char *name, const char *text)
{
    if (!recipe || !name || !text)
        return prune_error_set(PRUNE_E_ARGUMENT, "recipe: recipe, name and text are needed");
    prune_status status = recipe_override(recipe, name, text);
    return status == PRUNE_OK ? recipe_check(recipe) : status;
}

const char *prune_recipe_model(const prune_recipe *recipe)
{
    return recipe ? recipe->inputs.model : NULL;
}

prune_status recipe_override_sweep(prune_recipe *r, const char *text)
{
    const char *equals = strchr(text, '=');
    const char *values[RECIPE_MAX_POINTS];
    int32_t stage = -1;
    size_t count = 0;
    if (!equals || equals == text)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "--sweep '%s' is not OPTION=VALUE,VALUE..., such as macs=0.8,0.6",
                               text);
    char *copy = prune_memory_new(r->ctx, strlen(text) + 1, 1);
    if (!copy) return PRUNE_E_MEMORY;
    memcpy(copy, text, strlen(text) + 1);
    copy[equals - text] = '\0';
    prune_status status = recipe_find(r, copy, &stage);
    for (char *at = copy + (equals - text) + 1; status == PRUNE_OK && at;) {
        char *comma = strchr(at, ',');
        if (comma) *comma++ = '\0';
        if (count == RECIPE_MAX_POINTS)
            status = prune_error_set(PRUNE_E_ARGUMENT, "--sweep: more than %d values",
                                     RECIPE_MAX_POINTS);
        else
            values[count++] = at;
        at = comma;
    }
    if (status == PRUNE_OK) status = recipe_set_sweep(r, stage, copy, values, count);
    prune_memory_free(r->ctx, copy);
    return status;
}

prune_status recipe_from_command(prune_recipe **out, prune_context *context)
{
    prune_recipe *r;
    prune_status status = recipe_create(&r, context, "the command line");
    if (status != PRUNE_OK) return status;
    for (int k = 0; status == PRUNE_OK && k < RECIPE_KINDS; k++)
        status = recipe_append(r, (recipe_kind)k, NULL);
    if (status == PRUNE_OK)
        *out = r;
    else
        prune_recipe_free(r);
    return status;
}

prune_status recipe_share_minutes(prune_recipe *r)
{
    recipe_section parts[RECIPE_STAGE_SECTIONS];
    prune_status status = PRUNE_OK;
    for (size_t i = 0; status == PRUNE_OK && i < r->count; i++) {
        recipe_stage *stage = &r->stages[i];
        char text[64];
        if (stage->kind != RECIPE_TRIM || stage->tune.minutes <= 0) continue;
        (void)recipe_stage_sections(stage, parts);
        (void)snprintf(text, sizeof text, "%.17g",
                       stage->tune.minutes / (double)(stage->trim.rounds + 1));
        status = recipe_set(r, &parts[2], "minutes", text);
    }
    return status;
}
