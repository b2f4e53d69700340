/* prune bench: latency, memory and where the time goes. */
#include "pipelines/cli/command.h"

#include <prune/pipeline.h>
#include <prune/sys/error.h>
#include <prune/sys/json.h>
#include <prune/sys/memory.h>
#include <stdio.h>
#include <string.h>

typedef struct bench_options {
    uint32_t struct_size;
    const char *size;
    bool profile;
} bench_options;

static const prune_option rows[] = {
    {"size", PRUNE_OPTION_TEXT, offsetof(bench_options, size), NULL, 0, 0, NULL,
     "network input HEIGHTxWIDTH (default: the model's own)"},
    {"profile", PRUNE_OPTION_BOOL, offsetof(bench_options, profile), "true", 0, 0, NULL,
     "list the steps with their share of the time"},
};
static const prune_option_table *table(void)
{
    static const prune_option_table t = {"bench", sizeof(bench_options), rows,
                                         sizeof rows / sizeof *rows};
    return &t;
}

/* Each step's least time over a few runs: the machine's mood cannot make a step faster. */
static prune_status profile(cli_call *call, const prune_model *model, int32_t height, int32_t width,
                            json_t *steps)
{
    prune_context *ctx = call->ctx;
    prune_session_options options;
    prune_session *session = NULL;
    prune_session_options_init(&options);
    options.profile = true;
    const size_t pixels = (size_t)height * (size_t)width;
    float *input = prune_memory_zero(ctx, pixels * 3, sizeof *input);
    float *output = prune_memory_zero(ctx, pixels, sizeof *output);
    double *best = NULL;
    prune_status status = input && output ? PRUNE_OK : PRUNE_E_MEMORY;
    if (status == PRUNE_OK) status = prune_session_create(&session, model, &options);
    int32_t count = 0;
    for (int run = 0; status == PRUNE_OK && run < 7; run++) {
        status = prune_session_run(session, input, height, width, output);
        if (status == PRUNE_OK && !best) {
            count = prune_session_steps(session);
            best = prune_memory_zero(ctx, (size_t)count + 1, sizeof *best);
            if (!best) status = PRUNE_E_MEMORY;
        }
        for (int32_t i = 0; status == PRUNE_OK && i < count; i++) {
            prune_session_step step = {.struct_size = (uint32_t)sizeof step};
            status = prune_session_step_info(session, i, &step);
            if (run == 0 || step.seconds < best[i]) best[i] = step.seconds;
        }
    }
    for (int32_t i = 0; status == PRUNE_OK && i < count; i++) {
        prune_session_step step = {.struct_size = (uint32_t)sizeof step};
        status = prune_session_step_info(session, i, &step);
        (void)json_array_append_new(steps, json_pack("{s:s, s:s, s:f, s:I}", "name", step.name,
                                                     "kernel", step.kernel, "seconds", best[i],
                                                     "macs", (json_int_t)step.macs));
    }
    prune_session_free(session);
    prune_memory_free(ctx, input);
    prune_memory_free(ctx, output);
    prune_memory_free(ctx, best);
    return status;
}

static void print_steps(const json_t *steps)
{
    double total = 0;
    size_t i;
    const json_t *step;
    json_array_foreach(steps, i, step) total += json_number_value(json_object_get(step, "seconds"));
    (void)printf("\n%-56s %-14s %9s %7s %8s\n", "step", "kernel", "ms", "share", "GMAC/s");
    json_array_foreach(steps, i, step)
    {
        const double seconds = json_number_value(json_object_get(step, "seconds"));
        const double macs = (double)json_integer_value(json_object_get(step, "macs"));
        (void)printf("%-56.56s %-14s %9.3f %6.1f%% %8.1f\n",
                     json_string_value(json_object_get(step, "name")),
                     json_string_value(json_object_get(step, "kernel")), 1e3 * seconds,
                     100 * seconds / total, seconds > 0 ? macs / seconds / 1e9 : 0);
    }
}

static prune_status report(cli_call *call, const prune_model_info *info,
                           const prune_latency *latency, json_t *steps)
{
    json_t *root = json_pack("{s:[i,i], s:f, s:f, s:i, s:I, s:I, s:s, s:i, s:O}", "size",
                             info->input_height, info->input_width, "minimum_ms", latency->minimum,
                             "median_ms", latency->median, "runs", latency->runs, "session_bytes",
                             (json_int_t)latency->memory, "peak_memory",
                             (json_int_t)prune_peak_memory(), "isa", prune_context_isa(call->ctx),
                             "threads", prune_context_threads(call->ctx), "steps", steps);
    char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    prune_status status =
        text ? cli_write_json(call, text) : prune_error_set(PRUNE_E_MEMORY, "bench: out of memory");
    json_decref(root);
    prune_text_free(text);
    return status;
}

static prune_status run(cli_call *call)
{
    const bench_options *options = call->options[0];
    prune_model *model = NULL;
    prune_model_info info = {.struct_size = (uint32_t)sizeof info};
    prune_latency latency = {.struct_size = (uint32_t)sizeof latency};
    prune_timing_options timing_options = *(const prune_timing_options *)call->options[2];
    prune_timing *timing = NULL;
    json_t *steps = json_array();
    int32_t height = 0, width = 0;
    prune_status status = cli_parse_size(options->size, &height, &width);
    if (status == PRUNE_OK)
        status = cli_open_model(call, call->arguments[0], call->options[1], &model);
    if (status == PRUNE_OK) status = prune_model_describe(model, height, width, &info);
    timing_options.height = info.input_height;
    timing_options.width = info.input_width;
    if (status == PRUNE_OK)
        status = prune_timing_run(&timing, call->ctx, (const prune_model *const[]){model}, 1,
                                  &timing_options);
    if (status == PRUNE_OK) status = prune_timing_latency(timing, 0, &latency);
    if (status == PRUNE_OK && options->profile)
        status = profile(call, model, info.input_height, info.input_width, steps);
    if (status == PRUNE_OK) status = report(call, &info, &latency, steps);
    if (status == PRUNE_OK && !(call->common->json && strcmp(call->common->json, "-") == 0)) {
        (void)printf("%d x %d (height x width), %s, %d threads, %d runs after warm-up\n"
                     "latency  minimum %.3f ms, median %.3f ms\n"
                     "memory   session %.1f MB, process at most %.1f MB\n",
                     info.input_height, info.input_width, prune_context_isa(call->ctx),
                     prune_context_threads(call->ctx), latency.runs, latency.minimum,
                     latency.median, (double)latency.memory / 1e6,
                     (double)prune_peak_memory() / 1e6);
        if (options->profile) print_steps(steps);
    }
    json_decref(steps);
    prune_timing_free(timing);
    prune_model_free(model);
    return status;
}

const cli_command cli_bench = {
    .name = "bench",
    .arguments = "MODEL",
    .summary = "measures latency and memory, step by step",
    .example = "prune bench bundled --size 98x322 --threads 2",
    .min_arguments = 1,
    .max_arguments = 1,
    .tables = {table, prune_load_option_table, prune_timing_option_table},
    .run = run,
};
