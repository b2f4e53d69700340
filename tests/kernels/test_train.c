/* Covers: train.c */
#include "libprune/kernels/train.h"
#include "tests/kernels/reference.h"

enum { N = 203 };
static float x[N * 40], y[N * 40];

static int train_tiers(const pr_train_kernels *list[PR_ISA_COUNT])
{
    int count = 0;
    for (int isa = 0; isa < PR_ISA_COUNT; isa++)
        if (pr_cpu_has((pr_isa)isa)) list[count++] = pr_train_kernels_get((pr_isa)isa);
    return count;
}

START_TEST(transposes)
{
    const pr_train_kernels *list[PR_ISA_COUNT];
    const int count = train_tiers(list);
    test_fill(x, N * 40, 1);
    for (int t = 0; t < count; t++)
        for (int64_t rows = 1; rows < 35; rows += 3)
            for (int64_t columns = 1; columns < 35; columns += 3) {
                for (int64_t i = 0; i < N * 40; i++) y[i] = 9.0f;
                list[t]->transpose(rows, columns, x, 41, y, 37);
                for (int64_t c = 0; c < columns; c++) {
                    for (int64_t r = 0; r < rows; r++)
                        ck_assert_float_eq(y[c * 37 + r], x[r * 41 + c]);
                    for (int64_t r = rows; r < 37; r++) ck_assert_float_eq(y[c * 37 + r], 9.0f);
                }
            }
}
END_TEST

START_TEST(sums_and_products)
{
    const pr_train_kernels *list[PR_ISA_COUNT];
    const int count = train_tiers(list);
    test_fill(x, 2 * N, 2);
    for (int t = 0; t < count; t++)
        for (int64_t n = 0; n < N; n += 13) {
            double wanted = 0;
            double products = 0;
            for (int64_t i = 0; i < n; i++) {
                wanted += (double)x[i];
                products += (double)x[i] * (double)x[N + i];
            }
            ck_assert_double_eq_tol(wanted, (double)list[t]->sum_row(x, n), 1e-5);
            ck_assert_double_eq_tol(products, (double)list[t]->dot_row(x, x + N, n), 1e-5);
        }
}
END_TEST

START_TEST(softmax_rows)
{
    const pr_train_kernels *list[PR_ISA_COUNT];
    const int count = train_tiers(list);
    static float p[N], ds[N];
    test_fill(x, 4 * N, 3);
    for (int t = 0; t < count; t++) {
        memcpy(p, x, sizeof p);
        memcpy(ds, x + N, sizeof ds);
        list[t]->softmax_row(N - 1, x + 2 * N, x + 3 * N, p, ds);
        for (int i = 0; i < N - 1; i++) {
            const double wanted = exp((double)x[i] - (double)x[2 * N + i]);
            ck_assert_double_eq_tol(wanted, (double)p[i], 1e-6 * wanted);
            ck_assert_double_eq_tol(wanted * ((double)x[N + i] - (double)x[3 * N + i]),
                                    (double)ds[i], 1e-5);
        }
        ck_assert_float_eq(p[N - 1], x[N - 1]);
        ck_assert_float_eq(ds[N - 1], x[2 * N - 1]);
    }
}
END_TEST

TEST_MAIN("kernels/train", transposes, sums_and_products, softmax_rows)
