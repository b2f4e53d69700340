#include "libprune/quant/calibrate.h"
#include "libprune/quant/views.h"
#include "tests/quant/fixture.h"

#include <math.h>
#include <stdlib.h>

static scene world;

typedef struct counter {
    size_t now, most;
} counter;

static void *count_allocate(void *user, size_t bytes, size_t alignment)
{
    counter *c = user;
    size_t *block =
        aligned_alloc(alignment, (bytes + 2 * alignment - 1) / alignment * alignment + alignment);
    if (!block) return NULL;
    *block = bytes;
    c->now += bytes;
    if (c->now > c->most) c->most = c->now;
    return (char *)block + alignment;
}

static void count_release(void *user, void *memory)
{
    if (!memory) return;
    size_t *block = (size_t *)(void *)((char *)memory - 64);
    ((counter *)user)->now -= *block;
    free(block);
}

static pr_calibration calibrate(const prune_model *model, prune_samples *samples, int32_t views,
                                pr_watch kind)
{
    pr_watch watch[64] = {PR_WATCH_NONE};
    pr_calibration calibration;
    for (int32_t i = 1; i < model->n_nodes; i++) watch[i] = kind;
    ck_ok(pr_calibration_create(&calibration, model, watch, PR_OBSERVER_MIN_MAX));
    ck_ok(pr_calibration_run(&calibration, samples, views, 5));
    return calibration;
}

