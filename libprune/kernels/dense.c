#include "libprune/kernels/dense.h"

#include "libprune/kernels/sgemm.h"

#include <cblas.h>

/* LAPACK of the same OpenBLAS. Column-major: a row-major lower triangle is its upper one. */
void dpotrf_(const char *uplo, const blasint *n, double *a, const blasint *lda, blasint *info);
void dpotri_(const char *uplo, const blasint *n, double *a, const blasint *lda, blasint *info);

/* OpenBLAS is told to use one thread by the first product. */
static void settle(void)
{
    float one = 1, product = 0;
    pr_sgemm_serial(false, false, 1, 1, 1, 1, &one, 1, &one, 1, 0, &product, 1);
}

void pr_gram_add(int64_t m, int64_t n, const float *x, float *scratch, double *c)
{
    settle();
    cblas_ssyrk(CblasRowMajor, CblasLower, CblasTrans, (blasint)n, (blasint)m, 1, x, (blasint)n, 0,
                scratch, (blasint)n);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) c[i * n + j] += (double)scratch[i * n + j];
}

void pr_mirror_lower(int64_t n, double *a)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++) a[j * n + i] = a[i * n + j];
}

void pr_dgemm_serial(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, double alpha,
                     const double *a, int64_t lda, const double *b, int64_t ldb, double beta,
                     double *c, int64_t ldc)
{
    if (m <= 0 || n <= 0) return;
    settle();
    cblas_dgemm(CblasRowMajor, trans_a ? CblasTrans : CblasNoTrans,
                trans_b ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, alpha, a,
                (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
}

bool pr_cholesky(int64_t n, double *a)
{
    const blasint size = (blasint)n;
    blasint info = 0;
    settle();
    dpotrf_("U", &size, a, &size, &info);
    return info == 0;
}

void pr_cholesky_solve(int64_t n, int64_t m, const double *l, double *b)
{
    if (m <= 0) return;
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (blasint)n,
                (blasint)m, 1, l, (blasint)n, b, (blasint)m);
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, (blasint)n,
                (blasint)m, 1, l, (blasint)n, b, (blasint)m);
}

bool pr_spd_inverse(int64_t n, double *a)
{
    const blasint size = (blasint)n;
    blasint info = 0;
    if (!pr_cholesky(n, a)) return false;
    dpotri_("U", &size, a, &size, &info);
    pr_mirror_lower(n, a);
    return info == 0;
}
