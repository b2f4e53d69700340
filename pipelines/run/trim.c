/* Trimming in rounds: cut a little, refit, tune, ask the judge; keep the best that honours the
 * floor. */
#include "pipelines/run/trim.h"

#include <math.h>
#include <prune/sys/error.h>
#include <prune/sys/json.h>
#include <prune/sys/parallel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(member) offsetof(prune_trim_options, member)
static const prune_option rows[] = {
    {"macs", PRUNE_OPTION_FLOAT, FIELD(macs), "0", 0, 1, NULL,
     "target: fraction of the multiply-accumulates to keep; 0: no such target"},
    {"params", PRUNE_OPTION_FLOAT, FIELD(params), "0", 0, 1, NULL,
     "target: fraction of the parameters to keep"},
    {"bytes", PRUNE_OPTION_FLOAT, FIELD(bytes), "0", 0, 1, NULL,
     "target: fraction of the stored bytes to keep, before packing"},
    {"rounds", PRUNE_OPTION_INT, FIELD(rounds), "2", 1, 100, NULL,
     "rounds in which the target is approached"},
    {"max-drop", PRUNE_OPTION_TEXT, FIELD(max_drop), NULL, 0, 0, NULL,
     "floor: how much worse the judge may find it, such as abs_rel=0.01"},
    {"tune", PRUNE_OPTION_BOOL, FIELD(tune), "true", 0, 0, NULL, "tune after the cuts"},
};
#undef FIELD

const prune_option_table *prune_trim_option_table(void)
{
    static const prune_option_table table = {"trim", sizeof(prune_trim_options), rows,
                                             sizeof rows / sizeof *rows};
    return &table;
}

void prune_trim_options_init(prune_trim_options *options)
{
    prune_options_init(prune_trim_option_table(), options);
}

prune_status prune_drop_parse(const char *text, char metric[32], double *amount)
{
    const char *equals = strchr(text, '=');
    char *end = NULL;
    *amount = equals ? strtod(equals + 1, &end) : 0;
    if (!equals || equals == text || equals - text > 31 || !end || *end != '\0' ||
        end == equals + 1 || !(*amount >= 0) || !isfinite(*amount))
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "max-drop '%s' is not METRIC=AMOUNT, such as abs_rel=0.01", text);
    (void)snprintf(metric, 32, "%.*s", (int)(equals - text), text);
    return PRUNE_OK;
}

/* What is being trimmed, and how far it is. */
typedef struct trimming {
    prune_context *ctx;
    const prune_model *original;
    prune_samples *images;
    prune_judge *judge;
    const prune_trim_options *trim;
    prune_cut_options cut;
    prune_tune_options tune;
    prune_model_info whole; /* of the original */
    double allowed;         /* worst score; INFINITY without a floor */
    bool higher_is_better;
    double score; /* of the model that was accepted last */
    const trim_keeper *keeper;
    json_t *rounds;
    const char *stopped_by;
} trimming;

static uint64_t cost_of(const prune_model_info *info, int32_t cost)
{
    return cost == PRUNE_COST_MACS     ? info->macs
           : cost == PRUNE_COST_PARAMS ? info->parameters
                                       : info->bytes;
}

/* The target that asks for most, as (cost, fraction); fraction 0 when there is none. */
static double pick_target(const trimming *t, const prune_model_info *now, int32_t *cost)
{
    const double targets[3] = {t->trim->macs, t->trim->params, t->trim->bytes};
    double worst = 2, target = 0;
    for (int32_t c = 0; c < 3; c++) {
        if (targets[c] <= 0) continue;
        const double kept = (double)cost_of(now, c) / (double)cost_of(&t->whole, c);
        if (targets[c] / kept < worst) worst = targets[c] / kept, target = targets[c], *cost = c;
    }
    return target;
}

static bool acceptable(const trimming *t, double score)
{
    return t->higher_is_better ? score >= t->allowed : score <= t->allowed;
}

