/* Kernel weights and source coordinates, against values computed by hand from the formulas. */
#include "libprune/image/image.h"
#include "tests/support/support.h"

#include <math.h>

/* Weights of one output of a doubling resize: positions t = 0.25 and 0.75. */
START_TEST(cubic_weights)
{
    static const double torch[4] = {-0.105469, 0.878906, 0.261719, -0.035156};
    static const double pillow[4] = {-0.070312, 0.867188, 0.226562, -0.023438};
    prune_context *ctx = test_context(1);
    pr_taps taps;
    ck_ok(pr_taps_create(&taps, ctx, PR_FILTER_CUBIC_CV, 8, 16));
    for (int k = 0; k < 4; k++) {
        ck_assert_double_eq_tol((double)taps.weight[4 * 7 + k], torch[k],
                                1e-6); /* 7: source 3.25 */
        ck_assert_int_eq(taps.index[4 * 7 + k], 2 + k);
        ck_assert_double_eq_tol((double)taps.weight[4 * 8 + k], torch[3 - k], 1e-6);
    }
    pr_taps_free(ctx, &taps);
    ck_ok(pr_taps_create(&taps, ctx, PR_FILTER_CUBIC_PIL, 8, 16));
    int first = 0;
    while (taps.fixed[7 * taps.n + first] == 0) first++;
    for (int k = 0; k < 4; k++)
        ck_assert_double_eq_tol((double)taps.weight[7 * taps.n + first + k], pillow[k], 1e-6);
    pr_taps_free(ctx, &taps);
    prune_context_free(ctx);
}
END_TEST

static double source(const pr_taps *taps, int d)
{
    return taps->index[2 * d] + (double)taps->weight[2 * d + 1];
}

START_TEST(bilinear_coordinates)
{
    prune_context *ctx = test_context(1);
    pr_taps taps;
    ck_ok(pr_taps_create(&taps, ctx, PR_FILTER_BILINEAR_CORNERS, 19, 37));
    ck_assert_double_eq_tol(source(&taps, 1), 0.5, 1e-6);
    ck_assert_double_eq_tol(source(&taps, 36), 18, 1e-6);
    pr_taps_free(ctx, &taps);
    ck_ok(pr_taps_create(&taps, ctx, PR_FILTER_BILINEAR_CORNERS, 148, 296));
    ck_assert_double_eq_tol(source(&taps, 1), 0.498305, 1e-5);
    pr_taps_free(ctx, &taps);
    ck_ok(pr_taps_create(&taps, ctx, PR_FILTER_BILINEAR, 128, 256));
    ck_assert_double_eq_tol(source(&taps, 0), 0, 1e-6);
    ck_assert_double_eq_tol(source(&taps, 1), 0.25, 1e-6);
    ck_assert_int_eq(taps.index[2 * 255 + 1], 127);
    pr_taps_free(ctx, &taps);
    prune_context_free(ctx);
}
END_TEST

START_TEST(weights_sum_to_one)
{
    static const int sizes[][2] = {{1, 1}, {1, 9}, {9, 1}, {1242, 640}, {7, 100}, {333, 334}};
    prune_context *ctx = test_context(1);
    for (int filter = PR_FILTER_CUBIC_CV; filter <= PR_FILTER_CUBIC_TORCH; filter++) {
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            pr_taps taps;
            ck_ok(pr_taps_create(&taps, ctx, (pr_filter)filter, sizes[s][0], sizes[s][1]));
            for (int d = 0; d < taps.outputs; d++) {
                double sum = 0;
                for (int k = 0; k < taps.n; k++) {
                    int index = taps.index[d * taps.n + k];
                    ck_assert(index >= 0 && index < sizes[s][0]);
                    ck_assert(k == 0 || index >= taps.index[d * taps.n + k - 1]);
                    sum += (double)taps.weight[d * taps.n + k];
                }
                ck_assert_double_eq_tol(sum, 1, 1e-5);
            }
            pr_taps_free(ctx, &taps);
        }
    }
    pr_taps none;
    ck_fails(pr_taps_create(&none, ctx, PR_FILTER_BILINEAR, 0, 4), PRUNE_E_SHAPE, "positive");
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("image.taps", cubic_weights, bilinear_coordinates, weights_sum_to_one)
