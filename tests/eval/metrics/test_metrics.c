/* Metrics on four pixels, worked out by hand, and their corner cases. */
#include "eval/metrics/metrics.h"
#include "tests/support/support.h"

#include <math.h>

static double value(const pr_metric_set *set, const char *name, const pr_sums *sums)
{
    int32_t index = pr_metrics_find(set, name);
    ck_assert_int_ge(index, 0);
    return set->rows[index].value(sums);
}

static void check(const pr_metric_set *set, const char *name, const pr_sums *sums, double wanted)
{
    double got = value(set, name, sums);
    ck_assert_msg(fabs(got - wanted) < 1e-12, "%s is %.15g, not %.15g", name, got, wanted);
}

START_TEST(four_pixels)
{
    /* errors 1, 0, 2, 2; ratios 2, 1, 1.25 (not below 1.25), 1.5 */
    const float truth[4] = {1, 2, 8, 4};
    const double prediction[4] = {2, 2, 10, 6};
    pr_sums s;
    pr_metrics_sum(&s, truth, prediction, 4);
    double l1 = log(2), l3 = log(1.25), l4 = log(1.5);
    double squares = (l1 * l1 + l3 * l3 + l4 * l4) / 4, mean = (l1 + l3 + l4) / 4;
    check(&pr_metrics_eigen, "abs_rel", &s, (1 + 0.25 + 0.5) / 4);
    check(&pr_metrics_eigen, "sq_rel", &s, (1 + 0.5 + 1) / 4);
    check(&pr_metrics_eigen, "rmse", &s, sqrt(9.0 / 4));
    check(&pr_metrics_eigen, "rmse_log", &s, sqrt(squares));
    check(&pr_metrics_eigen, "silog", &s, 100 * sqrt(squares - mean * mean));
    check(&pr_metrics_eigen, "log10", &s, (l1 + l3 + l4) / 4 / log(10));
    check(&pr_metrics_eigen, "d1", &s, 0.25);
    check(&pr_metrics_eigen, "a2", &s, 0.75);
    check(&pr_metrics_eigen, "delta3", &s, 0.75);
    check(&pr_metrics_devkit, "mae", &s, 5.0 / 4);
    check(&pr_metrics_devkit, "imae", &s, (0.5 + 0.025 + 1.0 / 12) / 4);
    check(&pr_metrics_devkit, "irmse", &s, sqrt((0.25 + 0.000625 + 1.0 / 144) / 4));
    check(&pr_metrics_devkit, "log_mae", &s, mean);
    check(&pr_metrics_devkit, "log_rmse", &s, sqrt(squares));
    check(&pr_metrics_devkit, "silog", &s, sqrt(squares - mean * mean));
    check(&pr_metrics_devkit, "abs_rel", &s, (1 + 0.25 + 0.5) / 4);
    check(&pr_metrics_devkit, "sq_rel", &s, (1 + 0.0625 + 0.25) / 4);
    ck_assert_int_eq(pr_metrics_find(&pr_metrics_devkit, "d1"), -1);
    ck_assert_int_eq(pr_metrics_find(&pr_metrics_eigen, "abs1"), -1);
}
END_TEST

START_TEST(scaled_truth_has_no_silog)
{
    const float truth[3] = {3, 7, 11};
    const double prediction[3] = {3.3, 7.7, 12.1}; /* variance rounds around 0 */
    pr_sums s;
    pr_metrics_sum(&s, truth, prediction, 3);
    ck_assert_double_lt(value(&pr_metrics_eigen, "silog", &s), 1e-5);
}
END_TEST

START_TEST(not_a_number_stays_one)
{
    const float truth[2] = {3, 7};
    const double prediction[2] = {-1, 7}; /* a hole that the devkit could not fill */
    pr_sums s;
    pr_metrics_sum(&s, truth, prediction, 2);
    ck_assert(isnan(value(&pr_metrics_devkit, "silog", &s)));
    check(&pr_metrics_devkit, "mae", &s, 2);
}
END_TEST

TEST_MAIN("eval.metrics", four_pixels, scaled_truth_has_no_silog, not_a_number_stays_one)
