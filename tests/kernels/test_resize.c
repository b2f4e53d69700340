#include "tests/kernels/reference.h"

START_TEST(axes_follow_torch)
{
    int32_t first[6], second[6];
    float weight[6];
    pr_resize_axis(true, 3, 5, first, second, weight); /* corners: 0, 0.5, 1, 1.5, 2 */
    for (int i = 0; i < 5; i++) {
        ck_assert_float_eq_tol((float)first[i] + weight[i], 0.5f * (float)i, 1e-6f);
        ck_assert_int_eq(second[i], first[i] < 2 ? first[i] + 1 : 2);
    }
    pr_resize_axis(false, 3, 6, first, second,
                   weight); /* half-pixel: 0, .25, .75, 1.25, 1.75, .. */
    static const float wanted[6] = {0.0f, 0.25f, 0.75f, 1.25f, 1.75f, 2.25f};
    for (int i = 0; i < 6; i++) {
        ck_assert_float_eq_tol((float)first[i] + weight[i], wanted[i], 1e-6f);
    }
    pr_resize_axis(true, 4, 1, first, second, weight);
    ck_assert_int_eq(first[0], 0);
    ck_assert_float_eq(weight[0], 0.0f);
}
END_TEST

TEST_MAIN("kernels/resize", axes_follow_torch)
