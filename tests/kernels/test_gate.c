#include "tests/kernels/reference.h"

/* Every tier against double precision, at lengths around vectors and blocks. */
START_TEST(every_tier_gates)
{
    const pr_kernels *list[TIERS];
    int count = tiers(list);
    static const int64_t counts[] = {1, 7, 33, 2047, 2048, 2049, 5000};
    for (int t = 0; t < count; t++)
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
            const int64_t n = counts[k];
            float *a = malloc((size_t)n * 3 * sizeof *a), *b = a + n, *y = b + n;
            test_fill(a, 2 * n, (uint64_t)n);
            for (int64_t i = 0; i < n; i++) a[i] *= 9;
            pr_gate_f32(list[t], a, b, y, n);
            for (int64_t i = 0; i < n; i++) {
                const double x = (double)a[i], wanted = x / (1 + exp(-x)) * (double)b[i];
                ck_assert_double_eq_tol((double)y[i], wanted, 4e-6);
            }
            free(a);
        }
}
END_TEST

TEST_MAIN("kernels.gate", every_tier_gates)
