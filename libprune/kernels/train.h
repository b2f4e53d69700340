/* What backward passes need beside matrix products: a table of its own, one row per tier that has
 * something better than portable C. */
#ifndef PR_KERNELS_TRAIN_H
#define PR_KERNELS_TRAIN_H

#include "libprune/kernels/kernels.h"

typedef struct pr_train_kernels {
    const char *name;
    /* y[c, r] = x[r, c]; leading dimensions in floats. */
    void (*transpose)(int64_t rows, int64_t columns, const float *x, int64_t ldx, float *y,
                      int64_t ldy);
    float (*sum_row)(const float *x, int64_t count);
    float (*dot_row)(const float *x, const float *y, int64_t count);
    /* Of attention: p = exp(p - log_sum), ds = p * (ds - dot), elementwise. */
    void (*softmax_row)(int64_t count, const float *log_sum, const float *dot, float *p, float *ds);
} pr_train_kernels;

/* The row for a tier, or that of the next lower one. */
const pr_train_kernels *pr_train_kernels_get(pr_isa isa);

extern const pr_train_kernels pr_train_kernels_portable;
extern const pr_train_kernels pr_train_kernels_avx2;

#endif
