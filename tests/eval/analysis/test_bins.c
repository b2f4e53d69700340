#include "tests/eval/analysis/maps.h"

#include <math.h>

START_TEST(sums_of_an_independent_program)
{
    static const double rel[3][3] = {{1.132942085872, 2.302675479387, 1.052622384238},
                                     {0.622324853842, 2.280359404657, 1.067302419746},
                                     {0.918639707025, 2.000713557338, 1.158591196364}};
    static const double pixels[3][3] = {{13, 11, 12}, {14, 12, 11}, {15, 11, 11}};
    float truth[MAPS_COUNT], prediction[MAPS_COUNT];
    pr_bins bins = {0};
    maps_fill(truth, prediction, true);
    pr_bins_add(&bins, &(pr_maps){truth, prediction, MAPS_WIDTH, MAPS_HEIGHT});
    ck_assert_double_eq(bins.distance[0].pixels, 41);
    ck_assert_double_eq_tol(bins.distance[0].rel, 2.578947781361, 1e-9);
    ck_assert_double_eq_tol(bins.distance[0].squared, 2.261899467087, 1e-9);
    ck_assert_double_eq(bins.distance[1].pixels, 69);
    ck_assert_double_eq_tol(bins.distance[1].rel, 9.957223307106, 1e-9);
    ck_assert_double_eq_tol(bins.distance[1].squared, 112.164698131374, 1e-8);
    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 3; c++) {
            ck_assert_double_eq(bins.region[r][c].pixels, pixels[r][c]);
            ck_assert_double_eq_tol(bins.region[r][c].rel, rel[r][c], 1e-9);
        }
}
END_TEST

START_TEST(ends_of_bins)
{
    const float truth[8] = {4.99f, 5, 9.99f, 10, 20, 40, 80, 0};
    const float prediction[8] = {5, 5, 10, 10, 20, INFINITY, 80, 3};
    pr_bins bins = {0};
    pr_bins_add(&bins, &(pr_maps){truth, prediction, 8, 1});
    const double expected[PR_DISTANCES] = {1, 2, 1, 1, 0, 1}; /* infinite and unknown: left out */
    for (int i = 0; i < PR_DISTANCES; i++)
        ck_assert_double_eq(bins.distance[i].pixels, expected[i]);
}
END_TEST

TEST_MAIN("eval.analysis.bins", sums_of_an_independent_program, ends_of_bins)
