/* Network sizes and inputs for both preprocessing rules. */
#include "libprune/image/image.h"
#include "tests/image/reference.h"
#include "tests/support/faults.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>

static const pr_preprocess original = {.fit = PR_FIT_LOWER_BOUND,
                                       .filter = PR_FILTER_CUBIC_CV,
                                       .width = 518,
                                       .height = 518,
                                       .multiple = 14,
                                       .mean = {0.485F, 0.456F, 0.406F},
                                       .std = {0.229F, 0.224F, 0.225F}};

START_TEST(sizes)
{
    static const int32_t table[][6] = {
        /* image, original, Hugging Face; all width x height */
        {640, 480, 686, 518, 686, 518},    {480, 640, 518, 686, 518, 686},
        {1242, 375, 1722, 518, 1722, 518}, {1241, 376, 1708, 518, 1708, 518},
        {1216, 352, 1792, 518, 1792, 518}, {1920, 1080, 924, 518, 924, 518},
        {1024, 768, 686, 518, 686, 518},   {518, 518, 518, 518, 518, 518},
        {500, 500, 518, 518, 518, 518},    {300, 200, 784, 518, 518, 350},
        {256, 256, 518, 518, 518, 518},    {304, 228, 686, 518, 518, 392},
        {4032, 3024, 686, 518, 686, 518},  {3840, 2160, 924, 518, 924, 518},
        {2160, 3840, 518, 924, 518, 924},  {1080, 1920, 518, 924, 518, 924},
        {375, 1242, 518, 1722, 518, 1722}, {200, 300, 518, 784, 350, 518},
        {228, 304, 518, 686, 392, 518},    {100, 4000, 518, 20720, 14, 518},
        {719, 1281, 518, 924, 518, 924},   {14, 14, 518, 518, 518, 518},
    };
    pr_preprocess hf = original;
    hf.fit = PR_FIT_MINIMAL;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const int32_t *t = table[i];
        int32_t w, h;
        pr_image_network_size(&original, t[0], t[1], &w, &h);
        ck_assert_msg(w == t[2] && h == t[3], "%dx%d: original gives %dx%d", t[0], t[1], w, h);
        pr_image_network_size(&hf, t[0], t[1], &w, &h);
        ck_assert_msg(w == t[4] && h == t[5], "%dx%d: hf gives %dx%d", t[0], t[1], w, h);
    }
    pr_preprocess exact = {.fit = PR_FIT_EXACT, .width = 640, .height = 192};
    int32_t w, h;
    pr_image_network_size(&exact, 1242, 375, &w, &h);
    ck_assert_int_eq(w, 640);
    ck_assert_int_eq(h, 192);
    /* The longest strip: a multiple of 14 within an int, which the network then refuses. */
    pr_image_network_size(&original, 100000000, 1, &w, &h);
    ck_assert(w > 99999900 && w <= 100000000 + 13 && w % 14 == 0 && h == 518);
}
END_TEST

/* expected: H x W x 3 in [0, 1] before normalization. */
static void check_input(const pr_preprocess *rule, const prune_pixels *pixels,
                        const float *expected, int H, int W)
{
    for (int threads = 1; threads <= 2; threads++) {
        prune_context *ctx = test_context(threads);
        float out[20 * 20 * 3];
        ck_ok(pr_image_preprocess(ctx, rule, pixels, W, H, out));
        for (int i = 0; i < H * W * 3; i++) {
            float wanted = (expected[i] - rule->mean[i % 3]) / rule->std[i % 3];
            ck_assert_float_eq_tol(out[i], wanted, 3e-6F);
        }
        prune_context_free(ctx);
    }
}

START_TEST(original_rule)
{
    const prune_pixels pixels = {image_9x13, 13, 9, 0, PRUNE_RGB};
    check_input(&original, &pixels, cv_cubic_4x6, 4, 6);
    check_input(&original, &pixels, cv_cubic_14x20, 14, 20);
    float same[9 * 13 * 3];
    for (int i = 0; i < 9 * 13 * 3; i++) same[i] = (float)image_9x13[i] / 255.0F;
    check_input(&original, &pixels, same, 9, 13);
}
END_TEST

START_TEST(pillow_rules)
{
    const prune_pixels pixels = {image_9x13, 13, 9, 0, PRUNE_RGB};
    pr_preprocess rule = original;
    float expected[14 * 20 * 3];
    rule.filter = PR_FILTER_CUBIC_PIL;
    for (int i = 0; i < 14 * 20 * 3; i++) expected[i] = (float)pil_bicubic_14x20[i] / 255.0F;
    check_input(&rule, &pixels, expected, 14, 20);
    rule.filter = PR_FILTER_LANCZOS_PIL;
    for (int i = 0; i < 4 * 6 * 3; i++) expected[i] = (float)pil_lanczos_4x6[i] / 255.0F;
    check_input(&rule, &pixels, expected, 4, 6);
}
END_TEST

