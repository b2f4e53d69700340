/* Loops of the backward passes, in C that compilers turn into vector code: each tier's train.c
 * includes this and is compiled with that tier's instructions. */
#ifndef PR_KERNELS_TRAIN_LOOPS_H
#define PR_KERNELS_TRAIN_LOOPS_H

#include "libprune/kernels/train.h"

#include <math.h>

/* Sums run in this many chains side by side, whatever the tier. */
enum { PR_CHAINS = 32 };

static inline float add_chains(const float *chain)
{
    float sum = 0.0f;
    for (int j = 0; j < PR_CHAINS; j++) sum += chain[j];
    return sum;
}

static float sum_row(const float *x, int64_t count)
{
    float chain[PR_CHAINS] = {0};
    int64_t i = 0;
    for (; i + PR_CHAINS <= count; i += PR_CHAINS)
        for (int j = 0; j < PR_CHAINS; j++) chain[j] += x[i + j];
    for (; i < count; i++) chain[0] += x[i];
    return add_chains(chain);
}

static float dot_row(const float *x, const float *y, int64_t count)
{
    float chain[PR_CHAINS] = {0};
    int64_t i = 0;
    for (; i + PR_CHAINS <= count; i += PR_CHAINS)
        for (int j = 0; j < PR_CHAINS; j++) chain[j] += x[i + j] * y[i + j];
    for (; i < count; i++) chain[0] += x[i] * y[i];
    return add_chains(chain);
}

static void add_row(const float *restrict x, float *restrict y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) y[i] += x[i];
}

static double squares_row(const float *x, int64_t count)
{
    double chain[PR_CHAINS] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + PR_CHAINS <= count; i += PR_CHAINS)
        for (int j = 0; j < PR_CHAINS; j++) chain[j] += (double)x[i + j] * (double)x[i + j];
    for (; i < count; i++) chain[0] += (double)x[i] * (double)x[i];
    for (int j = 0; j < PR_CHAINS; j++) sum += chain[j];
    return sum;
}

static void scale_slope(const float *restrict dy, const float *restrict x,
                        const float *restrict weight, float *restrict dx, float *restrict d_weight,
                        int64_t count)
{
    for (int64_t i = 0; dx && i < count; i++) dx[i] += dy[i] * weight[i];
    for (int64_t i = 0; d_weight && i < count; i++) d_weight[i] += dy[i] * x[i];
}

/* Sum of (x - mean)^2. */
static inline float deviations(const float *x, float mean, int64_t count)
{
    float chain[PR_CHAINS] = {0};
    int64_t i = 0;
    for (; i + PR_CHAINS <= count; i += PR_CHAINS)
        for (int j = 0; j < PR_CHAINS; j++) chain[j] += (x[i + j] - mean) * (x[i + j] - mean);
    for (; i < count; i++) chain[0] += (x[i] - mean) * (x[i] - mean);
    return add_chains(chain);
}

/* With h = (x - mean) * inverse, g = dy * weight, W = norm_width and sums over the channels there,
 *   dx = inverse * (g - sum(g) / W - h * sum(g * h) / W).
 * It holds for W > width as well: d(var)/dx_c = 2 (x_c - mean) / W, because the sum of x - mean
 * over all W counted channels, the zeros included, vanishes. */
static inline void layer_norm_row(int64_t width, float norm_width, float epsilon,
                                  const float *restrict x, const float *restrict weight,
                                  const float *restrict dy, float *restrict dx,
                                  float *restrict d_weight, float *restrict d_bias)
{
    const float mean = sum_row(x, width) / norm_width;
    const float removed = (norm_width - (float)width) * mean * mean;
    const float variance = (deviations(x, mean, width) + removed) / norm_width;
    const float inverse = 1.0f / sqrtf(variance + epsilon);
    float g_chain[PR_CHAINS] = {0}, h_chain[PR_CHAINS] = {0};
    for (int64_t i = 0; i < width; i += PR_CHAINS) {
        const int64_t some = width - i < PR_CHAINS ? width - i : PR_CHAINS;
        for (int64_t j = 0; j < some; j++) {
            const float h = (x[i + j] - mean) * inverse, g = dy[i + j] * weight[i + j];
            g_chain[j] += g;
            h_chain[j] += g * h;
            d_weight[i + j] += dy[i + j] * h;
            d_bias[i + j] += dy[i + j];
        }
    }
    const float a = add_chains(g_chain) / norm_width, b = add_chains(h_chain) / norm_width;
    for (int64_t i = 0; dx && i < width; i++)
        dx[i] += inverse * (dy[i] * weight[i] - a - (x[i] - mean) * inverse * b);
}

static void layer_norm_slope(int64_t rows, int64_t width, int64_t norm_width, float epsilon,
                             const float *x, const float *weight, const float *dy, float *dx,
                             float *d_weight, float *d_bias)
{
    for (int64_t r = 0; r < rows; r++)
        layer_norm_row(width, (float)norm_width, epsilon, x + r * width, weight, dy + r * width,
                       dx ? dx + r * width : NULL, d_weight, d_bias);
}

static void adamw(const pr_adamw_update *u, int64_t count)
{
    const pr_adamw_update s = *u;
    float *restrict weight = s.weight, *restrict first = s.first, *restrict second = s.second;
    float *restrict average = s.average;
    const float *restrict gradient = s.gradient;
    for (int64_t i = 0; i < count; i++) {
        const float g = gradient[i] * s.clip;
        const float m = s.beta1 * first[i] + (1 - s.beta1) * g;
        const float v = s.beta2 * second[i] + (1 - s.beta2) * g * g;
        first[i] = m;
        second[i] = v;
        const float root = sqrtf(v) * s.root_scale + s.epsilon;
        weight[i] = weight[i] * s.shrink - s.rate * m / root;
    }
    for (int64_t i = 0; average && i < count; i++)
        average[i] += (1 - s.keep) * (weight[i] - average[i]);
}

#define PR_TRAIN_LOOPS                                                                             \
    .sum_row = sum_row, .dot_row = dot_row, .add_row = add_row, .squares_row = squares_row,        \
    .scale_slope = scale_slope, .layer_norm_slope = layer_norm_slope, .adamw = adamw

#endif
