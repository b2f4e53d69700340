#include "libprune/measure/statistics.h"
#include "tests/support/support.h"

START_TEST(medians_and_percentiles)
{
    double values[] = {9, 1, 5, 7, 3};
    pr_sort(values, 5);
    for (int i = 0; i < 5; i++) ck_assert_double_eq(values[i], 2 * i + 1);
    ck_assert_double_eq(pr_median(values, 5), 5);
    ck_assert_double_eq(pr_median(values, 4), 4);
    ck_assert_double_eq(pr_median(values, 1), 1);
    ck_assert_double_eq(pr_percentile(values, 5, 0.95), 9);
    ck_assert_double_eq(pr_percentile(values, 5, 0.4), 3);
    ck_assert_double_eq(pr_percentile(values, 5, 0.41), 5);
    double many[100];
    for (int i = 0; i < 100; i++) many[i] = i + 1;
    ck_assert_double_eq(pr_percentile(many, 100, 0.95), 95);
    ck_assert_double_eq(pr_percentile(many, 20, 0.95), 19);
    ck_assert_double_eq(pr_percentile(many, 100, 1), 100);
}
END_TEST

/* Ranks (from 1) as in printed tables of intervals for a median; the coverage is the sum of
 * binomial(n, k) / 2^n from k = low to high - 1, in Python's exact fractions. */
START_TEST(ranks_around_the_median)
{
    static const struct {
        int64_t n, low, high;
        double confidence, coverage;
    } rows[] = {
        {6, 1, 6, 0.95, 0.96875},
        {8, 1, 8, 0.95, 0.9921875},
        {9, 2, 8, 0.95, 0.9609375},
        {10, 2, 9, 0.95, 0.978515625},
        {20, 6, 15, 0.95, 0.95861053},
        {25, 8, 18, 0.95, 0.95671475},
        {100, 40, 61, 0.95, 0.96479980},
        {20, 6, 15, 0.9, 0.95861053},
        {100, 42, 59, 0.9, 0.91137392},
        {100, 37, 64, 0.99, 0.99336288},
        {2000, 956, 1045, 0.95, 0.95344718},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const pr_ranks ranks = pr_median_ranks(rows[i].n, rows[i].confidence);
        ck_assert_msg(ranks.low == rows[i].low - 1 && ranks.high == rows[i].high - 1,
                      "n %lld: ranks %lld and %lld", (long long)rows[i].n, (long long)ranks.low + 1,
                      (long long)ranks.high + 1);
        ck_assert_double_ge(ranks.coverage, rows[i].confidence);
        if (rows[i].coverage > 0) ck_assert_double_eq_tol(ranks.coverage, rows[i].coverage, 1e-7);
    }
}
END_TEST

START_TEST(too_few_values_say_so)
{
    ck_assert_double_eq_tol(pr_median_ranks(5, 0.95).coverage, 0.9375, 1e-12);
    ck_assert_int_eq(pr_median_ranks(5, 0.95).high, 4);
    ck_assert_double_eq_tol(pr_median_ranks(1, 0.95).coverage, 0, 1e-12);
    ck_assert_int_eq(pr_median_ranks(1, 0.95).high, 0);
    ck_assert_double_eq_tol(pr_median_ranks(2, 0.5).coverage, 0.5, 1e-12);
}
END_TEST

TEST_MAIN("measure.statistics", medians_and_percentiles, ranks_around_the_median,
          too_few_values_say_so)
