/* Where the time of one model goes, step by step, and how near the machine's limits that is. */
#include "pipelines/cli/bench.h"

#include <prune/sys/memory.h>
#include <stdio.h>
#include <string.h>

enum { RUNS = 7 };

/* Each step's least time over a few runs: the machine's mood cannot make a step faster. */
static prune_status least_times(prune_session *session, const float *input, float *output,
                                int32_t height, int32_t width, double *best)
{
    const int32_t count = prune_session_steps(session);
    prune_status status = PRUNE_OK;
    for (int run = 0; status == PRUNE_OK && run < RUNS; run++) {
        status = prune_session_run(session, input, height, width, output);
        for (int32_t i = 0; status == PRUNE_OK && i < count; i++) {
            prune_session_step step = {.struct_size = (uint32_t)sizeof step};
            status = prune_session_step_info(session, i, &step);
            if (run == 0 || step.seconds < best[i]) best[i] = step.seconds;
        }
    }
    return status;
}

static json_t *step_json(const prune_session_step *step, const prune_peaks *peaks, double seconds)
{
    const double limit = prune_peaks_seconds(peaks, step);
    return json_pack("{s:s, s:s, s:f, s:I, s:b, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f}", "name",
                     step->name, "kernel", step->kernel, "seconds", seconds, "macs",
                     (json_int_t)step->macs, "int8", step->integer, "int8_macs",
                     (json_int_t)step->int8_macs, "bf16_macs", (json_int_t)step->bf16_macs,
                     "weight_bytes", (json_int_t)step->weight_bytes, "read_bytes",
                     (json_int_t)step->read_bytes, "write_bytes", (json_int_t)step->write_bytes,
                     "gops", seconds > 0 ? 2e-9 * (double)step->macs / seconds : 0, "limit_seconds",
                     limit, "limit_share", seconds > 0 ? limit / seconds : 0);
}

prune_status bench_profile(cli_call *call, const prune_model *model, int32_t height, int32_t width,
                           const prune_peaks *peaks, json_t *steps)
{
    prune_context *ctx = call->ctx;
    prune_session_options options;
    prune_session *session = NULL;
    prune_session_options_init(&options);
    options.profile = true;
    options.height = height;
    options.width = width;
    const size_t pixels = (size_t)height * (size_t)width;
    float *input = prune_memory_zero(ctx, pixels * 3, sizeof *input);
    float *output = prune_memory_zero(ctx, pixels, sizeof *output);
    double *best = NULL;
    prune_status status = input && output ? PRUNE_OK : PRUNE_E_MEMORY;
    if (status == PRUNE_OK) status = prune_session_create(&session, model, &options);
    const int32_t count = status == PRUNE_OK ? prune_session_steps(session) : 0;
    if (status == PRUNE_OK) {
        best = prune_memory_zero(ctx, (size_t)count + 1, sizeof *best);
        status = best ? least_times(session, input, output, height, width, best) : PRUNE_E_MEMORY;
    }
    for (int32_t i = 0; status == PRUNE_OK && i < count; i++) {
        prune_session_step step = {.struct_size = (uint32_t)sizeof step};
        status = prune_session_step_info(session, i, &step);
        (void)json_array_append_new(steps, step_json(&step, peaks, best[i]));
    }
    prune_session_free(session);
    prune_memory_free(ctx, input);
    prune_memory_free(ctx, output);
    prune_memory_free(ctx, best);
    return status;
}

/* --- totals -----------------------------------------------------------------------------------*/

