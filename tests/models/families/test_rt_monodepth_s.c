/* RT-MonoDepth-S: the real network against disparities from an independent run. */
#include "libprune/base/file.h"
#include "libprune/interpreter/interpreter.h"
#include "tests/support/support.h"

#include <math.h>
#include <prune/image.h>
#include <stdio.h>

enum { WIDTH = 640, HEIGHT = 192 };

/* Largest absolute difference to the golden disparities of one frame. */
static double compare(prune_context *ctx, const prune_model *model, const char *frame)
{
    char name[128];
    prune_image image;
    pr_mapped golden;
    pr_run *run;
    (void)snprintf(name, sizeof name, "rt_monodepth_s/golden/%s_640x192.png", frame);
    ck_ok(prune_image_read(&image, ctx, test_data(name)));
    (void)snprintf(name, sizeof name, "rt_monodepth_s/golden/%s_disp_192x640.f32", frame);
    ck_ok(pr_file_map(&golden, test_data(name)));
    ck_assert_uint_eq(golden.size, WIDTH * HEIGHT * 4);
    ck_assert_int_eq(image.width, WIDTH);
    float *input = pr_alloc(ctx, WIDTH * HEIGHT * 3 * sizeof *input);
    const pr_preprocess *rule = &model->meta.preprocess;
    for (int i = 0; i < WIDTH * HEIGHT * 3; i++)
        input[i] = ((float)image.rgb[i] / 255.0f - rule->mean[i % 3]) / rule->std[i % 3];
    ck_ok(pr_run_create(&run, model, 1, HEIGHT, WIDTH, NULL));
    ck_ok(pr_run_forward(run, input));
    const float *got = pr_f32(pr_run_output(run)),
                *wanted = (const float *)(const void *)golden.data;
    double worst = 0;
    for (int i = 0; i < WIDTH * HEIGHT; i++) worst = fmax(worst, fabs((double)got[i] - wanted[i]));
    pr_run_free(run);
    pr_free(ctx, input);
    pr_file_unmap(&golden);
    prune_image_free(ctx, &image);
    return worst;
}

START_TEST(agrees_with_golden_disparities)
{
    const char *folder = test_data("rt_monodepth_s/m_640_192");
    if (!folder) return;
    prune_context *ctx = test_context(0);
    prune_model *model;
    ck_ok(prune_model_load(&model, ctx, folder, NULL));
    ck_assert_str_eq(model->meta.architecture, "rt_monodepth_s");
    ck_assert_int_eq(model->meta.preprocess.width, WIDTH);
    ck_assert_int_eq(model->meta.preprocess.height, HEIGHT);
    ck_assert_int_eq(model->meta.output_kind, PR_OUTPUT_DISPARITY);
    static const char *const frames[] = {"0000000005", "0000000050", "0000000100"};
    for (int k = 0; k < 3; k++) {
        double worst = compare(ctx, model, frames[k]);
        (void)printf("rt_monodepth_s %s: largest difference %.2e\n", frames[k], worst);
        ck_assert_double_le(worst, 1e-5);
    }
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(half_a_folder_is_refused)
{
    prune_context *ctx = test_context(1);
    prune_model *model = NULL;
    const char *folder = test_path(0, "half");
    ck_ok(pr_path_make_directory(folder));
    ck_fails(prune_model_load(&model, ctx, folder, NULL), PRUNE_E_UNSUPPORTED, "encoder.pth");
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("models/families/rt_monodepth_s", agrees_with_golden_disparities,
          half_a_folder_is_refused)
