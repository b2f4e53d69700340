/* Dense linear algebra in double precision, for closed-form fits. Matrices are row-major. Every
 * function runs on the calling thread alone, so that bodies of pr_parallel may use them. */
#ifndef PR_KERNELS_DENSE_H
#define PR_KERNELS_DENSE_H

#include "libprune/base/context.h"

/* Lower triangle of the symmetric n x n matrix c += x^T x for rows x [m, n], summed in float into
 * scratch [n, n] first. */
void pr_gram_add(int64_t m, int64_t n, const float *x, float *scratch, double *c);
/* Copies the lower triangle of a [n, n] to the upper one. */
void pr_mirror_lower(int64_t n, double *a);

/* C = alpha op(A) op(B) + beta C; op(A) is m x k, op(B) is k x n. */
void pr_dgemm_serial(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, double alpha,
                     const double *a, int64_t lda, const double *b, int64_t ldb, double beta,
                     double *c, int64_t ldc);

/* a = L L^T in place (lower triangle; the upper one is left alone). False when a is not positive
 * definite. */
bool pr_cholesky(int64_t n, double *a);
/* B [n, m] <- a^-1 B, with the factor L of a. */
void pr_cholesky_solve(int64_t n, int64_t m, const double *l, double *b);
/* a <- a^-1 in place, both triangles. False when a is not positive definite. */
bool pr_spd_inverse(int64_t n, double *a);

#endif
