/* Blocks and intervals of the bootstrap. */
#include "tests/eval/golden.h"

START_TEST(blocks_follow_drives)
{
    const char *groups[20];
    int32_t block[20];
    static const char *const drives[] = {"a", "b", "c", "d", "e"};
    for (int i = 0; i < 20; i++) groups[i] = drives[i / 4];
    pr_interval_blocks(block, groups, 20);
    for (int i = 0; i < 20; i++) ck_assert_int_eq(block[i], i / 4);
    /* Frames of one drive need not stand together. */
    for (int i = 0; i < 20; i++) groups[i] = drives[i % 5];
    pr_interval_blocks(block, groups, 20);
    for (int i = 0; i < 20; i++) ck_assert_int_eq(block[i], i % 5);
}
END_TEST

START_TEST(few_drives_become_runs)
{
    const char *groups[27];
    int32_t block[27];
    for (int i = 0; i < 27; i++) groups[i] = "";
    pr_interval_blocks(block, groups, 27);
    for (int i = 0; i < 27; i++) ck_assert_int_eq(block[i], i / 3);
    for (int i = 0; i < 27; i++) groups[i] = i < 13 ? "a" : "b"; /* a run ends with its drive */
    pr_interval_blocks(block, groups, 27);
    ck_assert_int_eq(block[12], 4);
    ck_assert_int_eq(block[13], 5);
    ck_assert_int_eq(block[15], 5);
    ck_assert_int_eq(block[16], 6);
}
END_TEST

START_TEST(interval_covers_the_mean)
{
    enum { N = 400 };
    prune_context *ctx = test_context(1);
    float noise[N];
    double values[N], low, high, low2, high2;
    int32_t block[N];
    test_fill(noise, N, 11);
    for (int i = 0; i < N; i++) {
        values[i] = 5 + (double)noise[i];
        block[i] = i;
    }
    ck_ok(pr_interval_mean(&low, &high, ctx, values, block, N, 1));
    /* Uniform on [4, 6): standard error 0.577 / 20, so the interval is about 5 +- 0.057. */
    ck_assert_double_eq_tol(high - low, 4 * 0.577 / 20, 0.02);
    ck_assert_double_lt(low, 5.06);
    ck_assert_double_gt(high, 4.94);
    ck_ok(pr_interval_mean(&low2, &high2, ctx, values, block, N, 1));
    ck_assert(low == low2 && high == high2);
    /* Frames that repeat each other say less than their number: the interval widens. */
    for (int i = 0; i < N; i++) {
        values[i] = 5 + (double)noise[i / 20];
        block[i] = i / 20;
    }
    ck_ok(pr_interval_mean(&low2, &high2, ctx, values, block, N, 1));
    ck_assert_double_gt(high2 - low2, 2.5 * (high - low));
    ck_ok(pr_interval_mean(&low, &high, ctx, values, block, 1, 1));
    ck_assert(low == values[0] && high == values[0]);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("eval.interval", blocks_follow_drives, few_drives_become_runs, interval_covers_the_mean)
