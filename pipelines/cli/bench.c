/* prune bench: latency, memory, energy and where the time goes; of one model, or of two in turns.
 */
#include "pipelines/cli/bench.h"

#include <prune/sys/error.h>
#include <prune/sys/memory.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct bench_options {
    uint32_t struct_size;
    const char *size;
    bool profile, compare;
    int32_t order;
} bench_options;

static const prune_option rows[] = {
    {"size", PRUNE_OPTION_TEXT, offsetof(bench_options, size), NULL, 0, 0, NULL,
     "network input HEIGHTxWIDTH (default: the model's own)"},
    {"compare", PRUNE_OPTION_BOOL, offsetof(bench_options, compare), "false", 0, 0, NULL,
     "two models in turns, and the ratio of their times with its interval"},
    {"profile", PRUNE_OPTION_BOOL, offsetof(bench_options, profile), "true", 0, 0, NULL,
     "list the steps with their share of the time and of the machine's limit"},
    {"order", PRUNE_OPTION_CHOICE, offsetof(bench_options, order), "network", 0, 0, "network|time",
     "order of the steps in the text: as they run, or slowest first"},
};
static const prune_option_table *table(void)
{
    static const prune_option_table t = {"bench", sizeof(bench_options), rows,
                                         sizeof rows / sizeof *rows};
    return &t;
}

enum { T_BENCH, T_LOAD, T_TIMING, T_ENERGY, T_BATTERY, T_SESSION };

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The first map and one more, of a black picture: what opening costs a program that only runs. */
static prune_status first_map(bench_result *b, bench_model *m, double start)
{
    const int32_t height = m->info.input_height, width = m->info.input_width;
    const size_t pixels = (size_t)height * (size_t)width;
    prune_session_options options;
    prune_session *session = NULL;
    float *values = prune_memory_zero(b->call->ctx, 4 * pixels, sizeof *values);
    prune_status status = values ? PRUNE_OK : PRUNE_E_MEMORY;
    prune_session_options_init(&options);
    options.height = height;
    options.width = width;
    if (status == PRUNE_OK) status = prune_session_create(&session, m->model, &options);
    if (status == PRUNE_OK)
        status = prune_session_run(session, values + pixels, height, width, values);
    const double first = seconds();
    if (status == PRUNE_OK)
        status = prune_session_run(session, values + pixels, height, width, values);
    m->load = first - start - (seconds() - first);
    if (m->load < 0) m->load = 0; /* a disturbed second run */
    prune_session_free(session);
    prune_memory_free(b->call->ctx, values);
    return status;
}

static prune_status open_models(bench_result *b, int32_t height, int32_t width)
{
    cli_call *call = b->call;
    const prune_session_options *session = call->options[T_SESSION];
    prune_status status = PRUNE_OK;
    for (int32_t i = 0; status == PRUNE_OK && i < b->count; i++) {
        bench_model *m = &b->models[i];
        m->path = call->arguments[i];
        m->info.struct_size = (uint32_t)sizeof m->info;
        const double start = seconds();
        status = cli_open_model(call, m->path, call->options[T_LOAD], &m->model);
        if (status == PRUNE_OK) status = prune_model_set_floats(m->model, session->precision);
        if (status == PRUNE_OK) status = prune_model_describe(m->model, height, width, &m->info);
        if (status == PRUNE_OK) status = first_map(b, m, start);
    }
    return status;
}

static prune_status measure_time(bench_result *b, const prune_model *const *models, int32_t height,
                                 int32_t width)
{
    prune_timing_options options = *b->timing_options;
    options.height = height;
    options.width = width;
    prune_status status = prune_timing_run(&b->timing, b->call->ctx, models, b->count, &options);
    for (int32_t i = 0; status == PRUNE_OK && i < b->count; i++) {
        b->models[i].latency.struct_size = (uint32_t)sizeof(prune_latency);
        status = prune_timing_latency(b->timing, i, &b->models[i].latency);
    }
    b->ratio.struct_size = (uint32_t)sizeof b->ratio;
    if (status == PRUNE_OK && b->count > 1) status = prune_timing_ratio(b->timing, 1, 0, &b->ratio);
    return status;
}