static prune_status make_candidate(trimming *t, prune_model *candidate, int32_t round, double keep,
                                   int32_t cost, json_t *entry)
{
    prune_plan *plan = NULL;
    char *json = NULL;
    t->cut.cost = cost;
    t->cut.keep = keep;
    t->cut.teacher = t->original;
    prune_status status = prune_plan_create(&plan, candidate, t->images, &t->cut);
    if (status == PRUNE_OK) status = prune_plan_json(plan, &json);
    if (status == PRUNE_OK) (void)json_object_set_new(entry, "plan", json_loads(json, 0, NULL));
    if (status == PRUNE_OK) status = prune_model_cut(candidate, plan);
    prune_text_free(json);
    prune_plan_free(plan);
    if (status != PRUNE_OK || !t->trim->tune) return status;
    if (t->keeper->tune)
        return t->keeper->tune(t->keeper->user, round, candidate, t->original, t->images, &t->tune);
    return prune_model_tune(candidate, t->original, t->images, &t->tune);
}

/* A round's numbers, relative to the original, and whether the floor allows it. */
static void describe_round(const trimming *t, int32_t round, const prune_model_info *after,
                           double score, json_t *entry)
{
    const prune_model_info *whole = &t->whole;
    (void)json_object_set_new(entry, "round", json_integer(round));
    (void)json_object_set_new(entry, "macs", json_real((double)after->macs / (double)whole->macs));
    (void)json_object_set_new(entry, "parameters",
                              json_real((double)after->parameters / (double)whole->parameters));
    (void)json_object_set_new(entry, "bytes",
                              json_real((double)after->bytes / (double)whole->bytes));
    /* A network that was cut to pieces may give no number; then it is not acceptable either. */
    if (t->judge)
        (void)json_object_set_new(entry, "score", isfinite(score) ? json_real(score) : json_null());
    (void)json_object_set_new(entry, "kept", json_boolean(acceptable(t, score)));
}

static prune_status work_round(trimming *t, prune_model *candidate, int32_t round, double keep,
                               int32_t cost, json_t *entry)
{
    prune_model_info after = {.struct_size = (uint32_t)sizeof after};
    double score = t->score;
    prune_status status = make_candidate(t, candidate, round, keep, cost, entry);
    if (status == PRUNE_OK) status = prune_model_describe(candidate, 0, 0, &after);
    if (status == PRUNE_OK && t->judge) status = prune_judge_score(t->judge, candidate, &score);
    /* A tuning that was interrupted ends early without failing: such a round does not count. */
    if (status == PRUNE_OK) status = prune_cancel_check(t->ctx);
    if (status != PRUNE_OK) return status;
    describe_round(t, round, &after, score, entry);
    return t->keeper->keep ? t->keeper->keep(t->keeper->user, round, entry, candidate) : PRUNE_OK;
}

static void log_round(const trimming *t, const json_t *entry, bool kept, bool recalled)
{
    prune_log_write(t->ctx, PRUNE_LOG_INFO,
                    "round %d: %.1f %% of the MACs, %.1f %% of the parameters%s%s",
                    (int)json_integer_value(json_object_get(entry, "round")),
                    100.0 * json_number_value(json_object_get(entry, "macs")),
                    100.0 * json_number_value(json_object_get(entry, "parameters")),
                    kept ? "" : ": worse than the floor allows, not kept",
                    recalled ? " (finished earlier)" : "");
}

/* Options that have made a plan before are refused only because nothing is left for them. */
static bool nothing_left(const trimming *t, prune_status status)
{
    return status == PRUNE_E_ARGUMENT && json_array_size(t->rounds) > 0;
}

