/* Integer matrix product as the interpreter's exact mode computes it: plain C, exact int32. */
#ifndef PR_KERNELS_IGEMM_H
#define PR_KERNELS_IGEMM_H

#include "libprune/base/context.h"

/* c[i, o] = sum_k a[i, k] * w[o, k]. a is m x k (row stride lda), w is n x k without gaps, c is
 * m x n (row stride ldc). Split over rows on the context's pool. Sums fit int32 for
 * k <= 133143 = (2^31 - 1) / 127^2. */
void pr_igemm_portable(prune_context *ctx, int64_t m, int64_t n, int64_t k, const int8_t *a,
                       int64_t lda, const int8_t *w, int32_t *c, int64_t ldc);
/* The same on the calling thread alone, for use inside pr_parallel bodies. */
void pr_igemm_portable_serial(int64_t m, int64_t n, int64_t k, const int8_t *a, int64_t lda,
                              const int8_t *w, int32_t *c, int64_t ldc);

#endif
