#include "pipelines/run/goals.h"

#include "pipelines/run/measured.h"

#include <math.h>
#include <prune/sys/error.h>
#include <prune/sys/parallel.h>
#include <stdio.h>
#include <string.h>

/* --- on the way -------------------------------------------------------------------------------*/

static bool wants_measuring(const prune_goal_options *g)
{
    return g->packed_bytes || g->latency_ms > 0 || g->energy_mj > 0;
}

bool goals_drive(const prune_recipe *recipe, size_t index)
{
    const recipe_stage *s = &recipe->stages[index];
    return s->kind == RECIPE_TRIM && wants_measuring(&recipe->goals) && s->trim.macs <= 0 &&
           s->trim.params <= 0 && s->trim.bytes <= 0 && s->cut.heads <= 0 && s->cut.neurons <= 0;
}

/* The model as the rest of the recipe would make it, as far as size and speed go. */
static prune_status make_probe(engine *e, const prune_model *model, uint64_t *packed,
                               prune_model **out)
{
    prune_model *probe = NULL;
    prune_status status = prune_model_clone(&probe, model);
    for (size_t i = (size_t)e->index; status == PRUNE_OK && i < e->recipe->count; i++) {
        recipe_stage later;
        status = recipe_stage_effective(e->recipe, i, &later);
        if (status != PRUNE_OK || later.kind != RECIPE_QUANTIZE) continue;
        later.quant.judge = prune_judge_samples(e->r.judge);
        later.quant.metric = prune_judge_metric(e->r.judge);
        status = prune_model_quantize(probe, prune_judge_images(e->r.judge), &later.quant);
        break;
    }
    if (status == PRUNE_OK) status = snapshot_ship(e, probe, packed, out);
    prune_model_free(probe);
    return status;
}

/* Packed bytes that the goal allows; 0: any. */
static prune_status allowed_bytes(const engine *e, double *allowed)
{
    double fraction = 0;
    uint64_t bytes = 0;
    const char *said = e->recipe->goals.packed_bytes;
    prune_status status = said ? prune_packed_goal_parse(said, &fraction, &bytes) : PRUNE_OK;
    *allowed = fraction > 0 ? fraction * (double)record_first(&e->r)->file_bytes : (double)bytes;
    return status;
}

static prune_status take_measures(engine *e, const prune_model *shipped, double *latency,
                                  double *energy)
{
    prune_latency times = {0};
    json_t *json = NULL;
    prune_status status =
        measured_take(e->ctx, &shipped, 1, fmin(e->loop.bench_seconds, 3), &times, &json);
    *latency = times.median;
    *energy = json_number_value(json_object_get(json_object_get(json, "energy_mj"), "value"));
    json_decref(json);
    return status;
}

static prune_status measure_ahead(engine *e, int32_t round, const prune_model *model, double *left)
{
    const prune_goal_options *g = &e->recipe->goals;
    prune_model *shipped = NULL;
    uint64_t packed = 0;
    double latency = 0, energy = 0, allowed = 0;
    prune_status status = make_probe(e, model, &packed, &shipped);
    if (status == PRUNE_OK) status = allowed_bytes(e, &allowed);
    if (status == PRUNE_OK && (g->latency_ms > 0 || g->energy_mj > 0))
        status = take_measures(e, shipped, &latency, &energy);
    prune_model_free(shipped);
    if (status != PRUNE_OK) return status;
    *left = 1e6;
    if (allowed > 0) *left = fmin(*left, allowed / (double)packed);
    if (g->latency_ms > 0) *left = fmin(*left, g->latency_ms / latency);
    if (g->energy_mj > 0) *left = fmin(*left, g->energy_mj / energy);
    char said[160];
    int at = snprintf(said, sizeof said, "%.3f MB packed", (double)packed / 1e6);
    if (latency > 0) at += snprintf(said + at, sizeof said - (size_t)at, ", %.4g ms", latency);
    if (energy > 0) (void)snprintf(said + at, sizeof said - (size_t)at, ", %.4g mJ", energy);
    prune_log_write(e->ctx, PRUNE_LOG_INFO, "goals: as it stands it would ship with %s", said);
    return run_directory_note(&e->directory,
                              json_pack("{s:s, s:i, s:i, s:I, s:f, s:f, s:f}", "event", "measured",
                                        "stage", e->index, "round", round, "packed_bytes",
                                        (json_int_t)packed, "latency_ms", latency, "energy_mj",
                                        energy, "left", *left));
}

prune_status goals_ahead(engine *e, int32_t round, const prune_model *model, double *left)
{
    const json_t *line = run_directory_find(&e->directory, "measured", e->index, round);
    if (!line) return measure_ahead(e, round, model, left);
    *left = json_number_value(json_object_get(line, "left"));
    return PRUNE_OK;
}

