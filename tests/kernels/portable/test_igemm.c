#include "libprune/kernels/igemm.h"
#include "libprune/kernels/integer.h"
#include "tests/support/support.h"

#include <math.h>
#include <stdlib.h>

static int8_t byte_at(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (int8_t)((int)((*state >> 33) % 255) - 127);
}

/* Against 64-bit sums, sizes with every kind of tail, extreme values included. */
START_TEST(sums_are_exact)
{
    prune_context *ctx = test_context(2);
    uint64_t state = 7;
    for (int64_t m = 1; m <= 70; m += 23) {
        for (int64_t n = 1; n <= 9; n++) {
            for (int64_t k = 1; k <= 100; k += 33) {
                int8_t a[70 * 104], w[9 * 100];
                int32_t c[70 * 11];
                int64_t lda = k + 3, ldc = n + 2;
                for (int64_t i = 0; i < m * lda; i++) a[i] = byte_at(&state);
                for (int64_t i = 0; i < n * k; i++) w[i] = i % 5 ? byte_at(&state) : -127;
                pr_igemm_portable(ctx, m, n, k, a, lda, w, c, ldc);
                for (int64_t i = 0; i < m; i++) {
                    for (int64_t o = 0; o < n; o++) {
                        int64_t sum = 0;
                        for (int64_t p = 0; p < k; p++) sum += a[i * lda + p] * w[o * k + p];
                        ck_assert_int_eq(c[i * ldc + o], sum);
                    }
                }
            }
        }
    }
    prune_context_free(ctx);
}
END_TEST

START_TEST(quantize_rounds_to_even_and_saturates)
{
    ck_assert_int_eq(pr_quantize_s8(0.5f, 1.0f, 0), 0);
    ck_assert_int_eq(pr_quantize_s8(1.5f, 1.0f, 0), 2);
    ck_assert_int_eq(pr_quantize_s8(-2.5f, 1.0f, 0), -2);
    ck_assert_int_eq(pr_quantize_s8(-2.5f, 1.0f, 5), 3);
    ck_assert_int_eq(pr_quantize_s8(1e30f, 1e30f, 3), 127);
    ck_assert_int_eq(pr_quantize_s8(-1e30f, 1.0f, -100), -127);
    ck_assert_int_eq(pr_quantize_s8(NAN, 1.0f, 7), -127);
    ck_assert_int_eq(pr_quantize_s8(126.6f, 1.0f, 0), 127);
    ck_assert_int_eq(pr_quantize_s8(-250.0f, 1.0f, 127), -123);
    float x[5] = {0.5f, -4.0f, 3.0f, 0.0f, 1.0f};
    ck_assert_float_eq(pr_row_largest(x, 5), 4.0f);
    pr_row_scale row = pr_row_scale_from(4.0f);
    ck_assert_int_eq(pr_quantize_s8(-4.0f, row.inv_scale, 0), -127);
    ck_assert_float_eq(pr_row_scale_from(0.0f).scale, 0.0f);
}
END_TEST

TEST_MAIN("kernels/portable/igemm", sums_are_exact, quantize_rounds_to_even_and_saturates)
