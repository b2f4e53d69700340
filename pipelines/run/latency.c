/* Latency of several models that take turns, and memory of this process. */
#include "pipelines/run/run.h"

#include <prune/sys/error.h>
#include <prune/sys/memory.h>
#include <prune/sys/parallel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MIN_RUNS = 7, MAX_RUNS = 2000, WARM_UP = 2 };

double run_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct runner {
    prune_session *session;
    int32_t height, width;
    float *input, *output;
    double *times;
} runner;

static prune_status open_runner(runner *r, prune_context *ctx, const prune_model *model,
                                int32_t height, int32_t width)
{
    prune_model_info info = {.struct_size = (uint32_t)sizeof info};
    prune_status status = prune_model_describe(model, height, width, &info);
    if (status == PRUNE_OK) status = prune_session_create(&r->session, model, NULL);
    if (status != PRUNE_OK) return status;
    r->height = info.input_height;
    r->width = info.input_width;
    const size_t pixels = (size_t)r->height * (size_t)r->width;
    r->input = prune_memory_zero(ctx, pixels * 3, sizeof *r->input);
    r->output = prune_memory_zero(ctx, pixels, sizeof *r->output);
    r->times = prune_memory_zero(ctx, MAX_RUNS, sizeof *r->times);
    if (!r->input || !r->output || !r->times) return PRUNE_E_MEMORY;
    /* A fixed pattern in the range of normalised pixels: zeros would flatter any kernel. */
    uint32_t state = 1;
    for (size_t i = 0; i < pixels * 3; i++) {
        state = state * 1664525u + 1013904223u;
        r->input[i] = (float)(state >> 8) / (float)(1 << 23) - 1.0f;
    }
    return PRUNE_OK;
}

static prune_status time_once(runner *r, double *seconds)
{
    const double start = run_now();
    prune_status status = prune_session_run(r->session, r->input, r->height, r->width, r->output);
    *seconds = run_now() - start;
    return status;
}

static prune_status take_turns(prune_context *ctx, runner *runners, int32_t count, double seconds,
                               int32_t *runs)
{
    prune_status status = PRUNE_OK;
    double unused;
    for (int32_t w = 0; w < WARM_UP; w++)
        for (int32_t m = 0; status == PRUNE_OK && m < count; m++)
            status = time_once(&runners[m], &unused);
    const double start = run_now();
    for (*runs = 0; status == PRUNE_OK && *runs < MAX_RUNS; (*runs)++) {
        if (*runs >= MIN_RUNS && run_now() - start > seconds) break;
        for (int32_t m = 0; status == PRUNE_OK && m < count; m++)
            status = time_once(&runners[m], &runners[m].times[*runs]);
        if (status == PRUNE_OK) status = prune_cancel_check(ctx);
    }
    return status;
}

prune_status prune_latency_measure(prune_context *context, const prune_model *const *models,
                                   int32_t count, int32_t height, int32_t width, double seconds,
                                   prune_latency *results)
{
    runner *runners = prune_memory_zero(context, (size_t)count, sizeof *runners);
    prune_status status = runners ? PRUNE_OK : PRUNE_E_MEMORY;
    int32_t runs = 0;
    for (int32_t m = 0; status == PRUNE_OK && m < count; m++)
        status = open_runner(&runners[m], context, models[m], height, width);
    if (status == PRUNE_OK) status = take_turns(context, runners, count, seconds, &runs);
    for (int32_t m = 0; runners && m < count; m++) {
        runner *r = &runners[m];
        if (status == PRUNE_OK) {
            qsort(r->times, (size_t)runs, sizeof *r->times, ascending);
            results[m] = (prune_latency){.struct_size = (uint32_t)sizeof *results,
                                         .minimum = 1e3 * r->times[0],
                                         .median = 1e3 * r->times[runs / 2],
                                         .runs = runs,
                                         .memory = prune_session_memory(r->session)};
        }
        prune_session_free(r->session);
        prune_memory_free(context, r->input);
        prune_memory_free(context, r->output);
        prune_memory_free(context, r->times);
    }
    prune_memory_free(context, runners);
    return status;
}

uint64_t prune_peak_memory(void)
{
    char line[256];
    unsigned long long kilobytes = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %llu kB", &kilobytes) == 1) break;
    if (file) (void)fclose(file);
    return (uint64_t)kilobytes * 1024;
}
