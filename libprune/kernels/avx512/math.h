/* Vector functions of sixteen floats and the epilogues made of them: the operations of avx2/math.h
 * in the same order, so that both give the same bits. */
#ifndef PR_KERNELS_AVX512_MATH_H
#define PR_KERNELS_AVX512_MATH_H

#include "libprune/kernels/intrinsics.h"
#include "libprune/kernels/kernels.h"

/* avx2/math.h's exp8. */
static inline __m512 exp16(__m512 x)
{
    const __m512 log2e = _mm512_set1_ps(1.44269504f), shift = _mm512_set1_ps(12582912.0f);
    x = _mm512_max_ps(_mm512_min_ps(x, _mm512_set1_ps(88.0f)), _mm512_set1_ps(-87.0f));
    __m512 shifted = _mm512_fmadd_ps(x, log2e, shift);
    __m512 f = _mm512_fmsub_ps(x, log2e, _mm512_sub_ps(shifted, shift));
    __m512 p = _mm512_set1_ps(1.53458095e-4f);
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.33999309e-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.61848907e-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.55032864e-2f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.240226462f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.693147182f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
    __m512i power = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), power));
}

/* avx2/math.h's gelu8 for `count` vectors, a constant up to 4: all take a step before any takes the
 * next, so that they do not wait for themselves. */
static inline __attribute__((always_inline)) void gelu_each(__m512 *y, int count)
{
    static const float coefficients[14] = {
        0.133392572f,   -0.0665182471f,  0.0492634587f,  -0.0395981483f,  0.0320959464f,
        -0.0252079647f, 0.018791547f,    -0.0135576101f, 0.00932789501f,  -0.0051161591f,
        0.00221148343f, -0.00178046455f, 0.00155692606f, -0.000521626731f};
    const __m512 limit = _mm512_set1_ps(5.3f), lowest = _mm512_set1_ps(-5.3f);
    const __m512 one = _mm512_set1_ps(1.0f), steep = _mm512_set1_ps(2.0f / (5.3f * 5.3f));
    const float *c = coefficients;
    __m512 t[4], v[4], p[4];
    PR_RELOAD(c);
    for (int j = 0; j < count; j++) {
        t[j] = _mm512_max_ps(_mm512_min_ps(y[j], limit), lowest);
        v[j] = _mm512_fmsub_ps(_mm512_mul_ps(t[j], t[j]), steep, one);
        p[j] = _mm512_set1_ps(c[13]);
    }
    for (int i = 12; i >= 0; i--) {
        for (int j = 0; j < count; j++) p[j] = _mm512_fmadd_ps(p[j], v[j], _mm512_set1_ps(c[i]));
    }
    for (int j = 0; j < count; j++) {
        const __m512 phi = _mm512_fmadd_ps(t[j], p[j], _mm512_set1_ps(0.5f));
        const __mmask16 above = _mm512_cmp_ps_mask(y[j], lowest, _CMP_GT_OQ);
        y[j] = _mm512_maskz_mul_ps(above, y[j], phi);
    }
}

static inline __attribute__((always_inline)) __m512 activate16(pr_activation act, float alpha,
                                                               __m512 y)
{
    const __m512 zero = _mm512_setzero_ps(), one = _mm512_set1_ps(1.0f);
    switch (act) {
    case PR_ACT_RELU:
        return _mm512_max_ps(y, zero);
    case PR_ACT_LEAKY_RELU:
        return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(y, zero, _CMP_GT_OQ),
                                    _mm512_mul_ps(y, _mm512_set1_ps(alpha)), y);
    case PR_ACT_ELU: {
        __m512 a = _mm512_set1_ps(alpha), positive = _mm512_max_ps(y, zero);
        __m512 e = _mm512_sub_ps(exp16(_mm512_min_ps(y, zero)), one);
        return _mm512_fmadd_ps(a, e, positive); /* one of the two is 0 */
    }
    case PR_ACT_GELU:
        gelu_each(&y, 1);
        return y;
    case PR_ACT_SIGMOID:
        return _mm512_div_ps(one, _mm512_add_ps(one, exp16(_mm512_sub_ps(zero, y))));
    default:
        return y;
    }
}

/* What the epilogue knows of sixteen columns, loaded once for all rows of a tile. */
typedef struct columns16 {
    __mmask16 mask; /* those that exist */
    __m512 scale, bias, gain;
    __m512 inv_scale, low, high; /* quantization: factor and bounds before the zero point */
    __m512i zero;
} columns16;

static inline columns16 columns_at(const pr_epilogue *e, int64_t c, int64_t columns)
{
    columns16 v;
    v.mask = (__mmask16)((1u << columns) - 1);
    v.bias = e->bias ? _mm512_loadu_ps(e->bias + c) : _mm512_setzero_ps();
    v.gain = e->gain ? _mm512_loadu_ps(e->gain + c) : _mm512_setzero_ps();
    v.scale = v.inv_scale = v.low = v.high = _mm512_setzero_ps();
    v.zero = _mm512_setzero_si512();
    if (e->out8) {
        __m512 zero = _mm512_loadu_ps(e->zero + c);
        v.inv_scale = _mm512_loadu_ps(e->inv_scale + c);
        v.low = _mm512_sub_ps(_mm512_set1_ps(-127.0f), zero);
        v.high = _mm512_sub_ps(_mm512_set1_ps(127.0f), zero);
        v.zero = _mm512_cvtps_epi32(zero);
    }
    return v;
}

