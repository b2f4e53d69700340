/* FP32 matrix product of interpreter and training: OpenBLAS, one thread per call, our pool. The
 * runtime (-DPRUNE_RUNTIME_ONLY=ON) has no OpenBLAS: there it is the product over panels. */
#ifndef PR_KERNELS_SGEMM_H
#define PR_KERNELS_SGEMM_H

#include "libprune/base/context.h"

struct pr_kernels;

/* C = alpha * op(A) * op(B) + beta * C, row-major. op(A) is m x k, op(B) is k x n. Split over m or
 * n by size and thread count only, so the same machine and thread count give the same bytes. */
void pr_sgemm(prune_context *ctx, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k,
              float alpha, const float *a, int64_t lda, const float *b, int64_t ldb, float beta,
              float *c, int64_t ldc);
/* The same on the calling thread alone, for use inside pr_parallel bodies. */
void pr_sgemm_serial(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha,
                     const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                     int64_t ldc);

/* The same with the panel kernels of a tier (kernels.h), in blocks that lie on the stack (56 KB).
 */
void pr_sgemm_panels(const struct pr_kernels *kernels, bool trans_a, bool trans_b, int64_t m,
                     int64_t n, int64_t k, float alpha, const float *a, int64_t lda, const float *b,
                     int64_t ldb, float beta, float *c, int64_t ldc);

/* c *= factor; 0 overwrites: whatever was there, NaN included, does not matter. */
void pr_matrix_scale(int64_t m, int64_t n, float factor, float *c, int64_t ldc);

#endif
