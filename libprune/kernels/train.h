/* What backward passes need beside matrix products: a table of its own, one row per tier that has
 * something better than portable C. */
#ifndef PR_KERNELS_TRAIN_H
#define PR_KERNELS_TRAIN_H

#include "libprune/kernels/kernels.h"

/* One step of AdamW (Loshchilov and Hutter 2019) on consecutive numbers: g = clip gradient,
 * m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g g,
 * weight = shrink weight - rate m / (root_scale sqrt(v) + epsilon), and
 * average += (1 - keep) (weight - average), where there is one. */
typedef struct pr_adamw_update {
    float *weight, *first, *second, *average;
    const float *gradient;
    float clip, beta1, beta2, shrink, rate, root_scale, epsilon, keep;
} pr_adamw_update;

typedef struct pr_train_kernels {
    const char *name;
    /* y[c, r] = x[r, c]; leading dimensions in floats. */
    void (*transpose)(int64_t rows, int64_t columns, const float *x, int64_t ldx, float *y,
                      int64_t ldy);
    float (*sum_row)(const float *x, int64_t count);
    float (*dot_row)(const float *x, const float *y, int64_t count);
    void (*add_row)(const float *x, float *y, int64_t count); /* y += x */
    double (*squares_row)(const float *x, int64_t count);     /* sum of x * x */
    /* Of attention: p = exp(p - log_sum), ds = p * (ds - dot), elementwise. */
    void (*softmax_row)(int64_t count, const float *log_sum, const float *dot, float *p, float *ds);
    /* dx += dy * gelu'(x), elementwise. */
    void (*gelu_slope)(const float *x, const float *dy, float *dx, int64_t count);
    /* y += x * weight, and sums += x * with: one row of the operator scale. */
    void (*scale_slope)(const float *dy, const float *x, const float *weight, float *dx,
                        float *d_weight, int64_t count);
    /* Rows of layer_norm (kernels.h); dx may be NULL, all others are added to. */
    void (*layer_norm_slope)(int64_t rows, int64_t width, int64_t norm_width, float epsilon,
                             const float *x, const float *weight, const float *dy, float *dx,
                             float *d_weight, float *d_bias);
    void (*adamw)(const pr_adamw_update *u, int64_t count);
} pr_train_kernels;

/* The row for a tier, or that of the next lower one. */
const pr_train_kernels *pr_train_kernels_get(pr_isa isa);

extern const pr_train_kernels pr_train_kernels_portable;
extern const pr_train_kernels pr_train_kernels_avx2;

#endif
