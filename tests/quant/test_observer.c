#include "libprune/quant/observer.h"
#include "tests/support/support.h"

#include <math.h>
#include <stdlib.h>

enum { CHANNELS = 3, ROWS = 4000 };

/* Channel 0 in [-1, 1), channel 1 in [0, 40) with rare spikes, channel 2 always 0. */
static void fill(float *values)
{
    test_fill(values, CHANNELS * ROWS, 3);
    for (int r = 0; r < ROWS; r++) {
        values[r * 3 + 1] = (values[r * 3 + 1] + 1) * (r % 1000 == 7 ? 2000.0F : 20.0F);
        values[r * 3 + 2] = 0;
    }
}

static pr_range observe(prune_context *ctx, pr_observer_kind kind, int64_t channel, int pieces,
                        double percentile)
{
    static float values[CHANNELS * ROWS];
    pr_observer observer;
    fill(values);
    ck_ok(pr_observer_create(&observer, ctx, kind, CHANNELS));
    for (int p = 0; p < pieces; p++)
        pr_observer_add(&observer, values + p * (ROWS / pieces) * CHANNELS,
                        ROWS / pieces * CHANNELS);
    const pr_range range = pr_observer_range(&observer, channel, percentile);
    pr_observer_free(&observer);
    return range;
}

START_TEST(min_max_sees_the_extremes)
{
    static float values[CHANNELS * ROWS];
    prune_context *ctx = test_context(2);
    fill(values);
    for (int c = 0; c < CHANNELS; c++) {
        float low = 0, high = 0;
        for (int r = 0; r < ROWS; r++) {
            low = fminf(low, values[r * 3 + c]);
            high = fmaxf(high, values[r * 3 + c]);
        }
        const pr_range range = observe(ctx, PR_OBSERVER_MIN_MAX, c, 4, 0);
        ck_assert_float_eq(range.low, low);
        ck_assert_float_eq(range.high, high);
    }
    prune_context_free(ctx);
}
END_TEST

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

START_TEST(percentile_agrees_with_sorting)
{
    static float values[CHANNELS * ROWS], sorted[ROWS];
    prune_context *ctx = test_context(1);
    fill(values);
    for (int c = 0; c < 2; c++) {
        for (int r = 0; r < ROWS; r++) sorted[r] = values[r * 3 + c];
        qsort(sorted, ROWS, sizeof *sorted, by_value);
        const pr_range range = observe(ctx, PR_OBSERVER_PERCENTILE, c, 8, 90);
        /* Two bins of a histogram that had to reach 2 (4096: the spikes). */
        const float bin = (c ? 4096.0F : 1.0F) * 4 / PR_OBSERVER_BINS;
        ck_assert_float_eq_tol(range.low, fminf(sorted[ROWS / 20], 0), bin);
        ck_assert_float_eq_tol(range.high, sorted[ROWS - ROWS / 20], bin);
    }
    prune_context_free(ctx);
}
END_TEST

/* Total squared error of a grid over the real values. */
static double error_of(const float *values, int channel, pr_range range)
{
    const pr_grid grid = pr_grid_of(range, true, 1e-9F);
    double sum = 0;
    for (int r = 0; r < ROWS; r++) {
        const float x = values[r * 3 + channel];
        const float q = fminf(fmaxf(rintf(x / grid.scale) + (float)grid.zero, -127.0F), 127.0F);
        const double e = (double)(grid.scale * (q - (float)grid.zero) - x);
        sum += e * e;
    }
    return sum;
}

START_TEST(mse_clips_only_where_that_helps)
{
    static float values[CHANNELS * ROWS];
    prune_context *ctx = test_context(1);
    fill(values);
    const pr_range even = observe(ctx, PR_OBSERVER_MSE, 0, 2, 0);
    ck_assert_float_lt(even.low, -0.95F);
    ck_assert_float_gt(even.high, 0.95F);
    /* The best found is close to the best of a brute-force search over the upper end. */
    const pr_range found = observe(ctx, PR_OBSERVER_MSE, 1, 2, 0);
    const float high = observe(ctx, PR_OBSERVER_MIN_MAX, 1, 2, 0).high;
    double best = INFINITY;
    for (int i = 1; i <= 200; i++)
        best = fmin(best, error_of(values, 1, (pr_range){0, high * (float)i / 200}));
    ck_assert_double_lt(error_of(values, 1, found), 1.1 * best);
    prune_context_free(ctx);
}
END_TEST

/* The same whatever the order of the magnitudes and the pieces in which values come. */
START_TEST(histograms_widen_without_losing_values)
{
    prune_context *ctx = test_context(1);
    pr_observer up, down;
    float values[64];
    for (int i = 0; i < 64; i++) values[i] = ldexpf(1.3F, i / 4 - 8) * (i % 2 ? -1.0F : 1.0F);
    values[5] = 0;
    ck_ok(pr_observer_create(&up, ctx, PR_OBSERVER_MSE, 1));
    ck_ok(pr_observer_create(&down, ctx, PR_OBSERVER_MSE, 1));
    pr_observer_add(&up, values, 64);
    for (int i = 63; i >= 0; i--) pr_observer_add(&down, &values[i], 1);
    uint64_t total = 0;
    for (int b = 0; b < PR_OBSERVER_BINS; b++) total += up.histograms->bins[b];
    ck_assert_uint_eq(total, 64);
    ck_assert_float_eq(up.histograms->reach, down.histograms->reach);
    ck_assert_float_eq(pr_observer_range(&up, 0, 99).high, pr_observer_range(&down, 0, 99).high);
    const float odd[2] = {NAN, INFINITY};
    pr_observer_add(&up, odd, 2); /* must not hang or crash */
    pr_observer_free(&up);
    pr_observer_free(&down);
    prune_context_free(ctx);
}
END_TEST

START_TEST(grids_cover_the_range_and_hold_zero)
{
    const pr_range ranges[] = {{-1, 3}, {0, 5}, {-7, 0}, {-0.2F, 100}, {0, 0}};
    for (int i = 0; i < 5; i++)
        for (int zero_point = 0; zero_point < 2; zero_point++) {
            const pr_grid grid = pr_grid_of(ranges[i], zero_point, 1e-3F);
            const float low = grid.scale * (float)(-127 - grid.zero);
            const float high = grid.scale * (float)(127 - grid.zero);
            ck_assert_float_ge(grid.scale, 1e-3F);
            ck_assert_float_le(low, ranges[i].low + grid.scale * 0.51F);
            ck_assert_float_ge(high, ranges[i].high - grid.scale * 0.51F);
            ck_assert_int_ge(grid.zero, -127);
            if (!zero_point) ck_assert_int_eq(grid.zero, 0);
        }
    ck_assert_int_eq(pr_grid_of(ranges[1], true, 1e-3F).zero, -127);
}
END_TEST

TEST_MAIN("quant/observer", min_max_sees_the_extremes, percentile_agrees_with_sorting,
          mse_clips_only_where_that_helps, histograms_widen_without_losing_values,
          grids_cover_the_range_and_hold_zero)
