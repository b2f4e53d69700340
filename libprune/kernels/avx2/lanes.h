/* Sixteen lanes in two registers: what rows.h is written in (avx512/lanes.h has them in one). */
#ifndef PR_KERNELS_AVX2_LANES_H
#define PR_KERNELS_AVX2_LANES_H

#include "libprune/kernels/avx2/math.h"
#include "libprune/kernels/avx2/words.h"

#include <string.h>

enum { EACH = 1 }; /* of these that take every step together where steps wait for each other */

typedef struct floats {
    __m256 low, high;
} floats;
typedef struct integers {
    __m256i low, high;
} integers;

static inline floats spread(float x)
{
    const __m256 v = _mm256_set1_ps(x);
    return (floats){v, v};
}

static inline floats load(const float *x)
{
    return (floats){_mm256_loadu_ps(x), _mm256_loadu_ps(x + 8)};
}

/* The first `count` < 16, zeros behind them. */
static inline floats load_part(const float *x, int64_t count)
{
    if (count < 8) return (floats){_mm256_maskload_ps(x, lanes_below(count)), _mm256_setzero_ps()};
    return (floats){_mm256_loadu_ps(x), _mm256_maskload_ps(x + 8, lanes_below(count - 8))};
}

static inline void store(float *y, floats v)
{
    _mm256_storeu_ps(y, v.low);
    _mm256_storeu_ps(y + 8, v.high);
}

/* Eight, four, two and one: rows of few channels end in one of these at every pixel, and masked
 * stores are slow on AMD. */
static inline void store_part(float *y, floats v, int64_t count)
{
    __m256 eight = v.low;
    if (count & 8) {
        _mm256_storeu_ps(y, eight);
        eight = v.high;
        y += 8;
    }
    __m128 four = _mm256_castps256_ps128(eight);
    if (count & 4) {
        _mm_storeu_ps(y, four);
        four = _mm256_extractf128_ps(eight, 1);
        y += 4;
    }
    if (count & 2) {
        _mm_storel_pi((__m64 *)(void *)y, four);
        four = _mm_movehl_ps(four, four);
        y += 2;
    }
    if (count & 1) _mm_store_ss(y, four);
}

/* Zeros from lane `count` on. */
static inline floats first(floats v, int64_t count)
{
    const __m256 low = _mm256_castsi256_ps(lanes_below(count));
    const __m256 high = _mm256_castsi256_ps(lanes_below(count - 8));
    return (floats){_mm256_and_ps(v.low, low), _mm256_and_ps(v.high, high)};
}

#define PR_BOTH(name, instruction)                                                                 \
    static inline floats name(floats a, floats b)                                                  \
    {                                                                                              \
        return (floats){instruction(a.low, b.low), instruction(a.high, b.high)};                   \
    }
PR_BOTH(plus, _mm256_add_ps)
PR_BOTH(minus, _mm256_sub_ps)
PR_BOTH(times, _mm256_mul_ps)
PR_BOTH(larger, _mm256_max_ps)  /* b where one is a NaN */
PR_BOTH(smaller, _mm256_min_ps) /* likewise */
#undef PR_BOTH

/* a * b + c, rounded once. */
static inline floats fused(floats a, floats b, floats c)
{
    return (floats){_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}

static inline floats magnitude(floats v)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return (floats){_mm256_andnot_ps(sign, v.low), _mm256_andnot_ps(sign, v.high)};
}

/* Halves of halves. */
static inline float sum_of(floats v)
{
    return sum8(_mm256_add_ps(v.low, v.high));
}

static inline float largest_of(floats v)
{
    const __m256 most = _mm256_max_ps(v.low, v.high);
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(most), _mm256_extractf128_ps(most, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

static inline floats activated(pr_activation act, float alpha, floats v)
{
    return (floats){activate8(act, alpha, v.low), activate8(act, alpha, v.high)};
}

/* v * 2^i, where `shifted` is i + 1.5 * 2^23: i stands in its low bits. */
static inline floats times_power(floats v, floats shifted)
{
    const __m256i low = _mm256_slli_epi32(_mm256_castps_si256(shifted.low), 23);
    const __m256i high = _mm256_slli_epi32(_mm256_castps_si256(shifted.high), 23);
    v.low = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(v.low), low));
    v.high = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(v.high), high));
    return v;
}

/* To the nearest, ties to even. */
static inline integers rounded(floats v)
{
    return (integers){_mm256_cvtps_epi32(v.low), _mm256_cvtps_epi32(v.high)};
}

static inline integers plus_integers(integers a, integers b)
{
    return (integers){_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}

static inline floats reals(integers v)
{
    return (floats){_mm256_cvtepi32_ps(v.low), _mm256_cvtepi32_ps(v.high)};
}

/* 0 where `by` is above 31 or negative. */
static inline integers shifted_right(integers v, integers by)
{
    return (integers){_mm256_srlv_epi32(v.low, by.low), _mm256_srlv_epi32(v.high, by.high)};
}

/* As 16 bits each; what is above 65535 becomes that. */
static inline words narrowed(integers v)
{
    return _mm256_permute4x64_epi64(_mm256_packus_epi32(v.low, v.high), 0xD8);
}

/* Integers that fit 8 bits. */
static inline void store_bytes(int8_t *to, integers v)
{
    _mm_storeu_si128((__m128i *)(void *)to, narrow16(v.low, v.high));
}

static inline void store_bytes_part(int8_t *to, integers v, int64_t count)
{
    int8_t part[16];
    store_bytes(part, v);
    memcpy(to, part, (size_t)count);
}

static inline void store_words_part(int16_t *to, words w, int64_t count)
{
    int16_t part[16];
    store_words(part, w);
    memcpy(to, part, (size_t)count * sizeof *to);
}

/* bf16.h on the bits of floats. */
static inline __m256 bf16_rounded8(__m256 v)
{
    const __m256i bits = _mm256_castps_si256(v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i sum = _mm256_add_epi32(bits, _mm256_add_epi32(_mm256_set1_epi32(0x7fff), odd));
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    const __m256i upper = _mm256_set1_epi32((int)0xffff0000);
    return _mm256_castsi256_ps(_mm256_and_si256(_mm256_blendv_epi8(sum, quiet, nan), upper));
}

static inline floats bf16_rounded(floats v)
{
    return (floats){bf16_rounded8(v.low), bf16_rounded8(v.high)};
}

#endif