/* --- in the end -------------------------------------------------------------------------------*/

/* One goal: met when the value is at most the target. */
static void add_goal(json_t *goals, const char *name, double target, double value, const char *unit)
{
    const bool met = value <= target;
    const double far = value - target;
    char words[240];
    if (met)
        (void)snprintf(words, sizeof words, "%s is %.4g%s, at most %.4g%s was wanted", name, value,
                       unit, target, unit);
    else if (target > 0)
        (void)snprintf(words, sizeof words,
                       "%s is %.4g%s, at most %.4g%s was wanted: %.4g%s or %.1f %% too much", name,
                       value, unit, target, unit, far, unit, 100 * far / target);
    else
        (void)snprintf(words, sizeof words, "%s is %.4g%s, at most %.4g%s was wanted", name, value,
                       unit, target, unit);
    (void)json_array_append_new(goals, json_pack("{s:s, s:f, s:o, s:s, s:b, s:s}", "name", name,
                                                 "target", target, "value",
                                                 isfinite(value) ? json_real(value) : json_null(),
                                                 "unit", unit, "met", met, "words", words));
}

static void add_share(json_t *goals, const char *name, double target, uint64_t now, uint64_t first)
{
    if (target > 0) add_goal(goals, name, target, (double)now / (double)first, "");
}

/* The floor is about the judge's score, which falls or rises as its metric says. */
static prune_status add_floor(json_t *goals, const engine *e)
{
    char metric[32];
    double amount;
    const record *r = &e->r;
    if (!e->recipe->goals.max_drop) return PRUNE_OK;
    prune_status status = prune_drop_parse(e->recipe->goals.max_drop, metric, &amount);
    if (status != PRUNE_OK) return status;
    const double change = record_last(r)->score - record_first(r)->score;
    const bool higher = prune_judge_metric(r->judge)->higher_is_better;
    add_goal(goals, "max-drop", amount, higher ? -change : change, "");
    return PRUNE_OK;
}

static prune_status add_packed(json_t *goals, const engine *e)
{
    double fraction;
    uint64_t bytes;
    const stage *first = record_first(&e->r), *last = record_last(&e->r);
    if (!e->recipe->goals.packed_bytes) return PRUNE_OK;
    prune_status status = prune_packed_goal_parse(e->recipe->goals.packed_bytes, &fraction, &bytes);
    if (status != PRUNE_OK) return status;
    if (fraction > 0)
        add_share(goals, "packed-bytes", fraction, last->packed_bytes, first->file_bytes);
    else
        add_goal(goals, "packed-bytes", (double)bytes / 1e6, (double)last->packed_bytes / 1e6,
                 " MB");
    return PRUNE_OK;
}

/* What ended the search: the last trim stage that was not content, or the recipe's end. */
static const char *what_stopped(const record *r, const json_t *goals)
{
    const json_t *goal;
    size_t i;
    bool all = true;
    json_array_foreach(goals, i, goal) all = all && json_is_true(json_object_get(goal, "met"));
    if (all && json_array_size(goals) > 0) return "goals met";
    for (int32_t s = r->count - 1; s > 0; s--) {
        const char *by = json_string_value(json_object_get(r->stages[s]->detail, "stopped_by"));
        if (by && strcmp(by, "target") != 0) return by;
    }
    return "end of the recipe";
}

prune_status goals_judge(engine *e)
{
    const prune_goal_options *wanted = &e->recipe->goals;
    const stage *first = record_first(&e->r), *last = record_last(&e->r);
    json_t *goals = json_array();
    add_share(goals, "macs", wanted->macs, last->info.macs, first->info.macs);
    add_share(goals, "params", wanted->params, last->info.parameters, first->info.parameters);
    add_share(goals, "bytes", wanted->bytes, last->info.bytes, first->info.bytes);
    prune_status status = add_packed(goals, e);
    if (wanted->latency_ms > 0)
        add_goal(goals, "latency-ms", wanted->latency_ms, last->latency.median, " ms");
    if (wanted->energy_mj > 0) {
        const json_t *energy = json_object_get(last->measured, "energy_mj");
        const bool guess = json_is_true(json_object_get(energy, "estimated"));
        add_goal(goals, "energy-mj", wanted->energy_mj,
                 json_number_value(json_object_get(energy, "value")),
                 guess ? " mJ (estimate)" : " mJ");
    }
    if (status == PRUNE_OK) status = add_floor(goals, e);
    (void)json_object_set_new(e->r.more, "stopped_by", json_string(what_stopped(&e->r, goals)));
    (void)json_object_set_new(e->r.more, "goals", goals);
    return status;
}
