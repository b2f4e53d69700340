#include "libprune/ops/smooth.h"
#include "tests/support/support.h"

#include <math.h>

START_TEST(exp_is_close_everywhere)
{
    for (double x = -86; x <= 87; x += 0.0137) {
        double exact = exp((double)(float)x);
        ck_assert_double_le(fabs((double)pr_smooth_exp((float)x) - exact), 3e-7 * exact);
    }
    ck_assert_float_eq(pr_smooth_exp(0), 1);
    ck_assert_float_lt(pr_smooth_exp(-1000), 1e-37F);
    ck_assert(isfinite(pr_smooth_exp(1000)));
}
END_TEST

START_TEST(normal_is_close_everywhere)
{
    for (double x = -8; x <= 8; x += 0.0137) {
        float density, y = (float)x;
        double phi = 0.5 * erfc(-(double)y / sqrt(2));
        ck_assert_double_eq_tol((double)pr_smooth_normal(y, &density), phi, 3e-7);
        double exact = exp(-0.5 * (double)y * (double)y) / sqrt(2 * 3.14159265358979);
        ck_assert_double_eq_tol((double)density, exact, 4e-6 * exact);
    }
}
END_TEST

TEST_MAIN("ops.smooth", exp_is_close_everywhere, normal_is_close_everywhere)
