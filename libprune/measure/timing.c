/* Latency of models that take turns (prune/measure.h). */
#include "libprune/base/context.h"
#include "libprune/base/options.h"
#include "libprune/measure/runner.h"
#include "libprune/measure/statistics.h"

#include <jansson.h>
#include <math.h>
#include <prune/measure.h>
#include <prune/sys/json.h>
#include <stdio.h>
#include <string.h>

enum { MIN_RUNS = 7, MAX_RUNS = 20000 };

struct prune_timing {
    prune_context *ctx;
    prune_timing_options options;
    int32_t count, runs, warm_up;
    double *times;            /* [count][MAX_RUNS] seconds in the order of the turns */
    double *sorted;           /* [MAX_RUNS] scratch */
    prune_latency *latencies; /* [count] */
    bool precise;
};

#define FIELD(member) offsetof(prune_timing_options, member)
static const prune_option rows[] = {
    {"seconds", PRUNE_OPTION_FLOAT, FIELD(seconds), "5", 0.001, 3600, NULL,
     "measure at most so long; all models together"},
    {"interval", PRUNE_OPTION_FLOAT, FIELD(precision), "0.01", 0, 1, NULL,
     "stop early when half of the median's interval is at most this share of it"},
    {"confidence", PRUNE_OPTION_FLOAT, FIELD(confidence), "0.95", 0.5, 0.999, NULL,
     "of the intervals around medians and ratios"},
    {"warm-up", PRUNE_OPTION_INT, FIELD(warm_up), "3", 0, 1000, NULL,
     "runs of each model before those that count"},
};
#undef FIELD

const prune_option_table *prune_timing_option_table(void)
{
    static const prune_option_table table = {"timing", sizeof(prune_timing_options), rows,
                                             sizeof rows / sizeof *rows};
    return &table;
}

void prune_timing_options_init(prune_timing_options *options)
{
    prune_options_init(prune_timing_option_table(), options);
}

static double *times_of(const prune_timing *timing, int32_t model)
{
    return timing->times + (size_t)model * MAX_RUNS;
}

/* Sorted copy of a model's times. */
static const double *sort_times(const prune_timing *timing, int32_t model)
{
    memcpy(timing->sorted, times_of(timing, model), (size_t)timing->runs * sizeof(double));
    pr_sort(timing->sorted, timing->runs);
    return timing->sorted;
}

/* Every other turn goes backwards: no model always runs behind the same other. */
static prune_status turn(prune_timing *timing, pr_runner *runners, int32_t index, bool counted)
{
    for (int32_t i = 0; i < timing->count; i++) {
        const int32_t m = index % 2 ? timing->count - 1 - i : i;
        const double start = pr_seconds();
        PR_TRY(pr_runner_run(&runners[m]));
        if (counted) times_of(timing, m)[index] = pr_seconds() - start;
    }
    return pr_check_cancel(timing->ctx);
}

static bool known_well(const prune_timing *timing)
{
    const pr_ranks ranks = pr_median_ranks(timing->runs, timing->options.confidence);
    if (ranks.coverage < timing->options.confidence) return false;
    for (int32_t m = 0; m < timing->count; m++) {
        const double *sorted = sort_times(timing, m);
        const double half = 0.5 * (sorted[ranks.high] - sorted[ranks.low]);
        if (half > timing->options.precision * pr_median(sorted, timing->runs)) return false;
    }
    return true;
}

static prune_status take_turns(prune_timing *timing, pr_runner *runners)
{
    for (; timing->warm_up < timing->options.warm_up; timing->warm_up++)
        PR_TRY(turn(timing, runners, timing->warm_up, false));
    const double start = pr_seconds();
    /* Looking means sorting: look when there is a twentieth more to see. Few looks also keep the
     * interval honest, for each is a chance to stop on a lucky one. */
    for (int32_t look = 2 * MIN_RUNS; timing->runs < MAX_RUNS;) {
        if (timing->runs >= MIN_RUNS && pr_seconds() - start > timing->options.seconds) break;
        if (timing->runs >= look) {
            timing->precise = known_well(timing);
            if (timing->precise) return PRUNE_OK;
            look = timing->runs + timing->runs / 20 + 1;
        }
        PR_TRY(turn(timing, runners, timing->runs, true));
        timing->runs++;
    }
    timing->precise = known_well(timing);
    return PRUNE_OK;
}

static void summarize(prune_timing *timing, int32_t model, const pr_runner *runner)
{
    const int32_t n = timing->runs;
    const double *sorted = sort_times(timing, model);
    const pr_ranks ranks = pr_median_ranks(n, timing->options.confidence);
    double total = 0;
    for (int32_t i = 0; i < n; i++) total += sorted[i];
    timing->latencies[model] = (prune_latency){
        .struct_size = (uint32_t)sizeof(prune_latency),
        .minimum = 1e3 * sorted[0],
        .median = 1e3 * pr_median(sorted, n),
        .runs = n,
        .memory = prune_session_memory(runner->session),
        .median_low = 1e3 * sorted[ranks.low],
        .median_high = 1e3 * sorted[ranks.high],
        .coverage = ranks.coverage,
        .p95 = 1e3 * pr_percentile(sorted, n, 0.95),
        .mean = 1e3 * total / n,
        .throughput = n / total,
        .precise = timing->precise,
        .warm_up = timing->warm_up,
        .threads = prune_context_threads(timing->ctx),
        .isa = prune_context_isa(timing->ctx),
        .height = runner->height,
        .width = runner->width,
    };
}

