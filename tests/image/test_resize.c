/* Resizing against OpenCV, Pillow and torch (reference.h), on one thread and on several. */
#include "libprune/image/image.h"
#include "tests/image/reference.h"
#include "tests/support/support.h"

#include <jansson.h>
#include <stdlib.h>

static void check_map(pr_filter filter, const float *expected, int H, int W, const char *name)
{
    for (int threads = 1; threads <= 3; threads += 2) {
        prune_context *ctx = test_context(threads);
        float out[20 * 20];
        ck_ok(pr_image_resize_map(ctx, filter, grid_9x13, 13, 9, out, W, H));
        for (int i = 0; i < W * H; i++)
            ck_assert_msg(test_max(out + i, expected + i, 1) >= 0 &&
                              (double)(out[i] - expected[i]) < 1e-5 &&
                              (double)(expected[i] - out[i]) < 1e-5,
                          "%s %dx%d at %d: %.7g, not %.7g", name, H, W, i, (double)out[i],
                          (double)expected[i]);
        prune_context_free(ctx);
    }
}

START_TEST(maps)
{
    check_map(PR_FILTER_BILINEAR, cv_linear_4x6, 4, 6, "linear");
    check_map(PR_FILTER_BILINEAR, cv_linear_14x20, 14, 20, "linear");
    check_map(PR_FILTER_BILINEAR, torch_bilinear_4x6, 4, 6, "bilinear");
    check_map(PR_FILTER_BILINEAR, torch_bilinear_14x20, 14, 20, "bilinear");
    check_map(PR_FILTER_BILINEAR_CORNERS, torch_corners_4x6, 4, 6, "corners");
    check_map(PR_FILTER_BILINEAR_CORNERS, torch_corners_14x20, 14, 20, "corners");
    check_map(PR_FILTER_CUBIC_TORCH, torch_cubic_4x6, 4, 6, "cubic");
    check_map(PR_FILTER_CUBIC_TORCH, torch_cubic_14x20, 14, 20, "cubic");
}
END_TEST

START_TEST(wide_rows_keep_their_place)
{
    prune_context *ctx = test_context(1);
    float in[1242], out[1722];
    for (int i = 0; i < 1242; i++) in[i] = (float)(i * 37 % 101) / 100.0F;
    ck_ok(pr_image_resize_map(ctx, PR_FILTER_CUBIC_CV, in, 1242, 1, out, 1722, 1));
    for (int i = 0; i < 1722; i += 17) {
        float d = out[i] - cv_cubic_wide_1722_every_17th[i / 17];
        ck_assert_msg(d < 1e-5F && d > -1e-5F, "at %d off by %g", i, (double)d);
    }
    prune_context_free(ctx);
}
END_TEST

static void check_rgb(pr_filter filter, const uint8_t *expected, int H, int W, const char *name)
{
    const prune_pixels pixels = {image_9x13, 13, 9, 0, PRUNE_RGB};
    uint8_t out[20 * 20 * 3];
    for (int threads = 1; threads <= 3; threads += 2) {
        prune_context *ctx = test_context(threads);
        ck_ok(pr_image_resize_rgb(ctx, filter, &pixels, out, W, H));
        for (int i = 0; i < W * H * 3; i++)
            ck_assert_msg(out[i] == expected[i], "%s %dx%d at %d: %d, not %d", name, H, W, i,
                          out[i], expected[i]);
        prune_context_free(ctx);
    }
}

START_TEST(bytes_equal_pillow)
{
    check_rgb(PR_FILTER_CUBIC_PIL, pil_bicubic_4x6, 4, 6, "bicubic");
    check_rgb(PR_FILTER_CUBIC_PIL, pil_bicubic_14x20, 14, 20, "bicubic");
    check_rgb(PR_FILTER_CUBIC_PIL, pil_bicubic_9x20, 9, 20, "bicubic");
    check_rgb(PR_FILTER_CUBIC_PIL, pil_bicubic_14x13, 14, 13, "bicubic");
    check_rgb(PR_FILTER_LANCZOS_PIL, pil_lanczos_4x6, 4, 6, "lanczos");
    check_rgb(PR_FILTER_LANCZOS_PIL, pil_lanczos_14x20, 14, 20, "lanczos");
    check_rgb(PR_FILTER_LANCZOS_PIL, pil_lanczos_9x20, 9, 20, "lanczos");
    check_rgb(PR_FILTER_LANCZOS_PIL, pil_lanczos_14x13, 14, 13, "lanczos");
    check_rgb(PR_FILTER_CUBIC_CV, image_9x13, 9, 13, "copy");
}
END_TEST

START_TEST(bytes_by_floats_round_and_clip)
{
    prune_context *ctx = test_context(1);
    const prune_pixels pixels = {image_9x13, 13, 9, 0, PRUNE_RGB};
    uint8_t out[14 * 20 * 3];
    ck_ok(pr_image_resize_rgb(ctx, PR_FILTER_CUBIC_CV, &pixels, out, 20, 14));
    for (int i = 0; i < 14 * 20 * 3; i++) {
        float wanted = cv_cubic_14x20[i] * 255;
        wanted = wanted < 0 ? 0 : wanted > 255 ? 255 : wanted;
        ck_assert_float_eq_tol((float)out[i], wanted, 0.502F);
    }
    prune_context_free(ctx);
}
END_TEST

static void read_grid(const json_t *rows, float *out, int *h, int *w)
{
    *h = (int)json_array_size(rows);
    *w = (int)json_array_size(json_array_get(rows, 0));
    for (int y = 0; y < *h; y++)
        for (int x = 0; x < *w; x++)
            out[y * *w + x] = (float)json_number_value(
                json_array_get(json_array_get(rows, (size_t)y), (size_t)x));
}

START_TEST(golden_file)
{
    static const struct {
        const char *name;
        pr_filter filter;
    } rules[] = {{"cv2_linear", PR_FILTER_BILINEAR},
                 {"cv2_cubic", PR_FILTER_CUBIC_CV},
                 {"torch_bilinear_align_corners", PR_FILTER_BILINEAR_CORNERS},
                 {"torch_bilinear", PR_FILTER_BILINEAR},
                 {"torch_bicubic", PR_FILTER_CUBIC_TORCH}};
    static const char *const cases[2][2] = {{"a_7x11", "a_to_20x33"}, {"b_20x33", "b_to_7x11"}};
    const char *path = test_golden("eval/resize.json");
    if (!path) return;
    prune_context *ctx = test_context(2);
    json_t *json = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(json);
    for (int c = 0; c < 2; c++) {
        float in[660], expected[660], out[660];
        int h, w, H, W;
        read_grid(json_object_get(json, cases[c][0]), in, &h, &w);
        for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++) {
            json_t *rows = json_object_get(json_object_get(json, cases[c][1]), rules[r].name);
            ck_assert_ptr_nonnull(rows);
            read_grid(rows, expected, &H, &W);
            ck_ok(pr_image_resize_map(ctx, rules[r].filter, in, w, h, out, W, H));
            for (int i = 0; i < H * W; i++)
                ck_assert_msg((double)(out[i] - expected[i]) < 1e-5 &&
                                  (double)(expected[i] - out[i]) < 1e-5,
                              "%s %s", cases[c][1], rules[r].name);
        }
    }
    json_decref(json);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("image.resize", maps, wide_rows_keep_their_place, bytes_equal_pillow,
          bytes_by_floats_round_and_clip, golden_file)
