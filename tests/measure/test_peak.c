#include "tests/support/support.h"

#include <prune/measure.h>
#include <stdio.h>

static prune_peaks measure(int32_t threads)
{
    prune_context *ctx = test_context(threads);
    prune_peaks peaks = {.struct_size = (uint32_t)sizeof peaks};
    ck_ok(prune_peaks_measure(&peaks, ctx));
    ck_assert_int_eq(peaks.threads, threads);
    ck_assert_str_eq(peaks.isa, prune_context_isa(ctx));
    prune_context_free(ctx);
    return peaks;
}

START_TEST(limits_are_those_of_a_computer)
{
    const prune_peaks p = measure(1);
    /* Anything that runs this: 0.1 to 1000 GFLOPS on one thread. */
    ck_assert_double_gt(p.fp32, 1e8);
    ck_assert_double_lt(p.fp32, 1e12);
    if (p.int8 > 0) ck_assert_double_gt(p.int8, p.fp32);
    for (int i = 0; i < 4; i++) {
        ck_assert_double_gt(p.read[i], 1e8);
        ck_assert_double_lt(p.read[i], 4e12);
        if (i > 0) ck_assert_uint_gt(p.set[i], p.set[i - 1]);
    }
    ck_assert_double_gt(p.read[0], p.read[3]); /* caches are faster than memory */
}
END_TEST

START_TEST(two_threads_do_more)
{
    prune_context *ctx = test_context(0);
    const int32_t processors = prune_context_threads(ctx);
    prune_context_free(ctx);
    if (processors < 2) {
        (void)fprintf(stderr, "SKIP: one processor, two threads cannot be faster\n");
        return;
    }
    /* Busy machines give the second thread nothing at times; one good try is enough. */
    double best = 0;
    for (int i = 0; i < 10 && best < 1.2; i++) {
        const prune_peaks one = measure(1), two = measure(2);
        best = two.fp32 / one.fp32 > best ? two.fp32 / one.fp32 : best;
    }
    ck_assert_double_ge(best, 1.2);
    ck_assert_double_lt(best, 3);
}
END_TEST

START_TEST(an_older_caller_gets_what_it_knows)
{
    prune_context *ctx = test_context(1);
    prune_peaks peaks = {.struct_size = (uint32_t)offsetof(prune_peaks, int8), .int8 = -1};
    ck_ok(prune_peaks_measure(&peaks, ctx));
    ck_assert_double_gt(peaks.fp32, 0);
    ck_assert_double_eq(peaks.int8, -1);
    prune_context_free(ctx);
}
END_TEST

/* Made-up limits: 100, 200 and 400 operations, 10 bytes and less per second. */
START_TEST(a_step_at_its_limit)
{
    prune_peaks p = {.fp32 = 100,
                     .int8 = 200,
                     .bf16 = 400,
                     .set = {10, 100, 1000, 10000},
                     .read = {10, 5, 2, 1}};
    prune_session_step s = {.macs = 1000, .weight_bytes = 7};
    ck_assert_double_eq(prune_peaks_seconds(&p, &s), 20);
    s.int8_macs = 1000;
    ck_assert_double_eq(prune_peaks_seconds(&p, &s), 10);
    s.int8_macs = 200, s.bf16_macs = 400;
    ck_assert_double_eq(prune_peaks_seconds(&p, &s), 8 + 2 + 2);
    p.bf16 = 0; /* multiplied in FP32 */
    ck_assert_double_eq(prune_peaks_seconds(&p, &s), 8 + 2 + 8);
    p.int8 = 0;
    ck_assert_double_eq(prune_peaks_seconds(&p, &s), 0); /* nobody knows */
    s = (prune_session_step){.weight_bytes = 1, .read_bytes = 5, .write_bytes = 4};
    ck_assert_double_eq(prune_peaks_seconds(&p, &s), 1);
    s.write_bytes = 5;
    ck_assert_double_eq(prune_peaks_seconds(&p, &s), 11.0 / 5);
    s.write_bytes = 99994;
    ck_assert_double_eq(prune_peaks_seconds(&p, &s), 100000);
}
END_TEST

TEST_MAIN("measure.peak", limits_are_those_of_a_computer, two_threads_do_more,
          an_older_caller_gets_what_it_knows, a_step_at_its_limit)
