#include "libprune/measure/runner.h"

#include "libprune/base/context.h"

#include <time.h>

double pr_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

prune_status pr_runner_open(pr_runner *runner, prune_context *ctx, const prune_model *model,
                            int32_t height, int32_t width)
{
    prune_model_info info = {.struct_size = (uint32_t)sizeof info};
    *runner = (pr_runner){.ctx = ctx};
    PR_TRY(prune_model_describe(model, height, width, &info));
    runner->height = info.input_height;
    runner->width = info.input_width;
    prune_session_options options;
    prune_session_options_init(&options);
    options.height = runner->height;
    options.width = runner->width;
    PR_TRY(prune_session_create(&runner->session, model, &options));
    const size_t pixels = (size_t)runner->height * (size_t)runner->width;
    PR_TRY(pr_new(ctx, (void **)&runner->input, pixels * 3, sizeof *runner->input));
    PR_TRY(pr_new(ctx, (void **)&runner->output, pixels, sizeof *runner->output));
    /* A fixed pattern in the range of normalised pixels: zeros would flatter any kernel. */
    uint32_t state = 1;
    for (size_t i = 0; i < pixels * 3; i++) {
        state = state * 1664525u + 1013904223u;
        runner->input[i] = (float)(state >> 8) / (float)(1 << 23) - 1.0f;
    }
    return PRUNE_OK;
}

void pr_runner_close(pr_runner *runner)
{
    if (!runner->ctx) return;
    prune_session_free(runner->session);
    pr_free(runner->ctx, runner->input);
    pr_free(runner->ctx, runner->output);
    *runner = (pr_runner){0};
}

prune_status pr_runner_run(pr_runner *runner)
{
    return prune_session_run(runner->session, runner->input, runner->height, runner->width,
                             runner->output);
}
