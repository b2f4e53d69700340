/* Vector functions of eight floats; shared by the AVX2 kernels and, through them, by AVX-512. */
#ifndef PR_KERNELS_AVX2_MATH_H
#define PR_KERNELS_AVX2_MATH_H

#include "libprune/kernels/intrinsics.h"
#include "libprune/kernels/kernels.h"

#include <math.h>

/* All bits of the first `count` of eight lanes. */
static inline __m256i lanes_below(int64_t count)
{
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int32_t)count), lanes);
}

/* exp(x) = 2^i * 2^f with x log2(e) = i + f, f in [-1/2, 1/2]; 2^f by a polynomial fitted for the
 * least largest relative error (Lawson's iteration; 2e-9, 2e-7 with rounding for |x| < 10, 1.3e-6
 * at the ends). x is clamped to [-87, 88], so 2^i never needs denormals. Adding 1.5 * 2^23 rounds
 * to the integer i and leaves it in the low bits. */
static inline __m256 exp8(__m256 x)
{
    const __m256 log2e = _mm256_set1_ps(1.44269504f), shift = _mm256_set1_ps(12582912.0f);
    x = _mm256_max_ps(_mm256_min_ps(x, _mm256_set1_ps(88.0f)), _mm256_set1_ps(-87.0f));
    __m256 shifted = _mm256_fmadd_ps(x, log2e, shift);
    __m256 f = _mm256_fmsub_ps(x, log2e, _mm256_sub_ps(shifted, shift));
    __m256 p = _mm256_set1_ps(1.53458095e-4f);
    p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(1.33999309e-3f));
    p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(9.61848907e-3f));
    p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(5.55032864e-2f));
    p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0.240226462f));
    p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0.693147182f));
    p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(1.0f));
    __m256i power = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), power));
}

/* y Phi(y) with Phi(y) = 1/2 + y P(v), v = 2 y^2 / L^2 - 1, for |y| <= L = 5.3; P of degree 13
 * fitted for the least largest error of the result (2e-7, 1e-6 with rounding); beyond L it is 0
 * or y. */
static inline __m256 gelu8(__m256 y)
{
    static const float coefficients[14] = {
        0.133392572f,   -0.0665182471f,  0.0492634587f,  -0.0395981483f,  0.0320959464f,
        -0.0252079647f, 0.018791547f,    -0.0135576101f, 0.00932789501f,  -0.0051161591f,
        0.00221148343f, -0.00178046455f, 0.00155692606f, -0.000521626731f};
    const __m256 limit = _mm256_set1_ps(5.3f), lowest = _mm256_set1_ps(-5.3f);
    __m256 t = _mm256_max_ps(_mm256_min_ps(y, limit), lowest);
    __m256 v = _mm256_fmsub_ps(_mm256_mul_ps(t, t), _mm256_set1_ps(2.0f / (5.3f * 5.3f)),
                               _mm256_set1_ps(1.0f));
    __m256 p = _mm256_set1_ps(coefficients[13]);
    for (int i = 12; i >= 0; i--) p = _mm256_fmadd_ps(p, v, _mm256_set1_ps(coefficients[i]));
    __m256 phi = _mm256_fmadd_ps(t, p, _mm256_set1_ps(0.5f));
    return _mm256_and_ps(_mm256_mul_ps(y, phi), _mm256_cmp_ps(y, lowest, _CMP_GT_OQ));
}

static inline __m256 activate8(pr_activation act, float alpha, __m256 y)
{
    const __m256 zero = _mm256_setzero_ps(), one = _mm256_set1_ps(1.0f);
    switch (act) {
    case PR_ACT_RELU:
        return _mm256_max_ps(y, zero);
    case PR_ACT_LEAKY_RELU:
        return _mm256_blendv_ps(_mm256_mul_ps(y, _mm256_set1_ps(alpha)), y,
                                _mm256_cmp_ps(y, zero, _CMP_GT_OQ));
    case PR_ACT_ELU: {
        __m256 a = _mm256_set1_ps(alpha), positive = _mm256_max_ps(y, zero);
        __m256 e = _mm256_sub_ps(exp8(_mm256_min_ps(y, zero)), one);
        return _mm256_fmadd_ps(a, e, positive); /* one of the two is 0 */
    }
    case PR_ACT_GELU:
        return gelu8(y);
    case PR_ACT_SIGMOID:
        return _mm256_div_ps(one, _mm256_add_ps(one, exp8(_mm256_sub_ps(zero, y))));
    default:
        return y;
    }
}

/* integer.h's quantize on eight columns; the result is one integer per 32-bit lane. */
static inline __m256i quantize8(__m256 x, __m256 inv_scale, __m256 zero)
{
    __m256 low = _mm256_sub_ps(_mm256_set1_ps(-127.0f), zero);
    __m256 high = _mm256_sub_ps(_mm256_set1_ps(127.0f), zero);
    __m256 v = _mm256_mul_ps(x, inv_scale);
    v = _mm256_min_ps(_mm256_max_ps(v, low), high);
    return _mm256_add_epi32(_mm256_cvtps_epi32(v), _mm256_cvtps_epi32(zero));
}