static prune_status battery(bench_result *b, bench_model *m)
{
    prune_battery_options options = *b->battery_options;
    if (!(options.battery_wh > 0)) return PRUNE_OK;
    m->paced.struct_size = m->continuous.struct_size = (uint32_t)sizeof m->paced;
    prune_status status = PRUNE_OK;
    if (options.fps > 0)
        status = prune_battery_runtime(&m->paced, &options, &m->energy, m->latency.mean);
    options.fps = 0;
    if (status == PRUNE_OK)
        status = prune_battery_runtime(&m->continuous, &options, &m->energy, m->latency.mean);
    return status;
}

static prune_status measure_energy(bench_result *b, const prune_model *const *models,
                                   int32_t height, int32_t width)
{
    prune_energy_options options = *(const prune_energy_options *)b->call->options[T_ENERGY];
    options.height = height;
    options.width = width;
    prune_status status = prune_energy_run(&b->energy, b->call->ctx, models, b->count, &options);
    for (int32_t i = 0; status == PRUNE_OK && i < b->count; i++) {
        bench_model *m = &b->models[i];
        m->energy.struct_size = (uint32_t)sizeof m->energy;
        status = prune_energy_frame(b->energy, i, &m->energy);
        if (status == PRUNE_OK) status = battery(b, m);
    }
    return status;
}

static prune_status measure(bench_result *b, const bench_options *options)
{
    const prune_model *models[BENCH_MODELS];
    int32_t height = 0, width = 0;
    prune_status status = cli_parse_size(options->size, &height, &width);
    if (status == PRUNE_OK) status = open_models(b, height, width);
    if (status != PRUNE_OK) return status;
    for (int32_t i = 0; i < b->count; i++) models[i] = b->models[i].model;
    b->peak = prune_peak_memory();
    const bool reset = prune_peak_memory_reset() == PRUNE_OK;
    status = measure_time(b, models, height, width);
    const uint64_t measuring = prune_peak_memory();
    if (reset) b->measuring = measuring;
    if (measuring > b->peak) b->peak = measuring;
    if (status == PRUNE_OK) status = measure_energy(b, models, height, width);
    if (status == PRUNE_OK && options->profile) {
        b->peaks.struct_size = (uint32_t)sizeof b->peaks;
        status = prune_peaks_measure(&b->peaks, b->call->ctx);
    }
    for (int32_t i = 0; status == PRUNE_OK && options->profile && i < b->count; i++) {
        bench_model *m = &b->models[i];
        m->steps = json_array();
        status = bench_profile(b->call, m->model, m->info.input_height, m->info.input_width,
                               &b->peaks, m->steps);
    }
    return status;
}

static prune_status run(cli_call *call)
{
    const bench_options *options = call->options[T_BENCH];
    bench_result b = {.call = call,
                      .count = call->count,
                      .by_time = options->order != 0,
                      .timing_options = call->options[T_TIMING],
                      .battery_options = call->options[T_BATTERY]};
    char *json = NULL;
    if (options->compare && call->count != BENCH_MODELS)
        return cli_usage_error("--compare needs two models");
    if (!options->compare && call->count != 1)
        return cli_usage_error("two models are measured in turns with --compare");
    prune_machine_describe(b.machine, sizeof b.machine);
    prune_status status = measure(&b, options);
    if (status == PRUNE_OK) status = bench_json(&b, &json);
    if (status == PRUNE_OK) status = cli_write_json(call, json);
    if (status == PRUNE_OK && !(call->common->json && strcmp(call->common->json, "-") == 0))
        bench_print(&b);
    prune_text_free(json);
    prune_timing_free(b.timing);
    prune_energy_free(b.energy);
    for (int32_t i = 0; i < BENCH_MODELS; i++) {
        json_decref(b.models[i].steps);
        prune_model_free(b.models[i].model);
    }
    return status;
}

const cli_command cli_bench = {
    .name = "bench",
    .arguments = "MODEL [MODEL]",
    .summary = "measures latency, memory and energy, step by step; two models in turns",
    .example = "prune bench bundled --size 98x322 --battery-wh 50",
    .min_arguments = 1,
    .max_arguments = 2,
    .tables = {table, prune_load_option_table, prune_timing_option_table, prune_energy_option_table,
               prune_battery_option_table, prune_session_option_table},
    .run = run,
};
