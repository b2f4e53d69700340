/* The portable tier: plain C that every machine runs, and the meaning of the other tiers. */
#include "libprune/kernels/kernels.h"

#include "libprune/kernels/bf16.h"
#include "libprune/kernels/integer.h"
#include "libprune/kernels/peak.h"

#include <string.h>

enum { LANES = 4 };

static float activate1(pr_activation act, float alpha, float y)
{
    switch (act) {
    case PR_ACT_RELU:
        return y > 0.0f ? y : 0.0f;
    case PR_ACT_LEAKY_RELU:
        return y > 0.0f ? y : y * alpha;
    case PR_ACT_ELU:
        return y > 0.0f ? y : alpha * expm1f(y);
    case PR_ACT_GELU:
        return 0.5f * y * erfcf(-0.70710678f * y);
    case PR_ACT_SIGMOID:
        return 1.0f / (1.0f + expf(-y));
    default:
        return y;
    }
}

/* What follows the bias, for one value. */
static void finish(const pr_epilogue *e, int64_t r, int64_t c, float y)
{
    if (e->place) r = e->place[r];
    if (e->gain) y *= e->gain[c];
    y = activate1(e->act, e->alpha, y);
    if (e->residual) y += e->residual[r * e->residual_stride + c];
    y = activate1(e->late, e->late_alpha, y);
    if (e->out) e->out[r * e->out_stride + c] = y;
    if (e->out8) {
        if (e->relu8) y = y > 0.0f ? y : 0.0f;
        e->out8[r * e->out8_stride + c] = pr_quantize_s8(y, e->inv_scale[c], (int8_t)e->zero[c]);
    }
}

static void finish_sum(const pr_epilogue *e, int64_t r, int64_t c, int32_t sum)
{
    float scale = e->row_scale ? e->row_scale[r] * e->scale[c] : e->scale[c];
    finish(e, r, c, pr_dequantize_acc(sum, scale, e->bias ? e->bias[c] : 0.0f));
}

static void f32_panel(int64_t m, const float *a, int64_t lda, const pr_packed *b,
                      const pr_epilogue *e, int64_t row)
{
    const float *block = b->data;
    for (int64_t c = 0; c < b->n;) {
        int64_t wide = pr_block_columns(b->n - c, LANES);
        int64_t columns = b->n - c < wide ? b->n - c : wide;
        for (int64_t i = 0; i < m; i++) {
            float y[2 * LANES] = {0};
            for (int64_t p = 0; p < b->k; p++) {
                for (int64_t j = 0; j < wide; j++) y[j] += a[i * lda + p] * block[p * wide + j];
            }
            for (int64_t j = 0; j < columns; j++) {
                finish(e, row + i, c + j, y[j] + (e->bias ? e->bias[c + j] : 0.0f));
            }
        }
        block += wide * b->k_padded;
        c += wide;
    }
}

static void bf16_round(const float *x, float *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) y[i] = pr_float_of_bf16(pr_bf16_of(x[i]));
}

static void i8_widen(void *to, const int8_t *from, int64_t count)
{
    memcpy(to, from, (size_t)count);
}

static void f32_gather(float *to, int64_t to_stride, const float *line, const int32_t *offset,
                       int64_t step, int64_t rows, int64_t taps, int64_t run, const float *fill)
{
    for (int64_t r = 0; r < rows; r++, offset += step, to += to_stride) {
        for (int64_t t = 0; t < taps; t++) {
            memcpy(to + t * run, offset[t] < 0 ? fill : line + offset[t], (size_t)run * sizeof *to);
        }
    }
}

static void i8_gather(void *to, int64_t to_stride, const int8_t *line, const int32_t *offset,
                      int64_t step, int64_t rows, int64_t taps, int64_t run, const int8_t *fill)
{
    int8_t *out = to;
    for (int64_t r = 0; r < rows; r++, offset += step, out += to_stride) {
        for (int64_t t = 0; t < taps; t++) {
            memcpy(out + t * run, offset[t] < 0 ? fill : line + offset[t], (size_t)run);
        }
    }
}

static void i8_panel(int64_t m, const void *a, int64_t lda, const pr_packed *b,
                     const pr_epilogue *e, int64_t row)
{
    const int8_t *from = a, *block = b->data;
    for (int64_t c = 0; c < b->n;) {
        int64_t wide = pr_block_columns(b->n - c, LANES);
        int64_t columns = b->n - c < wide ? b->n - c : wide;
        for (int64_t i = 0; i < m; i++) {
            int32_t sum[2 * LANES] = {0};
            for (int64_t p = 0; p < b->k_padded; p++) {
                int16_t x = from[i * lda + p];
                for (int64_t j = 0; j < wide; j++) sum[j] += x * (int16_t)block[p * wide + j];
            }
            for (int64_t j = 0; j < columns; j++) finish_sum(e, row + i, c + j, sum[j]);
        }
        block += wide * b->k_padded;
        c += wide;
    }
}

static void activate(pr_activation act, float alpha, const float *x, float *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) y[i] = activate1(act, alpha, x[i]);
}

static void add(const float *a, const float *b, float *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) y[i] = a[i] + b[i];
}

