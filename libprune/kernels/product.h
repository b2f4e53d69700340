/* Products that gradients are made of. */
#ifndef PR_KERNELS_PRODUCT_H
#define PR_KERNELS_PRODUCT_H

#include "libprune/kernels/kernels.h"

/* out[m, n] += A[m, k] B[k, n]. Dealt out to the pool by rows of the result, or by a fixed number
 * of slices of k where the result has few rows: the sums do not depend on the number of threads. */
typedef struct pr_product {
    int64_t m, n, k;
    const float *a; /* [m, k], or [k, m] when a_transposed */
    int64_t lda;
    bool a_transposed;
    const float *b; /* [k, n]; not needed with rows_of_b */
    int64_t ldb;
    /* Where B exists only in parts (patches of an image): writes its rows [begin, end), n floats
     * each, to `to`. Called from several threads. */
    void (*rows_of_b)(void *user, int64_t begin, int64_t end, float *to);
    void *user;
    float *out; /* NULL: only a_sums are wanted */
    int64_t ldo;
    float *a_sums; /* or NULL; [m], with a_transposed: receives += sum over k of A[m, k] */
} pr_product;

prune_status pr_product_f32(prune_context *ctx, const pr_product *p);

#endif
