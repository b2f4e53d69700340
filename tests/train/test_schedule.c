#include "libprune/train/schedule.h"
#include "tests/support/support.h"

START_TEST(rises_then_falls)
{
    double previous = 0;
    for (uint64_t step = 0; step < 10; step++) {
        double rate = pr_schedule_rate(step, 100, 10);
        ck_assert_double_gt(rate, previous);
        ck_assert_double_lt(rate, 1);
        previous = rate;
    }
    ck_assert_double_eq_tol(pr_schedule_rate(10, 100, 10), 1, 1e-12);
    ck_assert_double_eq_tol(pr_schedule_rate(55, 100, 10), 0.505, 1e-9);
    ck_assert_double_eq_tol(pr_schedule_rate(100, 100, 10), 0.01, 1e-9);
    ck_assert_double_eq_tol(pr_schedule_rate(500, 100, 10), 0.01, 1e-9);
}
END_TEST

TEST_MAIN("train.schedule", rises_then_falls)
