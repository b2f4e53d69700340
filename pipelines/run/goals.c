#include "pipelines/run/goals.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* One goal: met when the value is at most the target (at least, with `more`). */
static void add_goal(json_t *goals, const char *name, double target, double value, bool more,
                     const char *unit)
{
    const bool met = more ? value >= target : value <= target;
    char words[200];
    if (met)
        (void)snprintf(words, sizeof words, "%s %.4g%s, wanted %s %.4g%s: met", name, value, unit,
                       more ? "at least" : "at most", target, unit);
    else
        (void)snprintf(words, sizeof words,
                       "%s %.4g%s, wanted %s %.4g%s: missed by %.4g%s (%.1f %%)", name, value, unit,
                       more ? "at least" : "at most", target, unit, fabs(value - target), unit,
                       100 * fabs(value - target) / fmax(fabs(target), 1e-300));
    (void)json_array_append_new(goals, json_pack("{s:s, s:f, s:o, s:b, s:s}", "name", name,
                                                 "target", target, "value",
                                                 isfinite(value) ? json_real(value) : json_null(),
                                                 "met", met, "words", words));
}

static void add_share(json_t *goals, const char *name, double target, uint64_t now, uint64_t first)
{
    if (target > 0) add_goal(goals, name, target, (double)now / (double)first, false, "");
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
    add_goal(goals, "max-drop", amount, higher ? -change : change, false, "");
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
                 false, " MB");
    return PRUNE_OK;
}

/* What ended the search: the last trim stage that was not content, or nothing. */
static const char *what_stopped(const record *r, const json_t *goals)
{
    const json_t *goal;
    size_t i;
    bool all = true;
    json_array_foreach(goals, i, goal) all = all && json_is_true(json_object_get(goal, "met"));
    if (all) return json_array_size(goals) > 0 ? "all goals are met" : "the recipe's end";
    for (int32_t s = r->count - 1; s > 0; s--) {
        const char *by = json_string_value(json_object_get(r->stages[s]->detail, "stopped_by"));
        if (by && strcmp(by, "target") != 0) return by;
    }
    return "the recipe's end";
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
        add_goal(goals, "latency-ms", wanted->latency_ms, last->latency.median, false, " ms");
    if (wanted->energy_mj > 0) {
        const json_t *energy = json_object_get(last->measured, "energy_mj");
        const bool guess = json_is_true(json_object_get(energy, "estimated"));
        add_goal(goals, "energy-mj", wanted->energy_mj,
                 json_number_value(json_object_get(energy, "value")), false,
                 guess ? " mJ (estimate)" : " mJ");
    }
    if (status == PRUNE_OK) status = add_floor(goals, e);
    (void)json_object_set_new(e->r.more, "stopped_by", json_string(what_stopped(&e->r, goals)));
    (void)json_object_set_new(e->r.more, "goals", goals);
    return status;
}