/* Ranges are those of the values over all pictures. */
START_TEST(ranges_are_those_of_the_values)
{
    prune_context *ctx = test_context(2);
    prune_model *model = fixture_model(ctx);
    scene_make(&world, 4, false);
    prune_samples *samples = scene_samples(ctx, &world);
    const pr_run_options options = {.keep = true};
    const int32_t node = pr_model_find_node(model, "convs.0.1");
    float low[16] = {0}, high[16] = {0};
    pr_viewer viewer;
    ck_ok(pr_viewer_open(&viewer, model, &options));
    for (uint64_t i = 0; i < 4; i++) {
        ck_ok(pr_viewer_load(&viewer, samples, i, NULL, NULL));
        ck_ok(pr_run_forward(viewer.run, viewer.input));
        const pr_tensor *value = pr_run_value(viewer.run, node);
        ck_assert_int_eq(pr_shape_last(&value->shape), 16);
        for (int64_t k = 0; k < pr_tensor_count(value); k++) {
            low[k % 16] = fminf(low[k % 16], pr_f32(value)[k]);
            high[k % 16] = fmaxf(high[k % 16], pr_f32(value)[k]);
        }
    }
    pr_viewer_close(&viewer);
    pr_calibration calibration = calibrate(model, samples, 4, PR_WATCH_CHANNEL);
    pr_tensor scale, zero;
    const pr_grid_rule plain = {.margin = 0, .zero_point = true};
    const pr_grid_rule wide = {.margin = 0.5, .zero_point = true};
    ck_ok(pr_calibration_grids(&calibration, node, &wide, &scale, &zero));
    const float widened = pr_f32(&scale)[3];
    pr_tensor_release(&scale);
    pr_tensor_release(&zero);
    ck_ok(pr_calibration_grids(&calibration, node, &plain, &scale, &zero));
    ck_assert_float_eq_tol(widened, 1.5F * pr_f32(&scale)[3], 1e-5F * widened);
    for (int c = 0; c < 16; c++) {
        const pr_range seen = calibration.observers[node].seen[c];
        ck_assert_float_eq(seen.low, low[c]);
        ck_assert_float_eq(seen.high, high[c]);
        ck_assert_float_ge(pr_f32(&scale)[c], (high[c] - low[c]) / 254.001F);
    }
    ck_assert_uint_eq(calibration.views, 4);
    pr_tensor_release(&scale);
    pr_tensor_release(&zero);
    pr_calibration_free(&calibration);
    prune_samples_free(samples);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

/* Whatever the pictures show, the grid of the picture itself reaches from black to white, and no
 * further: a margin would only make its steps coarser. */
START_TEST(a_picture_goes_from_black_to_white)
{
    prune_context *ctx = test_context(1);
    prune_model *model = fixture_model(ctx);
    scene_make(&world, 3, false);
    prune_samples *samples = scene_samples(ctx, &world);
    const pr_preprocess *rule = &model->meta.preprocess;
    const int32_t node = 0;
    ck_assert_int_eq(model->nodes[node].op, PR_OP_INPUT);
    for (int per_channel = 0; per_channel < 2; per_channel++) {
        const pr_watch watch[64] = {[0] = per_channel ? PR_WATCH_CHANNEL : PR_WATCH_TENSOR};
        const pr_grid_rule grid = {.margin = 0.5, .zero_point = true};
        pr_calibration calibration;
        pr_tensor scale, zero;
        ck_ok(pr_calibration_create(&calibration, model, watch, PR_OBSERVER_MIN_MAX));
        ck_ok(pr_calibration_run(&calibration, samples, 3, 5));
        ck_ok(pr_calibration_grids(&calibration, node, &grid, &scale, &zero));
        ck_assert_int_eq(pr_tensor_count(&scale), per_channel ? 3 : 1);
        float low = INFINITY, high = -INFINITY;
        for (int c = 0; c < 3; c++) {
            const float black = -rule->mean[c] / rule->std[c];
            const float white = (1 - rule->mean[c]) / rule->std[c];
            low = per_channel ? black : fminf(low, black);
            high = per_channel ? white : fmaxf(high, white);
            if (per_channel) ck_assert_float_eq_tol(pr_f32(&scale)[c], (high - low) / 254, 1e-6F);
        }
        if (!per_channel) ck_assert_float_eq_tol(pr_f32(&scale)[0], (high - low) / 254, 1e-6F);
        pr_tensor_release(&scale);
        pr_tensor_release(&zero);
        pr_calibration_free(&calibration);
    }
    prune_samples_free(samples);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(more_views_widen_and_the_seed_decides)
{
    prune_context *ctx = test_context(1);
    prune_model *model = fixture_model(ctx);
    scene_make(&world, 3, false);
    prune_samples *samples = scene_samples(ctx, &world);
    pr_calibration few = calibrate(model, samples, 3, PR_WATCH_TENSOR);
    pr_calibration many = calibrate(model, samples, 9, PR_WATCH_TENSOR);
    pr_calibration again = calibrate(model, samples, 9, PR_WATCH_TENSOR);
    bool wider = false;
    for (int32_t i = 1; i < model->n_nodes; i++) {
        const pr_range a = *few.observers[i].seen, b = *many.observers[i].seen;
        ck_assert(b.low <= a.low && b.high >= a.high);
        wider = wider || b.high > a.high;
        ck_assert_mem_eq(many.observers[i].seen, again.observers[i].seen, sizeof(pr_range));
    }
    ck_assert(wider);
    pr_calibration_free(&few);
    pr_calibration_free(&many);
    pr_calibration_free(&again);
    prune_samples_free(samples);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

/* Streaming: the most memory ever in use does not depend on the number of views. */
START_TEST(memory_does_not_grow_with_the_pictures)
{
    size_t most[2];
    for (int many = 0; many < 2; many++) {
        counter count = {0, 0};
        prune_context_options options;
        prune_context_options_init(&options);
        options.threads = 1;
        options.user = &count;
        options.allocate = count_allocate;
        options.release = count_release;
        prune_context *ctx;
        ck_ok(prune_context_create(&ctx, &options));
        prune_model *model = fixture_model(ctx);
        scene_make(&world, many ? 12 : 2, false);
        prune_samples *samples = scene_samples(ctx, &world);
        pr_calibration calibration = calibrate(model, samples, many ? 24 : 2, PR_WATCH_CHANNEL);
        most[many] = count.most;
        pr_calibration_free(&calibration);
        prune_samples_free(samples);
        prune_model_free(model);
        prune_context_free(ctx);
        ck_assert_uint_eq(count.now, 0);
    }
    /* Views of a part of the picture may need a little more than plain ones, once. */
    ck_assert_msg(most[1] <= most[0] + SCENE_H * SCENE_W * 64, "%zu and %zu bytes", most[0],
                  most[1]);
}
END_TEST

TEST_MAIN("quant/calibrate", ranges_are_those_of_the_values, a_picture_goes_from_black_to_white,
          more_views_widen_and_the_seed_decides, memory_does_not_grow_with_the_pictures)
