#include "tests/eval/analysis/maps.h"

#include <math.h>

START_TEST(value_of_an_independent_program)
{
    float truth[MAPS_COUNT], prediction[MAPS_COUNT];
    double scratch[MAPS_COUNT];
    maps_fill(truth, prediction, false);
    ck_assert_double_eq_tol(pr_flicker(truth, prediction, MAPS_COUNT, scratch), 0.099649121459,
                            1e-9);
}
END_TEST

START_TEST(a_change_of_scale_is_no_flicker)
{
    const float a[5] = {1, 2, 3, 0, INFINITY}, b[5] = {2, 4, 6, 1, 1};
    double scratch[5];
    ck_assert_double_eq_tol(pr_flicker(a, b, 5, scratch), 0, 1e-12);
    ck_assert(isnan(pr_flicker(a + 3, b + 3, 2, scratch)));
}
END_TEST

START_TEST(names_that_follow_each_other)
{
    ck_assert(prune_analysis_follows("drive_0001_image_0000000009_image_02",
                                     "drive_0001_image_0000000010_image_02"));
    ck_assert(prune_analysis_follows("frame9", "frame10"));
    ck_assert(!prune_analysis_follows("frame9", "frame11"));
    ck_assert(!prune_analysis_follows("frame10", "frame9"));
    ck_assert(!prune_analysis_follows("frame9", "frame9"));
    ck_assert(!prune_analysis_follows("a1_1", "a2_2"));
    ck_assert(!prune_analysis_follows("0001_image_02", "0002_image_03"));
    ck_assert(!prune_analysis_follows("left1", "right2"));
    ck_assert(!prune_analysis_follows("a1", "a2b"));
}
END_TEST

TEST_MAIN("eval.analysis.flicker", value_of_an_independent_program, a_change_of_scale_is_no_flicker,
          names_that_follow_each_other)
