#include "eval/synth/vec.h"
#include "tests/support/support.h"

#include <math.h>

START_TEST(sine_and_cosine_are_accurate)
{
    for (float x = -8.0f; x <= 8.0f; x += 0.01f) {
        float s, c;
        f_sincos(x, &s, &c);
        ck_assert_double_eq_tol((double)s, sin((double)x), 2e-5);
        ck_assert_double_eq_tol((double)c, cos((double)x), 2e-5);
    }
}
END_TEST

START_TEST(decay_is_an_exponential)
{
    for (float x = 0.0f; x < 6.0f; x += 0.05f)
        ck_assert_double_eq_tol((double)f_decay(x), exp(-(double)x), 5e-4);
}
END_TEST

START_TEST(floor_and_cells)
{
    int32_t cell;
    ck_assert_int_eq(f_floor(-0.5f), -1);
    ck_assert_int_eq(f_floor(-2.0f), -2);
    ck_assert_int_eq(f_floor(2.7f), 2);
    ck_assert_double_eq_tol((double)f_cell(-0.25f, 1.0f, &cell), 0.75, 1e-6);
    ck_assert_int_eq(cell, -1);
}
END_TEST

START_TEST(stripes_cover_their_share)
{
    ck_assert_double_eq_tol((double)f_stripe(0.0f, 0.5f, 0.1f), 1.0, 1e-6);
    ck_assert_double_eq_tol((double)f_stripe(0.5f, 0.5f, 0.1f), 0.5, 1e-5);
    ck_assert_double_eq_tol((double)f_stripe(0.0f, 0.5f, 4.0f), 0.25, 1e-6);
    ck_assert_double_eq_tol((double)f_stripe(0.6f, 0.5f, 0.1f), 0.0, 1e-6);
}
END_TEST

START_TEST(random_numbers_fill_their_ranges)
{
    rnd r = {7};
    double sum = 0;
    int seen[5] = {0};
    for (int i = 0; i < 4000; i++) {
        float u = rnd_unit(&r);
        ck_assert(u >= 0.0f && u < 1.0f);
        sum += (double)u;
        seen[rnd_below(&r, 5)]++;
    }
    ck_assert_double_eq_tol(sum / 4000, 0.5, 0.03);
    for (int i = 0; i < 5; i++) ck_assert_int_gt(seen[i], 600);
}
END_TEST

TEST_MAIN("eval.synth.vec", sine_and_cosine_are_accurate, decay_is_an_exponential, floor_and_cells,
          stripes_cover_their_share, random_numbers_fill_their_ranges)
