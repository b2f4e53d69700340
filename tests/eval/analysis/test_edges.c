#include "tests/eval/analysis/maps.h"

#include <math.h>

START_TEST(scores_of_an_independent_program)
{
    float truth[MAPS_COUNT], prediction[MAPS_COUNT];
    pr_edges e;
    maps_fill(truth, prediction, true);
    pr_edges_measure(&e, &(pr_maps){truth, prediction, MAPS_WIDTH, MAPS_HEIGHT});
    ck_assert_uint_eq(e.pairs, 187);
    ck_assert_uint_eq(e.boundaries, 96);
    ck_assert_double_eq_tol(e.f1, 0.295486496425, 1e-9);
    ck_assert_double_eq_tol(e.precision, 0.284585942920, 1e-9);
    ck_assert_double_eq_tol(e.recall, 0.309609984332, 1e-9);
    ck_assert_double_eq_tol(e.truth_step, 15.062162363941, 1e-9);
    ck_assert_double_eq_tol(e.step, 6.753200134096, 1e-9);
}
END_TEST

/* One vertical step from 2 m to 4 m. Each direction is a quarter, and two of four have nothing to
 * find or say, which counts as zero: that is how the original does it. */
START_TEST(a_step_that_is_seen_moved_and_blurred)
{
    const float truth[6] = {2, 2, 2, 4, 4, 4};
    const float same[6] = {3, 3, 3, 6, 6, 6}; /* another scale */
    const float moved[6] = {2, 2, 4, 4, 4, 4};
    const float blurred[6] = {2, 2, 2.5f, 3.2f, 4, 4};
    pr_edges e;
    pr_edges_measure(&e, &(pr_maps){truth, same, 6, 1});
    ck_assert_double_eq_tol(e.f1, 0.25, 1e-12);
    ck_assert_double_eq_tol(e.step / e.truth_step, 1, 1e-6);
    pr_edges_measure(&e, &(pr_maps){truth, moved, 6, 1});
    ck_assert_double_eq(e.f1, 0);
    ck_assert_double_eq(e.step, 0);
    pr_edges_measure(&e, &(pr_maps){truth, blurred, 6, 1});
    ck_assert_double_gt(e.recall, e.precision); /* three boundaries are said where one is */
    ck_assert_double_eq_tol(e.step / e.truth_step, log(1.28) / log(2), 1e-6);
}
END_TEST

START_TEST(a_wall_has_no_edges)
{
    const float truth[4] = {2, 2, 2, 2}, prediction[4] = {1, 3, INFINITY, 2};
    pr_edges e;
    pr_edges_measure(&e, &(pr_maps){truth, prediction, 2, 2});
    ck_assert_uint_eq(e.boundaries, 0);
    ck_assert_uint_eq(e.pairs, 2);
    ck_assert_double_eq(e.f1, 0);
}
END_TEST

TEST_MAIN("eval.analysis.edges", scores_of_an_independent_program,
          a_step_that_is_seen_moved_and_blurred, a_wall_has_no_edges)