/* One round. *progress tells whether the model became smaller. */
static prune_status run_round(trimming *t, prune_model *model, int32_t round, double keep,
                              int32_t cost, bool *progress)
{
    prune_model *candidate = NULL;
    prune_model_info before = {.struct_size = (uint32_t)sizeof before}, after = before;
    json_t *entry = NULL;
    prune_status status = prune_model_clone(&candidate, model);
    if (status == PRUNE_OK) status = prune_model_describe(model, 0, 0, &before);
    if (status == PRUNE_OK && t->keeper->recall)
        status = t->keeper->recall(t->keeper->user, round, &entry, candidate);
    const bool recalled = entry != NULL;
    if (status == PRUNE_OK && !recalled) {
        entry = json_object();
        status = work_round(t, candidate, round, keep, cost, entry);
    }
    if (nothing_left(t, status)) {
        *progress = false;
        status = prune_error_set(PRUNE_OK, "%s", "");
    } else if (status == PRUNE_OK) {
        status = prune_model_describe(candidate, 0, 0, &after);
        const bool kept = json_is_true(json_object_get(entry, "kept"));
        *progress = status == PRUNE_OK && kept && cost_of(&after, cost) < cost_of(&before, cost);
        if (!kept) t->stopped_by = "max-drop";
        (void)json_array_append(t->rounds, entry);
        log_round(t, entry, kept, recalled);
        if (status == PRUNE_OK && kept) status = prune_model_assign(model, candidate);
        if (kept && t->judge) t->score = json_number_value(json_object_get(entry, "score"));
    }
    json_decref(entry);
    prune_model_free(candidate);
    return status;
}

static bool has_target(const prune_trim_options *trim)
{
    return trim->macs > 0 || trim->params > 0 || trim->bytes > 0;
}

/* --heads and --neurons say themselves what goes, whatever it costs. */
static bool is_explicit(const prune_cut_options *cut)
{
    return cut->heads > 0 || cut->neurons > 0;
}

/* Where rounds stand and how the next one is chosen. */
typedef struct march {
    int32_t rounds; /* at most */
    int32_t planned;
    double step; /* 1; halved by each candidate that the floor refused, where goals are measured */
    double toward; /* share of the present cost that would be enough; 1: enough already */
    int32_t cost;
} march;

enum { MOST_ROUNDS = 20 };

static prune_status look_ahead(trimming *t, const prune_model *model, int32_t round, march *m)
{
    prune_model_info now = {.struct_size = (uint32_t)sizeof now};
    prune_status status = prune_model_describe(model, 0, 0, &now);
    if (status != PRUNE_OK) return status;
    m->cost = PRUNE_COST_MACS;
    m->toward = 1;
    if (has_target(t->trim)) {
        const double target = pick_target(t, &now, &m->cost);
        m->toward = target / ((double)cost_of(&now, m->cost) / (double)cost_of(&t->whole, m->cost));
    }
    if (t->keeper->ahead) {
        double left = 1;
        status = t->keeper->ahead(t->keeper->user, round, model, &left);
        if (left < m->toward) m->toward = left, m->cost = PRUNE_COST_MACS;
    }
    return status;
}

/* Equal ratios from round to round; without a target a tenth at a time until the floor. Towards a
 * goal that is measured no more than half goes at once, and no less than a fiftieth. */
static double share_to_keep(const trimming *t, const march *m, int32_t round)
{
    const int32_t left = m->planned - round + 1;
    if (!has_target(t->trim) && !t->keeper->ahead) return 0.9;
    const double share = pow(m->toward, 1.0 / (double)(left > 1 ? left : 1));
    if (!t->keeper->ahead) return share;
    return 1 - m->step * (1 - fmin(fmax(share, 0.5), 0.98));
}

/* Whether a round that did not make the model smaller was the last one. */
static bool gives_up(trimming *t, march *m)
{
    const bool refused = strcmp(t->stopped_by, "max-drop") == 0;
    if (refused && t->keeper->ahead && m->step > 0.2) {
        m->step /= 2;
        t->stopped_by = "target";
        return false;
    }
    if (!refused) t->stopped_by = "nothing left to cut";
    return true;
}

