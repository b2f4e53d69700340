#include "libprune/kernels/train_loops.h"

#include <math.h>

enum { TILE = 8 };

static void transpose(int64_t rows, int64_t columns, const float *x, int64_t ldx, float *y,
                      int64_t ldy)
{
    for (int64_t r0 = 0; r0 < rows; r0 += TILE) {
        const int64_t last = r0 + TILE < rows ? r0 + TILE : rows;
        for (int64_t c = 0; c < columns; c++)
            for (int64_t r = r0; r < last; r++) y[c * ldy + r] = x[r * ldx + c];
    }
}

static void softmax_row(int64_t count, const float *log_sum, const float *dot, float *p, float *ds)
{
    for (int64_t i = 0; i < count; i++) {
        p[i] = expf(p[i] - log_sum[i]);
        ds[i] = p[i] * (ds[i] - dot[i]);
    }
}

/* gelu(x) = x Phi(x), so gelu' = Phi + x phi. */
static void gelu_slope(const float *x, const float *dy, float *dx, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        const float phi = 0.5f * erfcf(-0.70710678f * x[i]);
        dx[i] += dy[i] * (phi + x[i] * 0.39894228f * expf(-0.5f * x[i] * x[i]));
    }
}

const pr_train_kernels pr_train_kernels_portable = {.name = "portable",
                                                    .transpose = transpose,
                                                    .softmax_row = softmax_row,
                                                    .gelu_slope = gelu_slope,
                                                    PR_TRAIN_LOOPS};