/* A BGR picture inside a larger buffer gives the same input as the plain RGB one. */
START_TEST(strides_and_orders)
{
    enum { STRIDE = 13 * 3 + 8 };
    uint8_t buffer[9 * STRIDE];
    memset(buffer, 200, sizeof buffer);
    for (int i = 0; i < 9 * 13; i++)
        for (int c = 0; c < 3; c++)
            buffer[i / 13 * STRIDE + i % 13 * 3 + 2 - c] = image_9x13[3 * i + c];
    const prune_pixels pixels = {buffer, 13, 9, STRIDE, PRUNE_BGR};
    check_input(&original, &pixels, cv_cubic_14x20, 14, 20);
    pr_preprocess rule = original;
    float expected[14 * 20 * 3];
    rule.filter = PR_FILTER_LANCZOS_PIL;
    for (int i = 0; i < 14 * 20 * 3; i++) expected[i] = (float)pil_lanczos_14x20[i] / 255.0F;
    check_input(&rule, &pixels, expected, 14, 20);
    float same[9 * 13 * 3];
    for (int i = 0; i < 9 * 13 * 3; i++) same[i] = (float)image_9x13[i] / 255.0F;
    check_input(&rule, &pixels, same, 9, 13);
}
END_TEST

START_TEST(refuses_nonsense)
{
    prune_context *ctx = test_context(1);
    prune_pixels pixels = {image_9x13, 13, 9, 5, PRUNE_RGB};
    float out[12];
    ck_fails(pr_image_preprocess(ctx, &original, &pixels, 2, 2, out), PRUNE_E_ARGUMENT, "stride");
    pixels.data = NULL;
    ck_fails(pr_image_preprocess(ctx, &original, &pixels, 2, 2, out), PRUNE_E_ARGUMENT, "empty");
    pixels = (prune_pixels){image_9x13, 13, 9, 0, PRUNE_RGB};
    ck_fails(pr_image_preprocess(ctx, &original, &pixels, 0, 2, out), PRUNE_E_SHAPE, "0x2");
    prune_context_free(ctx);
}
END_TEST

/* The RT-MonoDepth-S golden inputs were made by Pillow's Lanczos from the real frames. */
START_TEST(real_frames)
{
    static const char *const frames[] = {"0000000005", "0000000050", "0000000100"};
    prune_context *ctx = test_context(2);
    for (int f = 0; f < 3; f++) {
        char relative[200];
        (void)snprintf(relative, sizeof relative, "kitti_annotated/image/%s.png", frames[f]);
        const char *path = test_data(relative);
        if (!path) break;
        prune_image image, golden;
        ck_ok(prune_image_read(&image, ctx, path));
        (void)snprintf(relative, sizeof relative, "rt_monodepth_s/golden/%s_640x192.png",
                       frames[f]);
        path = test_data(relative);
        if (!path) break;
        ck_ok(prune_image_read(&golden, ctx, path));
        uint8_t *out = malloc(640 * 192 * 3);
        const prune_pixels pixels = {image.rgb, image.width, image.height, 0, PRUNE_RGB};
        ck_ok(pr_image_resize_rgb(ctx, PR_FILTER_LANCZOS_PIL, &pixels, out, 640, 192));
        ck_assert_mem_eq(out, golden.rgb, 640 * 192 * 3);
        free(out);
        prune_image_free(ctx, &image);
        prune_image_free(ctx, &golden);
    }
    prune_context_free(ctx);
}
END_TEST

static prune_status preprocess_both(prune_context *ctx)
{
    const prune_pixels pixels = {image_9x13, 13, 9, 0, PRUNE_RGB};
    float out[14 * 20 * 3];
    pr_preprocess rule = original;
    prune_status status = pr_image_preprocess(ctx, &rule, &pixels, 20, 14, out);
    rule.filter = PR_FILTER_LANCZOS_PIL;
    if (status == PRUNE_OK) status = pr_image_preprocess(ctx, &rule, &pixels, 20, 14, out);
    return status;
}

START_TEST(out_of_memory_is_an_error)
{
    fault_walk(preprocess_both, false);
}
END_TEST

TEST_MAIN("image.preprocess", sizes, original_rule, pillow_rules, strides_and_orders,
          refuses_nonsense, real_frames, out_of_memory_is_an_error)