static prune_status timing_new(prune_timing **out, prune_context *ctx, int32_t count,
                               const prune_timing_options *options)
{
    if (count < 1) return pr_fail(PRUNE_E_ARGUMENT, "timing: at least one model is needed");
    prune_timing *timing = pr_calloc(ctx, 1, sizeof *timing);
    if (!timing) return PRUNE_E_MEMORY;
    *out = timing;
    timing->ctx = ctx;
    timing->count = count;
    PR_TRY(pr_options_take(prune_timing_option_table(), &timing->options, options));
    PR_TRY(pr_new(ctx, (void **)&timing->times, (size_t)count * MAX_RUNS, sizeof(double)));
    PR_TRY(pr_new(ctx, (void **)&timing->sorted, MAX_RUNS, sizeof(double)));
    return pr_new(ctx, (void **)&timing->latencies, (size_t)count, sizeof *timing->latencies);
}

prune_status prune_timing_run(prune_timing **out, prune_context *context,
                              const prune_model *const *models, int32_t count,
                              const prune_timing_options *options)
{
    prune_status status;
    prune_timing *timing = NULL;
    pr_runner *runners = NULL;
    PR_GO(timing_new(&timing, context, count, options));
    runners = pr_calloc(context, (size_t)count, sizeof *runners);
    if (!runners) PR_GO(PRUNE_E_MEMORY);
    for (int32_t m = 0; m < count; m++)
        PR_GO(pr_runner_open(&runners[m], context, models[m], timing->options.height,
                             timing->options.width));
    PR_GO(take_turns(timing, runners));
    for (int32_t m = 0; m < count; m++) summarize(timing, m, &runners[m]);
    *out = timing;
    timing = NULL;
done:
    for (int32_t m = 0; runners && m < count; m++) pr_runner_close(&runners[m]);
    pr_free(context, runners);
    prune_timing_free(timing);
    return status;
}

void prune_timing_free(prune_timing *timing)
{
    if (!timing) return;
    prune_context *ctx = timing->ctx;
    pr_free(ctx, timing->times);
    pr_free(ctx, timing->sorted);
    pr_free(ctx, timing->latencies);
    pr_free(ctx, timing);
}

static prune_status check_model(const prune_timing *timing, int32_t model)
{
    if (model >= 0 && model < timing->count) return PRUNE_OK;
    return pr_fail(PRUNE_E_ARGUMENT, "timing: there is no model %d among %d", model, timing->count);
}

/* As much as the caller's version of the struct holds. */
static void hand_out(void *to, const void *from, size_t bytes)
{
    uint32_t size;
    memcpy(&size, to, sizeof size);
    const size_t both = size < bytes ? size : bytes;
    if (both > sizeof size)
        memcpy((char *)to + sizeof size, (const char *)from + sizeof size, both - sizeof size);
}

prune_status prune_timing_latency(const prune_timing *timing, int32_t model, prune_latency *latency)
{
    PR_TRY(check_model(timing, model));
    hand_out(latency, &timing->latencies[model], sizeof *latency);
    return PRUNE_OK;
}

prune_status prune_timing_ratio(const prune_timing *timing, int32_t model, int32_t base,
                                prune_ratio *ratio)
{
    PR_TRY(check_model(timing, model));
    PR_TRY(check_model(timing, base));
    const double *a = times_of(timing, model), *b = times_of(timing, base);
    const int32_t n = timing->runs;
    /* Logarithms make the ratio of two models and its inverse say the same. */
    for (int32_t i = 0; i < n; i++) timing->sorted[i] = log(a[i] / b[i]);
    pr_sort(timing->sorted, n);
    const pr_ranks ranks = pr_median_ranks(n, timing->options.confidence);
    const prune_ratio result = {
        .ratio = exp(pr_median(timing->sorted, n)),
        .low = exp(timing->sorted[ranks.low]),
        .high = exp(timing->sorted[ranks.high]),
        .coverage = ranks.coverage,
        .minimum = timing->latencies[model].minimum / timing->latencies[base].minimum,
        .turns = n,
    };
    hand_out(ratio, &result, sizeof result);
    return PRUNE_OK;
}

prune_status prune_timing_json(const prune_timing *timing, int32_t model, char **json)
{
    PR_TRY(check_model(timing, model));
    const prune_latency *l = &timing->latencies[model];
    char interval[32];
    (void)snprintf(interval, sizeof interval, "median_ci%.4g", 100 * timing->options.confidence);
    json_t *root = json_pack(
        "{s:f, s:f, s:[f,f], s:f, s:f, s:f, s:f, s:i, s:i, s:b, s:f, s:f, s:i, s:s, "
        "s:I, s:[i,i]}",
        "minimum", l->minimum, "median", l->median, interval, l->median_low, l->median_high,
        "coverage", l->coverage, "p95", l->p95, "mean", l->mean, "throughput", l->throughput,
        "runs", l->runs, "warm_up", l->warm_up, "precise", l->precise, "wanted_precision",
        timing->options.precision, "seconds", timing->options.seconds, "threads", l->threads, "isa",
        l->isa, "session_bytes", (json_int_t)l->memory, "input_size", l->height, l->width);
    *json = root ? prune_json_text(root, JSON_COMPACT, prune_json_failures()) : NULL;
    json_decref(root);
    return *json ? PRUNE_OK : pr_fail_memory(512);
}
