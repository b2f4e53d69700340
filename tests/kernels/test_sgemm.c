/* Covers: sgemm.c, sgemm_panels.c */
#include "libprune/kernels/sgemm.h"
#include "tests/kernels/reference.h"

#include <math.h>

typedef struct problem {
    int64_t m, n, k;
    bool ta, tb;
    float alpha, beta;
} problem;

static const pr_kernels *tier[TIERS];
static int n_tiers;

/* Every tier's panels against what OpenBLAS made of the same matrices. */
static void check_panels(const problem *p, const float *a, int64_t lda, const float *b, int64_t ldb,
                         const float *start, const float *wanted, int64_t ldc)
{
    size_t bytes = (size_t)(p->m * ldc) * sizeof(float);
    double tolerance = 2e-5 * sqrt((double)p->k + 1);
    float *c = malloc(bytes);
    for (int t = 0; t < n_tiers; t++) {
        memcpy(c, start, bytes);
        pr_sgemm_panels(tier[t], p->ta, p->tb, p->m, p->n, p->k, p->alpha, a, lda, b, ldb, p->beta,
                        c, ldc);
        for (int64_t i = 0; i < p->m * ldc; i++) {
            if (i % ldc < p->n) {
                ck_assert_double_eq_tol((double)c[i], (double)wanted[i], tolerance);
            } else {
                ck_assert_float_eq(c[i], start[i]);
            }
        }
    }
    free(c);
}

/* Padding in every leading dimension, so that a wrong stride shows. */
static void check(prune_context *ctx, const problem *p)
{
    int64_t lda = (p->ta ? p->m : p->k) + 3, ldb = (p->tb ? p->k : p->n) + 5, ldc = p->n + 2;
    int64_t na = (p->ta ? p->k : p->m) * lda, nb = (p->tb ? p->n : p->k) * ldb, nc = p->m * ldc;
    float *a = malloc((size_t)na * sizeof *a + 1), *b = malloc((size_t)nb * sizeof *b + 1);
    float *c = malloc((size_t)nc * sizeof *c), *start = malloc((size_t)nc * sizeof *start);
    float *alone = malloc((size_t)nc * sizeof *alone);
    test_fill(a, na, 1);
    test_fill(b, nb, 2);
    test_fill(start, nc, 3);
    memcpy(c, start, (size_t)nc * sizeof *c);
    memcpy(alone, start, (size_t)nc * sizeof *c);
    pr_sgemm(ctx, p->ta, p->tb, p->m, p->n, p->k, p->alpha, a, lda, b, ldb, p->beta, c, ldc);
    pr_sgemm_serial(p->ta, p->tb, p->m, p->n, p->k, p->alpha, a, lda, b, ldb, p->beta, alone, ldc);
    double largest = 0, tolerance = 1e-5 * sqrt((double)p->k + 1);
    for (int64_t i = 0; i < p->m; i++) {
        for (int64_t j = 0; j < p->n; j++) {
            double sum = 0;
            for (int64_t l = 0; l < p->k; l++)
                sum += (double)a[p->ta ? l * lda + i : i * lda + l] *
                       (double)b[p->tb ? j * ldb + l : l * ldb + j];
            int64_t at = i * ldc + j;
            double wanted = (double)p->alpha * sum + (double)p->beta * (double)start[at];
            largest = fmax(largest, fabs((double)c[at] - wanted));
            largest = fmax(largest, fabs((double)alone[at] - wanted));
        }
        /* The padding stays as it was. */
        size_t padding = (size_t)(ldc - p->n) * sizeof *c;
        int64_t at = i * ldc + p->n;
        ck_assert_int_eq(memcmp(c + at, start + at, padding), 0);
    }
    ck_assert(largest < tolerance);
    check_panels(p, a, lda, b, ldb, start, alone, ldc);
    free(a);
    free(b);
    free(c);
    free(start);
    free(alone);
}

START_TEST(agrees_with_the_definition)
{
    static const int64_t sizes[][3] = {{1, 1, 1},     {1, 300, 70},  {300, 1, 70},
                                       {5, 7, 3},     {129, 65, 33}, {33, 260, 64},
                                       {260, 33, 64}, {17, 16, 0},   {50, 70, 300}};
    n_tiers = tiers(tier);
    for (int32_t threads = 1; threads <= 3; threads++) {
        prune_context *ctx = test_context(threads);
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
            for (int t = 0; t < 4; t++) {
                problem p = {sizes[s][0], sizes[s][1], sizes[s][2],       t & 1,
                             t & 2,       0.5f,        t == 3 ? 0 : 0.25f};
                check(ctx, &p);
            }
        prune_context_free(ctx);
    }
}
END_TEST

START_TEST(beta_zero_overwrites_nan)
{
    prune_context *ctx = test_context(2);
    float a[2] = {1, 2}, b[2] = {3, 4}, c[1] = {NAN};
    pr_sgemm(ctx, false, false, 1, 1, 2, 1, a, 2, b, 1, 0, c, 1);
    ck_assert(c[0] == 11);
    c[0] = NAN;
    pr_sgemm(ctx, false, false, 1, 1, 0, 1, a, 2, b, 1, 0, c, 1);
    ck_assert(c[0] == 0);
    pr_sgemm(ctx, false, false, 0, 1, 2, 1, a, 2, b, 1, 0, c, 1);
    ck_assert(c[0] == 0);
    for (int64_t k = 2; k >= 0; k -= 2) {
        const pr_kernels *kernels = pr_kernels_get(PR_ISA_PORTABLE);
        c[0] = NAN;
        pr_sgemm_panels(kernels, false, false, 1, 1, k, 1, a, 2, b, 1, 0, c, 1);
        ck_assert(c[0] == (k ? 11 : 0));
        pr_sgemm_panels(kernels, false, false, 0, 1, k, 1, a, 2, b, 1, 0, c, 1);
        ck_assert(c[0] == (k ? 11 : 0));
    }
    prune_context_free(ctx);
}
END_TEST

START_TEST(same_bytes_every_time)
{
    enum { M = 200, N = 190, K = 77 };
    static float a[M * K], b[K * N], first[M * N], again[M * N];
    prune_context *ctx = test_context(3);
    test_fill(a, M * K, 1);
    test_fill(b, K * N, 2);
    pr_sgemm(ctx, false, false, M, N, K, 1, a, K, b, N, 0, first, N);
    for (int round = 0; round < 50; round++) {
        pr_sgemm(ctx, false, false, M, N, K, 1, a, K, b, N, 0, again, N);
        ck_assert_int_eq(memcmp(first, again, sizeof first), 0);
    }
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("sgemm", agrees_with_the_definition, beta_zero_overwrites_nan, same_bytes_every_time)
