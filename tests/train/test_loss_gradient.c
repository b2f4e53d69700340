#include "libprune/train/loss.h"
#include "tests/support/support.h"

enum { SIZE = 16 };

/* A slope of 0.5 per pixel in x: differences 0.5, 1, 2 and 4 at the four scales in x, 0 in y. The
 * pairs in x: 15 * 16, 7 * 8, 3 * 4, 1 * 2; in y as many. */
START_TEST(a_ramp_by_hand)
{
    float values[SIZE * SIZE], scratch[SIZE * SIZE], slopes[SIZE * SIZE] = {0};
    uint8_t mask[SIZE * SIZE];
    for (int i = 0; i < SIZE * SIZE; i++) {
        values[i] = 0.5F * (float)(i % SIZE);
        mask[i] = 1;
    }
    pr_residual residual = {SIZE, SIZE, values, mask, SIZE * SIZE, scratch};
    ck_assert_double_eq_tol(pr_loss_gradient(&residual, 1, slopes), (0.5 + 1 + 2 + 4) / 2 / 4,
                            1e-6);
    /* Only the two ends of a row are pushed: inner pixels are pulled from both sides. */
    ck_assert_float_lt(slopes[0], 0);
    ck_assert_float_gt(slopes[SIZE - 1], 0);
    ck_assert_float_eq(slopes[3], 0);
}
END_TEST

/* A constant offset costs nothing, and a pair with an unknown end does not count. */
START_TEST(offsets_and_holes_cost_nothing)
{
    float values[SIZE * SIZE], scratch[SIZE * SIZE];
    uint8_t mask[SIZE * SIZE];
    for (int i = 0; i < SIZE * SIZE; i++) {
        mask[i] = i % SIZE != 4;
        values[i] = mask[i] ? 7 : -100;
    }
    pr_residual residual = {SIZE, SIZE, values, mask, SIZE * (SIZE - 1), scratch};
    ck_assert_double_eq(pr_loss_gradient(&residual, 1, NULL), 0);
    memset(mask, 0, sizeof mask);
    mask[0] = 1;
    residual.known = 1;
    ck_assert_double_eq(pr_loss_gradient(&residual, 1, NULL), 0);
}
END_TEST

TEST_MAIN("train.loss_gradient", a_ramp_by_hand, offsets_and_holes_cost_nothing)
