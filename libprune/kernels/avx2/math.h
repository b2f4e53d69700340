/* Vector functions of eight floats; shared by the AVX2 kernels and, through them, by AVX-512. */
#ifndef PR_KERNELS_AVX2_MATH_H
#define PR_KERNELS_AVX2_MATH_H

#include "libprune/kernels/kernels.h"

#include <immintrin.h>

/* exp(x) = 2^i * exp(r), r = x - i ln2 in [-ln2/2, ln2/2], Taylor to degree 7 (relative error
 * 2e-8 there, 1e-7 with rounding). Clamped to [-87, 88], so 2^i never needs denormals. */
static inline __m256 exp8(__m256 x)
{
    x = _mm256_max_ps(_mm256_min_ps(x, _mm256_set1_ps(88.0f)), _mm256_set1_ps(-87.0f));
    __m256 i = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)),
                               _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    /* ln2 in two parts: the first has few bits, so that i * part is exact. */
    __m256 r = _mm256_fnmadd_ps(i, _mm256_set1_ps(0.693359375f), x);
    r = _mm256_fnmadd_ps(i, _mm256_set1_ps(-2.12194440e-4f), r);
    __m256 p = _mm256_set1_ps(1.0f / 720.0f);
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 120.0f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 24.0f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 6.0f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.5f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
    __m256i power =
        _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(i), _mm256_set1_epi32(127)), 23);
    return _mm256_mul_ps(p, _mm256_castsi256_ps(power));
}

/* y Phi(y). Phi(-t) = pdf(t) * (polynomial in 1 / (1 + 0.2316419 t)) for t >= 0, Abramowitz and
 * Stegun 26.2.17, absolute error 7.5e-8; the other half by symmetry. */
static inline __m256 gelu8(__m256 y)
{
    const __m256 sign = _mm256_set1_ps(-0.0f), one = _mm256_set1_ps(1.0f);
    __m256 t = _mm256_andnot_ps(sign, y);
    __m256 k = _mm256_div_ps(one, _mm256_fmadd_ps(t, _mm256_set1_ps(0.2316419f), one));
    __m256 p = _mm256_set1_ps(1.330274429f);
    p = _mm256_fmadd_ps(p, k, _mm256_set1_ps(-1.821255978f));
    p = _mm256_fmadd_ps(p, k, _mm256_set1_ps(1.781477937f));
    p = _mm256_fmadd_ps(p, k, _mm256_set1_ps(-0.356563782f));
    p = _mm256_fmadd_ps(p, k, _mm256_set1_ps(0.319381530f));
    p = _mm256_mul_ps(p, k);
    __m256 pdf = _mm256_mul_ps(exp8(_mm256_mul_ps(_mm256_mul_ps(t, t), _mm256_set1_ps(-0.5f))),
                               _mm256_set1_ps(0.39894228f));
    __m256 tail = _mm256_mul_ps(pdf, p); /* Phi(-t) */
    __m256 phi = _mm256_blendv_ps(_mm256_sub_ps(one, tail), tail, y);
    return _mm256_mul_ps(y, phi);
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
        __m256 e =
            _mm256_mul_ps(_mm256_sub_ps(exp8(_mm256_min_ps(y, zero)), one), _mm256_set1_ps(alpha));
        return _mm256_blendv_ps(e, y, _mm256_cmp_ps(y, zero, _CMP_GT_OQ));
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

/* Rows of a 16-column block of int32 sums (row stride `stride`), scaled as integer.h says. */
static inline void finish_i32(const pr_epilogue *e, int64_t r, int64_t rows, int64_t c,
                              int64_t columns, const int32_t *sums, int64_t stride)
{
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
