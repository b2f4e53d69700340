/* Sixteen lanes in one register: what rows.h is written in. The operations of avx2/lanes.h in the
 * same order, so that both give the same bits. */
#ifndef PR_KERNELS_AVX512_LANES_H
#define PR_KERNELS_AVX512_LANES_H

#include "libprune/kernels/avx2/words.h"
#include "libprune/kernels/avx512/math.h"

enum { EACH = 4 };

typedef __m512 floats;
typedef __m512i integers;

/* count < 16 */
static inline __mmask16 lanes_below(int64_t count)
{
    return (__mmask16)((1u << count) - 1);
}

static inline floats spread(float x)
{
    return _mm512_set1_ps(x);
}

static inline floats load(const float *x)
{
    return _mm512_loadu_ps(x);
}

static inline floats load_part(const float *x, int64_t count)
{
    return _mm512_maskz_loadu_ps(lanes_below(count), x);
}

static inline void store(float *y, floats v)
{
    _mm512_storeu_ps(y, v);
}

static inline void store_part(float *y, floats v, int64_t count)
{
    _mm512_mask_storeu_ps(y, lanes_below(count), v);
}

static inline floats first(floats v, int64_t count)
{
    return _mm512_maskz_mov_ps(lanes_below(count), v);
}

static inline floats plus(floats a, floats b)
{
    return _mm512_add_ps(a, b);
}

static inline floats minus(floats a, floats b)
{
    return _mm512_sub_ps(a, b);
}

static inline floats times(floats a, floats b)
{
    return _mm512_mul_ps(a, b);
}

static inline floats larger(floats a, floats b)
{
    return _mm512_max_ps(a, b);
}

static inline floats smaller(floats a, floats b)
{
    return _mm512_min_ps(a, b);
}

static inline floats fused(floats a, floats b, floats c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline floats magnitude(floats v)
{
    const __m512i bits = _mm512_castps_si512(v);
    return _mm512_castsi512_ps(_mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff)));
}

/* Halves of halves. */
static inline float sum_of(floats v)
{
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}

static inline float largest_of(floats v)
{
    __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}

static inline floats activated(pr_activation act, float alpha, floats v)
{
    return activate16(act, alpha, v);
}

static inline floats times_power(floats v, floats shifted)
{
    const __m512i power = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(v), power));
}

static inline integers rounded(floats v)
{
    return _mm512_cvtps_epi32(v);
}

static inline integers plus_integers(integers a, integers b)
{
    return _mm512_add_epi32(a, b);
}

static inline floats reals(integers v)
{
    return _mm512_cvtepi32_ps(v);
}

static inline integers shifted_right(integers v, integers by)
{
    return _mm512_srlv_epi32(v, by);
}

static inline words narrowed(integers v)
{
    return _mm512_cvtusepi32_epi16(v);
}

static inline void store_bytes(int8_t *to, integers v)
{
    _mm_storeu_si128((__m128i *)(void *)to, _mm512_cvtepi32_epi8(v));
}

static inline void store_bytes_part(int8_t *to, integers v, int64_t count)
{
    _mm_mask_storeu_epi8(to, lanes_below(count), _mm512_cvtepi32_epi8(v));
}

static inline void store_words_part(int16_t *to, words w, int64_t count)
{
    _mm256_mask_storeu_epi16(to, lanes_below(count), w);
}

static inline floats bf16_rounded(floats v)
{
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i sum = _mm512_add_epi32(bits, _mm512_add_epi32(_mm512_set1_epi32(0x7fff), odd));
    const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
    const __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    const __m512i upper = _mm512_set1_epi32((int)0xffff0000);
    return _mm512_castsi512_ps(_mm512_and_si512(_mm512_mask_mov_epi32(sum, nan, quiet), upper));
}

#endif
