#include "libprune/samples/augment.h"
#include "tests/support/support.h"

#include <math.h>

enum { W = 40, H = 20 };

static uint8_t rgb[H * W * 3];
static float depth[H * W];
static const pr_preprocess rule = {PR_FIT_EXACT,       PR_FILTER_BILINEAR, W, H, 1,
                                   {0.5F, 0.4F, 0.3F}, {0.25F, 0.5F, 1}};
static const pr_augment all = {true, 0.5, 0.4, 0.1, 0.02};

static prune_sample make_sample(void)
{
    for (int y = 0; y < H; y++) {
        for (int x = 0; x < W; x++) {
            int i = y * W + x;
            rgb[3 * i] = (uint8_t)(5 * x);
            rgb[3 * i + 1] = (uint8_t)(10 * y);
            rgb[3 * i + 2] = 100;
            depth[i] = (float)(1 + x);
        }
    }
    return (prune_sample){"a", "", W, H, rgb, depth, W, H};
}

START_TEST(the_plain_view_is_the_picture)
{
    prune_context *ctx = test_context(1);
    prune_sample sample = make_sample();
    pr_view view = pr_view_choose(NULL, W, H, NULL);
    float input[H * W * 3], metres[H * W];
    ck_ok(pr_view_render(ctx, &view, &rule, &sample, W, H, input, metres));
    for (int i = 0; i < H * W; i++) {
        ck_assert_float_eq_tol(input[3 * i], ((float)rgb[3 * i] / 255 - 0.5F) / 0.25F, 1e-5F);
        ck_assert_float_eq_tol(input[3 * i + 2], (float)(100 / 255.0 - 0.3), 1e-5F);
        ck_assert_float_eq(metres[i], depth[i]);
    }
    prune_context_free(ctx);
}
END_TEST

/* Flip and crop move picture and depth together; a crop to half doubles what is seen, so the same
 * thing lies at half the depth. */
START_TEST(picture_and_depth_stay_together)
{
    prune_context *ctx = test_context(1);
    prune_sample sample = make_sample();
    pr_view view = pr_view_plain(W, H);
    view.flip = true;
    view.left = 10;
    view.top = 5;
    view.width = W / 2;
    view.height = H / 2;
    enum { NW = W / 2, NH = H / 2 };
    float input[NH * NW * 3], metres[NH * NW];
    ck_ok(pr_view_render(ctx, &view, &rule, &sample, NW, NH, input, metres));
    for (int y = 0; y < NH; y++) {
        for (int x = 0; x < NW; x++) {
            int from = 10 + NW - 1 - x, i = y * NW + x;
            ck_assert_float_eq_tol(input[3 * i], ((float)(5 * from) / 255 - 0.5F) / 0.25F, 1e-5F);
            ck_assert_float_eq_tol(input[3 * i + 1], ((float)(10 * (5 + y)) / 255 - 0.4F) * 2,
                                   1e-5F);
            ck_assert_float_eq_tol(metres[i], 0.5F * (float)(1 + from), 1e-5F);
        }
    }
    prune_context_free(ctx);
}
END_TEST

/* Where a pixel's centre has no depth, the nearest known one it covers counts; nothing else. */
START_TEST(sparse_depth_survives_shrinking)
{
    prune_context *ctx = test_context(1);
    prune_sample sample = make_sample();
    memset(depth, 0, sizeof depth);
    depth[0] = 7;          /* corner of the first 4 x 4 cell */
    depth[2 * W + 3] = 9;  /* nearer to the centre (2, 2) */
    depth[2 * W + 6] = 11; /* centre of the next cell */
    pr_view view = pr_view_plain(W, H);
    float input[5 * 10 * 3], metres[5 * 10];
    ck_ok(pr_view_render(ctx, &view, &rule, &sample, 10, 5, input, metres));
    ck_assert_float_eq(metres[0], 9);
    ck_assert_float_eq(metres[1], 11);
    for (int i = 2; i < 50; i++) ck_assert_float_eq(metres[i], 0);
    sample.depth = NULL;
    ck_ok(pr_view_render(ctx, &view, &rule, &sample, 10, 5, input, metres));
    ck_assert_float_eq(metres[0], 0);
    prune_context_free(ctx);
}
END_TEST

START_TEST(views_stay_inside_and_repeat)
{
    pr_random one, two;
    pr_random_seed(&one, 5, 1);
    pr_random_seed(&two, 5, 1);
    int flips = 0;
    for (int k = 0; k < 500; k++) {
        pr_view a = pr_view_choose(&all, W, H, &one), b = pr_view_choose(&all, W, H, &two);
        ck_assert_mem_eq(&a.gain, &b.gain, sizeof a.gain);
        ck_assert(a.left == b.left && a.width == b.width && a.noise_seed == b.noise_seed);
        ck_assert(a.left >= 0 && a.top >= 0 && a.left + a.width <= W && a.top + a.height <= H);
        ck_assert(a.width >= W / 2 && a.height >= H / 2);
        for (int c = 0; c < 3; c++) ck_assert(a.gain[c] > 0.65F && a.gain[c] < 1.5F);
        flips += a.flip;
    }
    ck_assert(flips > 200 && flips < 300);
}
END_TEST

/* Light changes stay between black and white and do not touch depth. */
START_TEST(light_changes_are_bounded)
{
    prune_context *ctx = test_context(1);
    prune_sample sample = make_sample();
    float plain[H * W * 3], input[H * W * 3], metres[H * W];
    pr_view view = pr_view_plain(W, H);
    ck_ok(pr_view_render(ctx, &view, &rule, &sample, W, H, plain, metres));
    view.gain[0] = 1.2F;
    view.gamma = 0.9F;
    view.noise = 0.05F;
    view.noise_seed = 3;
    ck_ok(pr_view_render(ctx, &view, &rule, &sample, W, H, input, metres));
    double difference = 0;
    for (int i = 0; i < H * W * 3; i++) {
        float light = input[i] * rule.std[i % 3] + rule.mean[i % 3];
        ck_assert(light >= -1e-5F && light <= 1 + 1e-5F);
        difference += fabs((double)(input[i] - plain[i]));
    }
    ck_assert_double_gt(difference / (H * W * 3), 0.02);
    for (int i = 0; i < H * W; i++) ck_assert_float_eq(metres[i], depth[i]);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("samples.augment", the_plain_view_is_the_picture, picture_and_depth_stay_together,
          sparse_depth_survives_shrinking, views_stay_inside_and_repeat, light_changes_are_bounded)
