#include "libprune/quant/views.h"
#include "tests/quant/fixture.h"

static scene world;

START_TEST(views_follow_the_models_rule)
{
    const pr_run_options options = {0};
    const pr_augment augment = {.flip = true, .crop = 0.5, .exposure = 0.5};
    prune_context *ctx = test_context(1);
    prune_model *model = fixture_model(ctx);
    scene_make(&world, 3, false);
    prune_samples *samples = scene_samples(ctx, &world);
    float wanted[SCENE_H * SCENE_W * 3];
    pr_viewer viewer;
    pr_random random;
    ck_ok(pr_viewer_open(&viewer, model, &options));
    ck_ok(pr_viewer_load(&viewer, samples, 2, NULL, NULL));
    const prune_pixels pixels = {world.rgb[2], SCENE_W, SCENE_H, 0, PRUNE_RGB};
    ck_ok(pr_image_preprocess(ctx, &model->meta.preprocess, &pixels, SCENE_W, SCENE_H, wanted));
    ck_assert_mem_eq(viewer.input, wanted, sizeof wanted);
    const pr_run *run = viewer.run;
    pr_random_seed(&random, 1, 0);
    ck_ok(pr_viewer_load(&viewer, samples, 2, &augment, &random));
    ck_assert_ptr_eq(viewer.run, run); /* the same size: planned once */
    ck_assert(memcmp(viewer.input, wanted, sizeof wanted) != 0);
    ck_ok(pr_run_forward(viewer.run, viewer.input));
    ck_fails(pr_viewer_load(&viewer, samples, 3, NULL, NULL), PRUNE_E_ARGUMENT, "3");
    pr_viewer_close(&viewer);
    prune_samples_free(samples);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("quant/views", views_follow_the_models_rule)
