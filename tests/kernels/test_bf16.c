/* Covers: amx/bgemm.c */
#include "libprune/kernels/bf16.h"
#include "tests/kernels/halves.h"

#include <math.h>

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

START_TEST(rounds_to_the_nearest_ties_to_even)
{
    ck_assert_uint_eq(pr_bf16_of(1.0f), 0x3f80);
    ck_assert_uint_eq(pr_bf16_of(float_of(0x3f808000)), 0x3f80); /* a tie: even stays */
    ck_assert_uint_eq(pr_bf16_of(float_of(0x3f818000)), 0x3f82); /* a tie: odd goes up */
    ck_assert_uint_eq(pr_bf16_of(float_of(0x3f808001)), 0x3f81);
    ck_assert_uint_eq(pr_bf16_of(-0.0f), 0x8000);
    ck_assert_uint_eq(pr_bf16_of(INFINITY), 0x7f80);
    ck_assert_uint_eq(pr_bf16_of(float_of(0x7f7fffff)), 0x7f80); /* beyond the largest */
    ck_assert(isnan(pr_float_of_bf16(pr_bf16_of(float_of(0x7f800001)))));
    ck_assert(isnan(pr_float_of_bf16(pr_bf16_of(float_of(0xffffffff)))));
    /* The nearest of all: nothing is closer than what it gives. */
    for (uint32_t bits = 0x00800000; bits < 0x7f000000; bits += 0x1357) {
        const float x = float_of(bits);
        const uint16_t half = pr_bf16_of(x);
        const double off = fabs((double)pr_float_of_bf16(half) - (double)x);
        ck_assert(off <= fabs((double)pr_float_of_bf16((uint16_t)(half - 1)) - (double)x));
        ck_assert(off <= fabs((double)pr_float_of_bf16((uint16_t)(half + 1)) - (double)x));
    }
}
END_TEST

START_TEST(every_tier_rounds_the_same)
{
    enum { COUNT = 4099 };
    static float x[COUNT], y[COUNT], in_place[COUNT];
    const pr_kernels *list[TIERS];
    const int count = tiers(list);
    const uint32_t odd[] = {0x7f800001, 0xffc12345, 0x7f800000, 0xff800000, 0x00000001,
                            0x80008000, 0x3f808000, 0x3f818000, 0x7f7fffff};
    for (uint32_t i = 0; i < COUNT; i++) x[i] = float_of(i * 0x9E3779B9u);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) x[i * 7] = float_of(odd[i]);
    for (int t = 0; t < count; t++) {
        memcpy(in_place, x, sizeof x);
        list[t]->bf16_round(x, y, COUNT);
        list[t]->bf16_round(in_place, in_place, COUNT - 3);
        for (int i = 0; i < COUNT; i++) {
            const uint32_t wanted = bits_of(pr_float_of_bf16(pr_bf16_of(x[i])));
            ck_assert_msg(bits_of(y[i]) == wanted, "%s: %08x became %08x, not %08x", list[t]->name,
                          bits_of(x[i]), bits_of(y[i]), wanted);
            ck_assert_uint_eq(bits_of(in_place[i]), i < COUNT - 3 ? wanted : bits_of(x[i]));
        }
    }
}
END_TEST

/* Halves of any count; nothing behind them is touched. Subnormal numbers may become zeros. */
START_TEST(halves_are_the_rounded_numbers)
{
    enum { MOST = 100 };
    const pr_kernels *list[TIERS];
    const int count = tiers(list);
    float x[MOST];
    uint16_t to[MOST + 1];
    for (uint32_t i = 0; i < MOST; i++) x[i] = float_of(i * 0x9E3779B9u);
    x[3] = float_of(0x00012345);
    x[40] = float_of(0x7f800001);
    for (int t = 0; t < count; t++) {
        for (int64_t n = 1; list[t]->bf16_narrow && n <= MOST; n++) {
            memset(to, 0x77, sizeof to);
            list[t]->bf16_narrow(to, x, n);
            for (int64_t i = 0; i < n; i++) {
                const bool tiny = fabsf(x[i]) < 0x1p-126f;
                ck_assert(to[i] == pr_bf16_of(x[i]) || (tiny && (to[i] & 0x7fff) == 0));
            }
            ck_assert_uint_eq(to[n], 0x7777);
        }
    }
}
END_TEST

/* Sums over more of k than a kernel takes at once, and more columns than it keeps in its cache.
 * Each of the k additions rounds by at most 2^-24 of the sum of magnitudes so far. */
START_TEST(long_sums)
{
    enum { M = 45, N = 300, K = 1100 };
    static float a[M * K], w[N * K], bias[N], out[M * N];
    const pr_kernels *list[TIERS + 1];
    const int count = tiers(list);
    prune_context *ctx = test_context(2);
    test_fill(a, M * K, 1);
    test_fill(w, N * K, 2);
    test_fill(bias, N, 3);
    list[count] = halves_tier();
    for (int t = 0; t <= count; t++) {
        pr_packed b;
        ck_ok(pr_pack_bf16(&b, ctx, list[t], NULL, N, K, w, bias));
        pr_gemm g = {.m = M, .a = a, .lda = K, .b = &b};
        g.e = (pr_epilogue){.act = PR_ACT_RELU, .out = out, .out_stride = N};
        void *scratch = aligned_alloc(64, pr_gemm_bf16_scratch(ctx, list[t], &b));
        pr_gemm_bf16(ctx, list[t], &g, scratch);
        for (int64_t i = 0; i < M * N; i += 7) {
            double sum = (double)bias[i % N], magnitudes = fabs(sum);
            for (int64_t p = 0; p < K; p++) {
                const double product =
                    operand(a[i / N * K + p], true) * operand(w[i % N * K + p], true);
                sum += product;
                magnitudes += fabs(product);
            }
            ck_assert_double_eq_tol((double)out[i], fmax(sum, 0), magnitudes * K * 0x1p-24);
        }
        free(scratch);
        pr_packed_free(ctx, &b);
    }
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("kernels/bf16", rounds_to_the_nearest_ties_to_even, every_tier_rounds_the_same,
          halves_are_the_rounded_numbers, long_sums)
