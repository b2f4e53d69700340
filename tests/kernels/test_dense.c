#include "libprune/kernels/dense.h"
#include "tests/support/support.h"

#include <math.h>

enum { N = 37, M = 5, ROWS = 90 };

/* A well-conditioned symmetric matrix: x^T x + I. */
static void make_spd(double *a)
{
    static float x[ROWS * N], scratch[N * N];
    test_fill(x, ROWS * N, 3);
    memset(a, 0, N * N * sizeof *a);
    pr_gram_add(ROWS, N, x, scratch, a);
    pr_mirror_lower(N, a);
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            double sum = 0;
            for (int r = 0; r < ROWS; r++) sum += (double)x[r * N + i] * (double)x[r * N + j];
            ck_assert(fabs(sum - a[i * N + j]) < 1e-4);
        }
        a[i * N + i] += 1;
    }
}

START_TEST(inverse_times_matrix_is_identity)
{
    static double a[N * N], inverse[N * N], product[N * N];
    make_spd(a);
    memcpy(inverse, a, sizeof a);
    ck_assert(pr_spd_inverse(N, inverse));
    pr_dgemm_serial(false, false, N, N, N, 1, a, N, inverse, N, 0, product, N);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) ck_assert(fabs(product[i * N + j] - (i == j)) < 1e-10);
}
END_TEST

START_TEST(solve_undoes_product)
{
    static double a[N * N], l[N * N], x[N * M], b[N * M];
    make_spd(a);
    for (int i = 0; i < N * M; i++) x[i] = sin(i);
    pr_dgemm_serial(false, false, N, M, N, 1, a, N, x, M, 0, b, M);
    memcpy(l, a, sizeof a);
    ck_assert(pr_cholesky(N, l));
    pr_cholesky_solve(N, M, l, b);
    for (int i = 0; i < N * M; i++) ck_assert(fabs(b[i] - x[i]) < 1e-10);
}
END_TEST

START_TEST(indefinite_is_refused)
{
    double a[4] = {1, 2, 2, 1};
    ck_assert(!pr_cholesky(2, a));
    double b[4] = {0, 0, 0, 1};
    ck_assert(!pr_spd_inverse(2, b));
}
END_TEST

TEST_MAIN("dense", inverse_times_matrix_is_identity, solve_undoes_product, indefinite_is_refused)