/* Sixteen 32-bit integers in [-128, 127] to bytes, in order. */
static inline __m128i narrow16(__m256i a, __m256i b)
{
    __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xD8);
    return _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

static inline float sum8(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

/* Epilogue of up to 16 columns of one row, starting at column c; y0, y1 hold the sums before
 * bias. Full blocks store vectors; the last block goes through a small buffer. */
static inline void finish16(const pr_epilogue *e, int64_t r, int64_t c, int64_t columns, __m256 y0,
                            __m256 y1)
{
    float tail[16];
    if (e->place) r = e->place[r];
    if (e->gain) {
        y0 = _mm256_mul_ps(y0, _mm256_loadu_ps(e->gain + c));
        y1 = _mm256_mul_ps(y1, _mm256_loadu_ps(e->gain + c + 8));
    }
    if (e->act != PR_ACT_NONE) {
        y0 = activate8(e->act, e->alpha, y0);
        y1 = activate8(e->act, e->alpha, y1);
    }
    if (e->residual) {
        const float *from = e->residual + r * e->residual_stride + c;
        if (columns < 16) {
            for (int64_t j = 0; j < 16; j++) tail[j] = j < columns ? from[j] : 0.0f;
            from = tail;
        }
        y0 = _mm256_add_ps(y0, _mm256_loadu_ps(from));
        y1 = _mm256_add_ps(y1, _mm256_loadu_ps(from + 8));
    }
    if (e->late != PR_ACT_NONE) {
        y0 = activate8(e->late, e->late_alpha, y0);
        y1 = activate8(e->late, e->late_alpha, y1);
    }
    if (e->out) {
        float *to = e->out + r * e->out_stride + c;
        if (columns >= 16) {
            _mm256_storeu_ps(to, y0);
            _mm256_storeu_ps(to + 8, y1);
        } else {
            _mm256_storeu_ps(tail, y0);
            _mm256_storeu_ps(tail + 8, y1);
            for (int64_t j = 0; j < columns; j++) to[j] = tail[j];
        }
    }
    if (e->out8) {
        if (e->relu8) {
            y0 = _mm256_max_ps(y0, _mm256_setzero_ps());
            y1 = _mm256_max_ps(y1, _mm256_setzero_ps());
        }
        __m256i q0 = quantize8(y0, _mm256_loadu_ps(e->inv_scale + c), _mm256_loadu_ps(e->zero + c));
        __m256i q1 =
            quantize8(y1, _mm256_loadu_ps(e->inv_scale + c + 8), _mm256_loadu_ps(e->zero + c + 8));
        __m128i q = narrow16(q0, q1);
        int8_t *to = e->out8 + r * e->out8_stride + c;
        if (columns >= 16) {
            _mm_storeu_si128((__m128i *)to, q);
        } else {
            int8_t bytes[16];
            _mm_storeu_si128((__m128i *)bytes, q);
            for (int64_t j = 0; j < columns; j++) to[j] = bytes[j];
        }
    }
}

/* Bias and epilogue of a block of up to 16 columns of float sums, rows `stride` floats apart. */
static inline void finish_f32(const pr_epilogue *e, int64_t r, int64_t rows, int64_t c,
                              int64_t columns, const float *sums, int64_t stride)
{
    __m256 b0 = _mm256_setzero_ps(), b1 = b0;
    if (e->bias) {
        b0 = _mm256_loadu_ps(e->bias + c);
        b1 = _mm256_loadu_ps(e->bias + c + 8);
    }
    for (int64_t i = 0; i < rows; i++, sums += stride) {
        finish16(e, r + i, c, columns, _mm256_add_ps(_mm256_loadu_ps(sums), b0),
                 _mm256_add_ps(_mm256_loadu_ps(sums + 8), b1));
    }
}

/* finish_i32 where nothing but scales and an addition to what is stored follow: the same numbers,
 * without a question per vector. */
static inline void finish_plain_i32(const pr_epilogue *e, int64_t r, int64_t rows, int64_t c,
                                    const int32_t *sums, int64_t stride)
{
    const __m256 s0 = _mm256_loadu_ps(e->scale + c), s1 = _mm256_loadu_ps(e->scale + c + 8);
    float *to = e->out + r * e->out_stride + c;
    for (int64_t i = 0; i < rows; i++, sums += stride, to += e->out_stride) {
        const __m256i *from = (const __m256i *)(const void *)sums;
        __m256 t0 = s0, t1 = s1;
        if (e->row_scale) {
            __m256 row = _mm256_broadcast_ss(e->row_scale + r + i);
            t0 = _mm256_mul_ps(row, s0);
            t1 = _mm256_mul_ps(row, s1);
        }
        __m256 y0 = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_loadu_si256(from)), t0);
        __m256 y1 = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_loadu_si256(from + 1)), t1);
        if (e->residual) {
            y0 = _mm256_add_ps(y0, _mm256_loadu_ps(to));
            y1 = _mm256_add_ps(y1, _mm256_loadu_ps(to + 8));
        }
        _mm256_storeu_ps(to, y0);
        _mm256_storeu_ps(to + 8, y1);
    }
}

