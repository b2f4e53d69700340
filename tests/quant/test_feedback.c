#include "libprune/quant/feedback.h"
#include "tests/support/support.h"

#include <math.h>
#include <stdlib.h>

enum { N = 150, M = 5, ROWS = 400 };

/* A symmetric positive definite matrix of correlated random rows. */
static void fill(double *h)
{
    static float rows[ROWS * N];
    test_fill(rows, ROWS * N, 7);
    for (int r = 0; r < ROWS; r++)
        for (int k = 1; k < N; k++) rows[r * N + k] += 0.8F * rows[r * N + k - 1];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double sum = i == j ? 0.01 : 0;
            for (int r = 0; r < ROWS; r++)
                sum += (double)rows[r * N + i] * (double)rows[r * N + j] / ROWS;
            h[i * N + j] = sum;
        }
}

START_TEST(the_factor_multiplies_back)
{
    static double h[N * N], factor[N * N];
    prune_context *ctx = test_context(2);
    fill(h);
    memcpy(factor, h, sizeof h);
    pr_feedback_factor(ctx, factor, N);
    for (int i = 0; i < N; i++)
        for (int j = 0; j <= i; j++) {
            double sum = 0;
            for (int q = i; q < N; q++) {
                const double u = q == i ? 1 : factor[q * N + i], v = q == j ? 1 : factor[q * N + j];
                sum += u * factor[q * N + q] * v;
            }
            ck_assert_double_eq_tol(sum, h[i * N + j], 1e-10);
        }
    prune_context_free(ctx);
}
END_TEST

START_TEST(solving_inverts_the_product)
{
    static double h[N * N], factor[N * N], r[N * M];
    static float x[N * M];
    prune_context *ctx = test_context(2);
    fill(h);
    memcpy(factor, h, sizeof h);
    test_fill(x, N * M, 3);
    for (int i = 0; i < N; i++)
        for (int c = 0; c < M; c++) {
            r[i * M + c] = 0;
            for (int j = 0; j < N; j++) r[i * M + c] += h[i * N + j] * (double)x[j * M + c];
        }
    pr_feedback_factor(ctx, factor, N);
    pr_feedback_solve(ctx, factor, N, r, M);
    for (int i = 0; i < N * M; i++) ck_assert_double_eq_tol(r[i], (double)x[i], 1e-8);
    prune_context_free(ctx);
}
END_TEST

/* e^T h e over all columns, e = a - b. */
static double weighed_error(const double *h, const double *a, const double *b)
{
    double sum = 0;
    for (int c = 0; c < M; c++)
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                sum += (a[i * M + c] - b[i * M + c]) * h[i * N + j] * (a[j * M + c] - b[j * M + c]);
    return sum;
}

START_TEST(feedback_beats_rounding_to_the_nearest)
{
    static double h[N * N], factor[N * N], w[N * M], nearest[N * M], rounded[N * M];
    static float x[N * M];
    double step[M];
    prune_context *ctx = test_context(1);
    fill(h);
    memcpy(factor, h, sizeof h);
    test_fill(x, N * M, 5);
    for (int c = 0; c < M; c++) {
        double largest = 0;
        for (int k = 0; k < N; k++) w[k * M + c] = (double)x[k * M + c];
        for (int k = 0; k + 1 < N; k++) largest = fmax(largest, fabs(w[k * M + c]));
        step[c] = largest / 127;
        for (int k = 0; k < N; k++)
            nearest[k * M + c] = k + 1 < N ? rint(w[k * M + c] / step[c]) * step[c] : w[k * M + c];
    }
    memcpy(rounded, w, sizeof w);
    pr_feedback_factor(ctx, factor, N);
    ck_ok(pr_feedback_round(ctx, factor, N, rounded, M, step));
    ck_assert_double_lt(weighed_error(h, rounded, w), 0.6 * weighed_error(h, nearest, w));
    for (int c = 0; c < M; c++) {
        double largest = 0;
        for (int k = 0; k + 1 < N; k++) {
            const double q = rounded[k * M + c] / step[c];
            ck_assert_double_eq_tol(q, rint(q), 1e-9);
            ck_assert_double_le(fabs(q), 127.0001);
            largest = fmax(largest, fabs(q));
        }
        ck_assert_double_eq_tol(largest, 127, 1e-9);
    }
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("quant/feedback", the_factor_multiplies_back, solving_inverts_the_product,
          feedback_beats_rounding_to_the_nearest)
