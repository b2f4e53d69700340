#include "libprune/quant/calibrate.h"

#include "libprune/quant/views.h"

#include <math.h>

/* Zoomed, mirrored and relit: ranges that real pictures of the same kind may reach. */
static const pr_augment augment = {
    .flip = true, .crop = 0.6, .exposure = 0.4, .colour = 0.1, .noise = 0.01};

/* Smallest scale of a channel as a share of the value's largest: a channel that never spoke must
 * neither divide by zero nor clip whatever it once says. */
static const float least_share = 0.01f;

prune_status pr_calibration_create(pr_calibration *out, const prune_model *model,
                                   const pr_watch *watch, pr_observer_kind kind)
{
    pr_calibration made = {.ctx = model->ctx, .model = model, .n_nodes = model->n_nodes};
    pr_shape *shapes = NULL;
    prune_status status = PRUNE_OK;
    int64_t height, width;
    pr_model_input_size(model, &height, &width);
    made.observers = pr_calloc(model->ctx, (size_t)model->n_nodes, sizeof *made.observers);
    if (!made.observers) return PRUNE_E_MEMORY;
    PR_GO(pr_new(model->ctx, (void **)&shapes, (size_t)model->n_nodes, sizeof *shapes));
    PR_GO(pr_shapes_infer(model, 1, height, width, shapes));
    for (int32_t i = 0; i < model->n_nodes; i++)
        if (watch[i] != PR_WATCH_NONE)
            PR_GO(pr_observer_create(&made.observers[i], model->ctx, kind,
                                     watch[i] == PR_WATCH_CHANNEL ? pr_shape_last(&shapes[i]) : 1));
    *out = made;
done:
    pr_free(model->ctx, shapes);
    if (status != PRUNE_OK) pr_calibration_free(&made);
    return status;
}

void pr_calibration_free(pr_calibration *calibration)
{
    for (int32_t i = 0; calibration->observers && i < calibration->n_nodes; i++)
        pr_observer_free(&calibration->observers[i]);
    if (calibration->ctx) pr_free(calibration->ctx, calibration->observers);
    *calibration = (pr_calibration){0};
}

static prune_status observe(void *user, int32_t node, pr_tensor *value)
{
    pr_calibration *calibration = user;
    pr_observer *observer = &calibration->observers[node];
    if (observer->channels > 0) pr_observer_add(observer, pr_f32(value), pr_tensor_count(value));
    return PRUNE_OK;
}

prune_status pr_calibration_run(pr_calibration *calibration, prune_samples *samples, int32_t views,
                                uint64_t seed)
{
    const pr_run_options options = {.on_value = observe, .user = calibration};
    const uint64_t count = prune_samples_count(samples);
    const uint64_t wanted = (uint64_t)views;
    pr_viewer viewer;
    prune_status status = PRUNE_OK;
    PR_TRY(pr_viewer_open(&viewer, calibration->model, &options));
    for (uint64_t v = 0; v < wanted && count > 0; v++) {
        const uint64_t index = wanted < count ? v * count / wanted : v % count;
        pr_random random;
        pr_random_seed(&random, seed, v);
        PR_GO(pr_check_cancel(calibration->ctx));
        PR_GO(pr_viewer_load(&viewer, samples, index, v < count ? NULL : &augment, &random));
        PR_GO(pr_run_forward(viewer.run, viewer.input));
        pr_viewer_unload(&viewer);
        calibration->views++;
        pr_progress(calibration->ctx, "calibrate", v + 1, wanted);
    }
done:
    pr_viewer_close(&viewer);
    return status;
}

/* A picture holds black to white, whatever was seen; resizing may overshoot that a little. Nothing
 * goes further, so that there is nothing to clip and no margin to leave. */
static pr_range picture_range(const pr_preprocess *rule, pr_range seen, int64_t first, int64_t last)
{
    for (int64_t c = first; c < last; c++) {
        seen.low = fminf(seen.low, -rule->mean[c] / rule->std[c]);
        seen.high = fmaxf(seen.high, (1.0f - rule->mean[c]) / rule->std[c]);
    }
    return seen;
}

static pr_range range_of(const pr_calibration *calibration, int32_t node, int64_t channel,
                         const pr_grid_rule *rule)
{
    const pr_observer *observer = &calibration->observers[node];
    const prune_model *model = calibration->model;
    if (model->nodes[node].op == PR_OP_INPUT) {
        const bool all = observer->channels == 1;
        return picture_range(&model->meta.preprocess, observer->seen[channel], all ? 0 : channel,
                             all ? 3 : channel + 1);
    }
    pr_range range = pr_observer_range(observer, channel, rule->percentile);
    range.low *= (float)(1 + rule->margin);
    range.high *= (float)(1 + rule->margin);
    return range;
}

prune_status pr_calibration_grids(const pr_calibration *calibration, int32_t node,
                                  const pr_grid_rule *rule, pr_tensor *scale, pr_tensor *zero)
{
    const pr_observer *observer = &calibration->observers[node];
    const pr_shape shape = pr_shape1(observer->channels);
    prune_status status = PRUNE_OK;
    float largest = 0;
    *scale = *zero = (pr_tensor){0};
    PR_GO(pr_tensor_create(scale, calibration->ctx, PR_F32, &shape));
    PR_GO(pr_tensor_create(zero, calibration->ctx, PR_I8, &shape));
    for (int pass = 0; pass < 2; pass++) /* first the largest scale, then those it bounds */
        for (int64_t c = 0; c < observer->channels; c++) {
            const pr_grid grid = pr_grid_of(range_of(calibration, node, c, rule), rule->zero_point,
                                            largest > 0 ? largest * least_share : 1e-20f);
            if (pass == 0 && grid.scale > largest) largest = grid.scale;
            pr_f32(scale)[c] = grid.scale;
            ((int8_t *)zero->data)[c] = grid.zero;
        }
done:
    if (status != PRUNE_OK) {
        pr_tensor_release(scale);
        pr_tensor_release(zero);
    }
    return status;
}
