#include "libprune/train/loss.h"
#include "tests/support/support.h"

#include <math.h>

/* d = 1, 2 and an unknown pixel: mean of squares 2.5, mean 1.5. */
START_TEST(value_and_slopes_by_hand)
{
    const float values[3] = {1, 2, 100};
    const uint8_t mask[3] = {1, 1, 0};
    float scratch[3], slopes[3] = {0, 0, 0};
    pr_residual residual = {1, 3, values, mask, 2, scratch};
    double expected = sqrt(2.5 - 0.5 * 1.5 * 1.5);
    ck_assert_double_eq_tol(pr_loss_silog(&residual, 2, slopes), expected, 1e-7);
    /* d loss / d d_i = (d_i - mean / 2) / (n * loss) */
    ck_assert_double_eq_tol((double)slopes[0], 2 * (1 - 0.75) / (2 * expected), 1e-6);
    ck_assert_double_eq_tol((double)slopes[1], 2 * (2 - 0.75) / (2 * expected), 1e-6);
    ck_assert_float_eq(slopes[2], 0);
}
END_TEST

/* At a perfect prediction the slope is zero, not NaN. */
START_TEST(a_perfect_prediction_is_quiet)
{
    const float values[2] = {0, 0};
    const uint8_t mask[2] = {1, 1};
    float scratch[2], slopes[2] = {0, 0};
    pr_residual residual = {1, 2, values, mask, 2, scratch};
    ck_assert_double_lt(pr_loss_silog(&residual, 1, slopes), 1e-3);
    ck_assert_float_eq(slopes[0], 0);
}
END_TEST

TEST_MAIN("train.loss_silog", value_and_slopes_by_hand, a_perfect_prediction_is_quiet)