static double get(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

/* The total of a kernel, made when it is not there yet. */
static json_t *kind_of(json_t *kinds, const char *kernel)
{
    size_t i;
    json_t *kind;
    json_array_foreach(kinds, i, kind) if (strcmp(text(kind, "kernel"), kernel) == 0) return kind;
    kind = json_pack("{s:s, s:i, s:f, s:f, s:f, s:f}", "kernel", kernel, "steps", 0, "seconds", 0.0,
                     "macs", 0.0, "limit_seconds", 0.0, "limited_seconds", 0.0);
    return json_array_append_new(kinds, kind) == 0 ? kind : NULL;
}

static void add_to(json_t *kind, const char *key, double more)
{
    (void)json_object_set_new(kind, key, json_real(get(kind, key) + more));
}

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

/* One object for every kernel: how many steps, their time, what it is at the limit. Steps without a
 * known limit do not count in that share. */
json_t *bench_kinds(const json_t *steps)
{
    json_t *kinds = json_array(), *kind;
    const json_t *step;
    double total = 0;
    size_t i;
    json_array_foreach(steps, i, step)
    {
        kind = kind_of(kinds, text(step, "kernel"));
        if (!kind) continue;
        const double seconds = get(step, "seconds"), limit = get(step, "limit_seconds");
        total += seconds;
        (void)json_object_set_new(
            kind, "steps", json_integer(json_integer_value(json_object_get(kind, "steps")) + 1));
        add_to(kind, "seconds", seconds);
        add_to(kind, "macs", get(step, "macs"));
        add_to(kind, "limit_seconds", limit);
        if (limit > 0) add_to(kind, "limited_seconds", seconds);
    }
    json_array_foreach(kinds, i, kind)
    {
        const double seconds = get(kind, "seconds");
        (void)json_object_set_new(kind, "share", json_real(share(seconds, total)));
        (void)json_object_set_new(kind, "gops",
                                  json_real(share(2e-9 * get(kind, "macs"), seconds)));
        (void)json_object_set_new(
            kind, "limit_share",
            json_real(share(get(kind, "limit_seconds"), get(kind, "limited_seconds"))));
        (void)json_object_del(kind, "limited_seconds");
    }
    return kinds;
}

json_t *bench_peaks_json(const prune_peaks *p)
{
    json_t *root = json_pack("{s:f, s:f, s:f, s:[]}", "fp32_gops", 1e-9 * p->fp32, "int8_gops",
                             1e-9 * p->int8, "bf16_gops", 1e-9 * p->bf16, "read");
    for (size_t i = 0; i < sizeof p->set / sizeof *p->set; i++)
        (void)json_array_append_new(json_object_get(root, "read"),
                                    json_pack("{s:I, s:f}", "bytes", (json_int_t)p->set[i],
                                              "gb_per_second", 1e-9 * p->read[i]));
    return root;
}

/* --- for people -------------------------------------------------------------------------------*/

/* What is not known is a dash. */
static void print_columns(double seconds, double total, double gops, double limit)
{
    (void)printf("%9.3f %6.1f%%", 1e3 * seconds, 100 * share(seconds, total));
    if (gops > 0)
        (void)printf(" %8.1f", gops);
    else
        (void)printf(" %8s", "-");
    if (limit > 0)
        (void)printf(" %6.1f%%\n", 100 * limit);
    else
        (void)printf(" %7s\n", "-");
}

static void print_peaks(const prune_peaks *p)
{
    const double list[] = {p->fp32, p->int8, p->bf16};
    static const char *const names[] = {"FP32", "INT8", "BF16"};
    const size_t sets = sizeof p->set / sizeof *p->set;
    (void)printf("\nlimits   measured with %s, %d threads:", p->isa, p->threads);
    for (int i = 0; i < 3; i++)
        if (list[i] > 0) (void)printf(" %s %.0f GOPS,", names[i], 1e-9 * list[i]);
    (void)printf(" reading");
    for (size_t i = 0; i < sets; i++)
        (void)printf(" %.0f GB/s of %.3g MB%s", 1e-9 * p->read[i], 1e-6 * (double)p->set[i],
                     i + 1 < sets ? "," : "\n");
}

/* Slowest first; steps that take the same time keep their order. */
static json_t *sorted(const json_t *steps)
{
    json_t *list = json_array(), *step;
    size_t i;
    json_array_foreach((json_t *)steps, i, step)
    {
        size_t at = json_array_size(list);
        while (at > 0 && get(json_array_get(list, at - 1), "seconds") < get(step, "seconds")) at--;
        (void)json_array_insert(list, at, step);
    }
    return list;
}

void bench_print_steps(const json_t *steps, const prune_peaks *peaks, bool by_time)
{
    double total = 0, limit = 0, macs = 0;
    json_t *kinds = bench_kinds(steps);
    json_t *list = by_time ? sorted(steps) : json_incref((json_t *)steps);
    const json_t *step;
    size_t i;
    json_array_foreach(kinds, i, step)
    {
        total += get(step, "seconds");
        limit += get(step, "limit_seconds");
        macs += get(step, "macs");
    }
    print_peaks(peaks);
    (void)printf("\n%-56s %-14s %9s %7s %8s %7s\n", "step", "kernel", "ms", "share", "GOPS",
                 "limit");
    json_array_foreach(list, i, step)
    {
        (void)printf("%-56.56s %-14s ", text(step, "name"), text(step, "kernel"));
        print_columns(get(step, "seconds"), total, get(step, "gops"), get(step, "limit_share"));
    }
    (void)printf("\n%-56s %-14s %9s %7s %8s %7s\n", "all steps of a kind", "kernel", "ms", "share",
                 "GOPS", "limit");
    json_array_foreach(kinds, i, step)
    {
        (void)printf("%-56lld %-14s ",
                     (long long)json_integer_value(json_object_get(step, "steps")),
                     text(step, "kernel"));
        print_columns(get(step, "seconds"), total, get(step, "gops"), get(step, "limit_share"));
    }
    (void)printf("%-56zu %-14s ", json_array_size(steps), "all");
    print_columns(total, total, share(2e-9 * macs, total), share(limit, total));
    json_decref(list);
    json_decref(kinds);
}