static void layer_norm(int64_t rows, int64_t width, int64_t norm_width, float epsilon,
                       const float *x, int64_t x_stride, const float *weight, const float *bias,
                       float *y, int64_t y_stride)
{
    for (int64_t r = 0; r < rows; r++, x += x_stride, y += y_stride) {
        double sum = 0, squares = 0;
        for (int64_t i = 0; i < width; i++) sum += (double)x[i];
        double mean = sum / (double)norm_width;
        for (int64_t i = 0; i < width; i++) {
            squares += ((double)x[i] - mean) * ((double)x[i] - mean);
        }
        squares += (double)(norm_width - width) * mean * mean;
        double inverse = 1.0 / sqrt(squares / (double)norm_width + (double)epsilon);
        for (int64_t i = 0; i < width; i++) {
            y[i] = (float)(((double)x[i] - mean) * inverse) * weight[i] + (bias ? bias[i] : 0.0f);
        }
    }
}

static void quantize(int64_t rows, int64_t n, const float *x, int64_t x_stride,
                     const float *inv_scale, const float *zero, bool relu, int8_t *q,
                     int64_t q_stride)
{
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t i = 0; i < n; i++) {
            float v = x[r * x_stride + i];
            if (relu && !(v > 0.0f)) v = 0.0f;
            q[r * q_stride + i] = pr_quantize_s8(v, inv_scale[i], (int8_t)zero[i]);
        }
    }
}

static void quantize_rows(int64_t rows, int64_t n, const float *x, int64_t x_stride, bool relu,
                          int8_t *q, int64_t q_stride, float *row_scale)
{
    for (int64_t r = 0; r < rows; r++, x += x_stride, q += q_stride) {
        float largest = 0.0f;
        for (int64_t i = 0; i < n; i++) {
            float v = relu ? x[i] : fabsf(x[i]);
            largest = v > largest ? v : largest;
        }
        pr_row_scale row = pr_row_scale_from(largest);
        row_scale[r] = row.scale;
        for (int64_t i = 0; i < n; i++) {
            float v = relu && !(x[i] > 0.0f) ? 0.0f : x[i];
            q[i] = pr_quantize_s8(v, row.inv_scale, 0);
        }
    }
}

static void resize_row(int64_t width, int64_t channels, const float *top, const float *bottom,
                       float wy, const int32_t *x0, const int32_t *x1, const float *wx, float *y)
{
    for (int64_t x = 0; x < width; x++, y += channels) {
        const float *a = top + x0[x] * channels, *b = top + x1[x] * channels;
        const float *c = bottom + x0[x] * channels, *d = bottom + x1[x] * channels;
        for (int64_t i = 0; i < channels; i++) {
            float upper = a[i] + (b[i] - a[i]) * wx[x], lower = c[i] + (d[i] - c[i]) * wx[x];
            y[i] = upper + (lower - upper) * wy;
        }
    }
}

static float max_row(const float *s, int64_t n)
{
    float largest = s[0];
    for (int64_t i = 1; i < n; i++) largest = s[i] > largest ? s[i] : largest;
    return largest;
}

static float exp2_row(float *s, int64_t n, float largest)
{
    float sum = 0.0f;
    for (int64_t i = 0; i < n; i++) sum += s[i] = exp2f(s[i] - largest);
    return sum;
}

static int32_t weigh_row(const float *s, int64_t n, float factor, float largest, int16_t *p)
{
    int32_t sum = 0;
    for (int64_t i = 0; i < n; i++) {
        const float weight = exp2f(fmaf(s[i], factor, -largest)) * 32767.0f;
        p[i] = (int16_t)pr_round_even(fmaxf(weight, 0.0f)); /* of a NaN: 0, and not undefined */
        sum += p[i];
    }
    return sum;
}

/* Blocks of [k / 2][columns][2]. */
static void i16_panel(int64_t m, const void *a, int64_t lda, const pr_packed *b,
                      const pr_epilogue *e, int64_t row)
{
    const int16_t *from = a, *block = b->data;
    for (int64_t c = 0; c < b->n;) {
        int64_t wide = pr_block_columns(b->n - c, LANES);
        int64_t columns = b->n - c < wide ? b->n - c : wide;
        for (int64_t i = 0; i < m; i++) {
            int32_t sum[2 * LANES] = {0};
            for (int64_t p = 0; p < b->k_padded; p++) {
                const int16_t *w =
                    block + p / PR_I16_DEPTH * wide * PR_I16_DEPTH + p % PR_I16_DEPTH;
                int32_t x = from[i * lda + p];
                for (int64_t j = 0; j < wide; j++) sum[j] += x * w[j * PR_I16_DEPTH];
            }
            for (int64_t j = 0; j < columns; j++) finish_sum(e, row + i, c + j, sum[j]);
        }
        block += wide * b->k_padded;
        c += wide;
    }
}

static void scale_row(const float *x, float factor, float *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) y[i] = x[i] * factor;
}

const pr_kernels pr_kernels_portable = {.name = "portable",
                                        .f32_lanes = LANES,
                                        .f32_panel = f32_panel,
                                        .bf16_round = bf16_round,
                                        .i8_lanes = LANES,
                                        .i8_depth = 1,
                                        .i8_bytes = 1,
                                        .i8_widen = i8_widen,
                                        .i8_panel = i8_panel,
                                        .f32_gather = f32_gather,
                                        .i8_gather = i8_gather,
                                        .activate = activate,
                                        .add = add,
                                        .layer_norm = layer_norm,
                                        .quantize = quantize,
                                        .quantize_rows = quantize_rows,
                                        .resize_row = resize_row,
                                        .max_row = max_row,
                                        .exp2_row = exp2_row,
                                        .scale_row = scale_row,
                                        .weigh_row = weigh_row,
                                        .i16_lanes = LANES,
                                        .i16_panel = i16_panel,
                                        PR_PORTABLE_PEAKS};
