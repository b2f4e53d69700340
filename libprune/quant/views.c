#include "libprune/quant/views.h"

prune_status pr_viewer_open(pr_viewer *out, const prune_model *model, const pr_run_options *options)
{
    *out = (pr_viewer){.ctx = model->ctx, .model = model, .options = *options};
    return PRUNE_OK;
}

void pr_viewer_unload(pr_viewer *viewer)
{
    if (viewer->samples) prune_samples_release(viewer->samples, &viewer->sample);
    viewer->samples = NULL;
}

void pr_viewer_close(pr_viewer *viewer)
{
    pr_viewer_unload(viewer);
    pr_run_free(viewer->run);
    pr_free(viewer->ctx, viewer->input);
    *viewer = (pr_viewer){0};
}

static prune_status fit(pr_viewer *viewer, int32_t width, int32_t height)
{
    if (viewer->run && width == viewer->width && height == viewer->height) return PRUNE_OK;
    pr_run_free(viewer->run);
    pr_free(viewer->ctx, viewer->input);
    viewer->run = NULL;
    viewer->input = NULL;
    PR_TRY(pr_new(viewer->ctx, (void **)&viewer->input, (size_t)width * (size_t)height,
                  3 * sizeof *viewer->input));
    viewer->width = width;
    viewer->height = height;
    return pr_run_create(&viewer->run, viewer->model, 1, height, width, &viewer->options);
}

prune_status pr_viewer_load(pr_viewer *viewer, prune_samples *samples, uint64_t index,
                            const pr_augment *augment, pr_random *random)
{
    const pr_preprocess *rule = &viewer->model->meta.preprocess;
    int32_t width, height;
    pr_viewer_unload(viewer);
    PR_TRY(prune_samples_load(samples, index, &viewer->sample));
    viewer->samples = samples;
    const prune_sample *sample = &viewer->sample;
    const pr_view view = pr_view_choose(augment, sample->width, sample->height, random);
    pr_image_network_size(rule, sample->width, sample->height, &width, &height);
    PR_TRY(fit(viewer, width, height));
    return pr_view_render(viewer->ctx, &view, rule, sample, width, height, viewer->input, NULL);
}