/* Between convolutions: an activation at most, and bytes are all that is stored. */
static inline bool stores_bytes_alone(const pr_epilogue *e)
{
    return e->out8 && !e->out && !e->row_scale && !e->gain && !e->residual &&
           e->late == PR_ACT_NONE;
}

/* finish_i32 there: the same numbers, with what does not depend on the row at hand, and without a
 * choice per vector where `act` is a constant. */
static inline void finish_bytes_i32(const pr_epilogue *e, int64_t r, int64_t rows, int64_t c,
                                    const int32_t *sums, int64_t stride, pr_activation act)
{
    const __m256 least = _mm256_set1_ps(e->relu8 ? 0.0f : -INFINITY);
    __m256 scale[2], bias[2], inverse[2], low[2], high[2];
    __m256i zero[2], q[2];
    for (int h = 0; h < 2; h++) {
        const __m256 z = _mm256_loadu_ps(e->zero + c + 8 * h);
        scale[h] = _mm256_loadu_ps(e->scale + c + 8 * h);
        bias[h] = e->bias ? _mm256_loadu_ps(e->bias + c + 8 * h) : _mm256_setzero_ps();
        inverse[h] = _mm256_loadu_ps(e->inv_scale + c + 8 * h);
        low[h] = _mm256_sub_ps(_mm256_set1_ps(-127.0f), z);
        high[h] = _mm256_sub_ps(_mm256_set1_ps(127.0f), z);
        zero[h] = _mm256_cvtps_epi32(z);
    }
    for (int64_t i = 0; i < rows; i++, sums += stride) {
        const __m256i *from = (const __m256i *)(const void *)sums;
        for (int h = 0; h < 2; h++) {
            __m256 y = _mm256_cvtepi32_ps(_mm256_loadu_si256(from + h));
            y = activate8(act, e->alpha, _mm256_fmadd_ps(y, scale[h], bias[h]));
            y = _mm256_mul_ps(_mm256_max_ps(y, least), inverse[h]);
            y = _mm256_min_ps(_mm256_max_ps(y, low[h]), high[h]);
            q[h] = _mm256_add_epi32(_mm256_cvtps_epi32(y), zero[h]);
        }
        const int64_t to = e->place ? e->place[r + i] : r + i;
        _mm_storeu_si128((__m128i *)(void *)(e->out8 + to * e->out8_stride + c),
                         narrow16(q[0], q[1]));
    }
}

/* Rows of a 16-column block of int32 sums (row stride `stride`), scaled as integer.h says. */
static inline void finish_i32(const pr_epilogue *e, int64_t r, int64_t rows, int64_t c,
                              int64_t columns, const int32_t *sums, int64_t stride)
{
    if (columns >= 16 && pr_epilogue_is_plain(e)) {
        finish_plain_i32(e, r, rows, c, sums, stride);
        return;
    }
    if (columns >= 16 && stores_bytes_alone(e)) {
        switch (e->act) {
        case PR_ACT_NONE:
            finish_bytes_i32(e, r, rows, c, sums, stride, PR_ACT_NONE);
            return;
        case PR_ACT_RELU:
            finish_bytes_i32(e, r, rows, c, sums, stride, PR_ACT_RELU);
            return;
        case PR_ACT_LEAKY_RELU:
            finish_bytes_i32(e, r, rows, c, sums, stride, PR_ACT_LEAKY_RELU);
            return;
        case PR_ACT_ELU:
            finish_bytes_i32(e, r, rows, c, sums, stride, PR_ACT_ELU);
            return;
        default:
            break;
        }
    }
    __m256 s0 = _mm256_loadu_ps(e->scale + c), s1 = _mm256_loadu_ps(e->scale + c + 8);
    __m256 b0 = _mm256_setzero_ps(), b1 = b0;
    if (e->bias) {
        b0 = _mm256_loadu_ps(e->bias + c);
        b1 = _mm256_loadu_ps(e->bias + c + 8);
    }
    for (int64_t i = 0; i < rows; i++) {
        __m256 t0 = s0, t1 = s1;
        if (e->row_scale) {
            __m256 row = _mm256_set1_ps(e->row_scale[r + i]);
            t0 = _mm256_mul_ps(row, s0);
            t1 = _mm256_mul_ps(row, s1);
        }
        const __m256i *from = (const __m256i *)(const void *)(sums + i * stride);
        __m256 y0 = _mm256_cvtepi32_ps(_mm256_loadu_si256(from));
        __m256 y1 = _mm256_cvtepi32_ps(_mm256_loadu_si256(from + 1));
        finish16(e, r + i, c, columns, _mm256_fmadd_ps(y0, t0, b0), _mm256_fmadd_ps(y1, t1, b1));
    }
}

#endif