static prune_status run_rounds(trimming *t, prune_model *model)
{
    prune_status status = PRUNE_OK;
    const bool open_end = !has_target(t->trim) && !t->keeper->ahead;
    march m = {.rounds = t->trim->rounds, .planned = t->trim->rounds, .step = 1};
    bool progress = false, finished = false;
    if ((open_end || t->keeper->ahead) && m.rounds < MOST_ROUNDS) m.rounds = MOST_ROUNDS;
    t->stopped_by = "target";
    if (is_explicit(&t->cut)) {
        status = run_round(t, model, 0, 1.0, PRUNE_COST_MACS, &progress);
        t->cut.heads = 0;
        t->cut.neurons = 0;
        if (open_end && !t->trim->max_drop) return status;
    }
    for (int32_t round = 1; status == PRUNE_OK && !finished && round <= m.rounds; round++) {
        status = look_ahead(t, model, round, &m);
        finished = !open_end && m.toward >= 1;
        if (status != PRUNE_OK || finished) break;
        status = run_round(t, model, round, share_to_keep(t, &m, round), m.cost, &progress);
        finished = status == PRUNE_OK && !progress && gives_up(t, &m);
    }
    /* After the last round the goals may be met or not; nobody has looked yet. */
    if (status == PRUNE_OK && !finished && t->keeper->ahead) {
        status = look_ahead(t, model, m.rounds + 1, &m);
        if (status == PRUNE_OK && m.toward < 1) t->stopped_by = "rounds";
    }
    return status;
}

/* Who judges, what the original needs, and how bad a score may be. */
static prune_status prepare(trimming *t)
{
    const prune_trim_options *trim = t->trim;
    char metric[32];
    double amount = 0;
    prune_status status = PRUNE_OK;
    if (!has_target(trim) && !trim->max_drop && !is_explicit(&t->cut) && !t->keeper->ahead)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "trimming needs a target (--macs, --params or --bytes, fractions to "
                               "keep), a --max-drop, or --heads or --neurons to remove");
    if (trim->max_drop) status = prune_drop_parse(trim->max_drop, metric, &amount);
    if (status == PRUNE_OK && trim->max_drop && !t->judge)
        status = prune_error_set(PRUNE_E_ARGUMENT, "max-drop needs somebody to judge it");
    if (status == PRUNE_OK) status = prune_model_describe(t->original, 0, 0, &t->whole);
    if (status == PRUNE_OK && t->judge)
        status = prune_judge_score(t->judge, t->original, &t->score);
    if (status != PRUNE_OK) return status;
    t->higher_is_better = t->judge && prune_judge_metric(t->judge)->higher_is_better;
    t->allowed = t->higher_is_better ? -INFINITY : INFINITY;
    if (trim->max_drop) t->allowed = t->higher_is_better ? t->score - amount : t->score + amount;
    return PRUNE_OK;
}

prune_status run_trim(prune_context *context, prune_model *model, const prune_model *original,
                      prune_samples *images, prune_judge *judge, const prune_trim_options *trim,
                      const prune_cut_options *cut, const prune_tune_options *tune,
                      const trim_keeper *keeper, json_t **report)
{
    trimming t = {.ctx = context,
                  .original = original,
                  .images = images,
                  .judge = judge,
                  .trim = trim,
                  .cut = *cut,
                  .tune = *tune,
                  .keeper = keeper,
                  .whole = {.struct_size = (uint32_t)sizeof t.whole}};
    prune_status status = prepare(&t);
    if (status != PRUNE_OK) return status;
    t.rounds = json_array();
    status = run_rounds(&t, model);
    if (status == PRUNE_OK) {
        prune_log_write(context, PRUNE_LOG_INFO, "trimming stopped by: %s", t.stopped_by);
        *report = json_pack("{s:O, s:s}", "rounds", t.rounds, "stopped_by", t.stopped_by);
        if (!*report) status = prune_error_set(PRUNE_E_MEMORY, "out of memory");
    }
    json_decref(t.rounds);
    return status;
}

prune_status prune_model_trim(prune_context *context, prune_model *model,
                              const prune_model *original, prune_samples *images,
                              prune_judge *judge, const prune_trim_options *trim,
                              const prune_cut_options *cut, const prune_tune_options *tune,
                              char **report)
{
    static const trim_keeper nobody = {0};
    json_t *json = NULL;
    prune_status status =
        run_trim(context, model, original, images, judge, trim, cut, tune, &nobody, &json);
    if (status == PRUNE_OK && report) {
        *report = prune_json_text(json, JSON_INDENT(1), prune_json_failures());
        if (!*report) status = prune_error_set(PRUNE_E_MEMORY, "out of memory");
    }
    json_decref(json);
    return status;
}