/* One row of the columns from c, y after scale and bias. Masks leave alone what does not exist. */
static inline void finish_row16(const pr_epilogue *e, const columns16 *v, int64_t r, int64_t c,
                                __m512 y)
{
    if (e->place) r = e->place[r];
    if (e->gain) y = _mm512_mul_ps(y, v->gain);
    if (e->act != PR_ACT_NONE) y = activate16(e->act, e->alpha, y);
    if (e->residual) {
        const float *from = e->residual + r * e->residual_stride + c;
        y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(v->mask, from));
    }
    if (e->late != PR_ACT_NONE) y = activate16(e->late, e->late_alpha, y);
    if (e->out) _mm512_mask_storeu_ps(e->out + r * e->out_stride + c, v->mask, y);
    if (e->out8) {
        if (e->relu8) y = _mm512_max_ps(y, _mm512_setzero_ps());
        y = _mm512_mul_ps(y, v->inv_scale);
        y = _mm512_min_ps(_mm512_max_ps(y, v->low), v->high);
        __m512i q = _mm512_add_epi32(_mm512_cvtps_epi32(y), v->zero);
        _mm_mask_storeu_epi8(e->out8 + r * e->out8_stride + c, v->mask, _mm512_cvtepi32_epi8(q));
    }
}

/* Row i of sixteen columns of sums, int32 or float, after scale (integer.h) and bias. */
static inline __attribute__((always_inline)) __m512 sums_row16(const pr_epilogue *e,
                                                               const columns16 *v, int64_t r,
                                                               const void *sums, int64_t i,
                                                               bool integers)
{
    if (!integers) return _mm512_add_ps(_mm512_loadu_ps((const float *)sums + i), v->bias);
    __m512 scale = v->scale;
    if (e->row_scale) scale = _mm512_mul_ps(_mm512_set1_ps(e->row_scale[r]), scale);
    const __m512i sum = _mm512_loadu_si512((const void *)((const int32_t *)sums + i));
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), scale, v->bias);
}

/* Rows of up to sixteen columns of sums, `stride` elements apart. */
static inline __attribute__((always_inline)) void finish_rows16(const pr_epilogue *e, int64_t r,
                                                                int64_t rows, int64_t c,
                                                                int64_t columns, const void *sums,
                                                                int64_t stride, bool integers)
{
    columns16 v = columns_at(e, c, columns);
    if (integers) v.scale = _mm512_loadu_ps(e->scale + c);
    for (int64_t i = 0; i < rows; i++)
        finish_row16(e, &v, r + i, c, sums_row16(e, &v, r + i, sums, i * stride, integers));
}

/* Nothing but GELU and a store. */
static inline __attribute__((always_inline)) void finish_gelu16(const pr_epilogue *e, int64_t r,
                                                                int64_t rows, int64_t c,
                                                                int64_t columns, const void *sums,
                                                                int64_t stride, bool integers)
{
    columns16 v = columns_at(e, c, columns);
    float *out = e->out + r * e->out_stride + c;
    if (integers) v.scale = _mm512_loadu_ps(e->scale + c);
    int64_t i = 0;
    for (; i + 4 <= rows; i += 4) {
        __m512 y[4];
        for (int j = 0; j < 4; j++)
            y[j] = sums_row16(e, &v, r + i + j, sums, (i + j) * stride, integers);
        gelu_each(y, 4);
        for (int j = 0; j < 4; j++)
            _mm512_mask_storeu_ps(out + (i + j) * e->out_stride, v.mask, y[j]);
    }
    for (; i < rows; i++) {
        __m512 y = sums_row16(e, &v, r + i, sums, i * stride, integers);
        gelu_each(&y, 1);
        _mm512_mask_storeu_ps(out + i * e->out_stride, v.mask, y);
    }
}

/* The same for the epilogues that take the time, with what they lack known when this is compiled:
 * linear layers and attention; layers with GELU; convolutions between bytes. A copy that nobody
 * else sees need not be read again after each store. */
static inline __attribute__((always_inline)) void finish16(const pr_epilogue *e, int64_t r,
                                                           int64_t rows, int64_t c, int64_t columns,
                                                           const void *sums, int64_t stride,
                                                           bool integers)
{
    pr_epilogue own = *e;
    const bool simple = !e->place && !e->gain && e->late == PR_ACT_NONE;
    if (simple) {
        own.place = NULL;
        own.gain = NULL;
        own.late = PR_ACT_NONE;
    }
    if (simple && e->act == PR_ACT_NONE && !e->out8) {
        own.act = PR_ACT_NONE;
        own.out8 = NULL;
        finish_rows16(&own, r, rows, c, columns, sums, stride, integers);
    } else if (simple && e->act == PR_ACT_GELU && !e->out8 && !e->residual) {
        own.out8 = NULL;
        finish_gelu16(&own, r, rows, c, columns, sums, stride, integers);
    } else if (simple && e->act == PR_ACT_NONE) {
        own.act = PR_ACT_NONE;
        finish_rows16(&own, r, rows, c, columns, sums, stride, integers);
    } else {
        finish_rows16(e, r, rows, c, columns, sums, stride, integers);
    }
}

static inline void finish16_i32(const pr_epilogue *e, int64_t r, int64_t rows, int64_t c,
                                int64_t columns, const int32_t *sums, int64_t stride)
{
    finish16(e, r, rows, c, columns, sums, stride, true);
}

static inline void finish16_f32(const pr_epilogue *e, int64_t r, int64_t rows, int64_t c,
                                int64_t columns, const float *sums, int64_t stride)
{
    finish16(e, r, rows, c, columns, sums, stride, false);
}

#endif
