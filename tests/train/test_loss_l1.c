#include "libprune/train/loss.h"
#include "tests/support/support.h"

START_TEST(mean_of_known_pixels)
{
    const float values[4] = {1, -3, 0, 50};
    const uint8_t mask[4] = {1, 1, 1, 0};
    float scratch[4], slopes[4] = {0, 0, 0, 0};
    pr_residual residual = {2, 2, values, mask, 3, scratch};
    ck_assert_double_eq_tol(pr_loss_l1(&residual, 3, slopes), 4.0 / 3, 1e-9);
    const float expected[4] = {1, -1, 0, 0};
    for (int i = 0; i < 4; i++) ck_assert_float_eq_tol(slopes[i], expected[i], 1e-6F);
}
END_TEST

/* Of five, the largest one is left out of value and slopes; the mean stays over five. */
START_TEST(the_largest_fifth_is_trimmed)
{
    const float values[6] = {1, -9, 2, -3, 4, 1000};
    const uint8_t mask[6] = {1, 1, 1, 1, 1, 0};
    float scratch[6], slopes[6] = {0, 0, 0, 0, 0, 0};
    pr_residual residual = {2, 3, values, mask, 5, scratch};
    ck_assert_double_eq_tol(pr_loss_trimmed_l1(&residual, 5, slopes), 2, 1e-9);
    const float expected[6] = {1, 0, 1, -1, 1, 0};
    for (int i = 0; i < 6; i++) ck_assert_float_eq_tol(slopes[i], expected[i], 1e-6F);
    const float one[1] = {3};
    pr_residual single = {1, 1, one, mask, 1, scratch};
    ck_assert_double_eq_tol(pr_loss_trimmed_l1(&single, 1, NULL), 3, 1e-9);
}
END_TEST

TEST_MAIN("train.loss_l1", mean_of_known_pixels, the_largest_fifth_is_trimmed)
