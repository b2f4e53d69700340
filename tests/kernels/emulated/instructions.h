/* The vector and tile instructions in plain C: included before everything else (-include) when the
 * kernels are compiled once more for tests, so that every machine runs every tier. Most come from
 * SIMDe; below stand those that it lacks or rounds differently. */
#ifndef TESTS_KERNELS_EMULATED_INSTRUCTIONS_H
#define TESTS_KERNELS_EMULATED_INSTRUCTIONS_H

#define SIMDE_ENABLE_NATIVE_ALIASES
#include "tests/kernels/emulated/tiles.h"

#include <math.h>
#include <simde/x86/avx2.h>
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>
#include <stdint.h>
#include <string.h>

/* SIMDe has its own names for masks alone. */
#define __mmask8 simde__mmask8
#define __mmask16 simde__mmask16
#define __mmask32 simde__mmask32
#define __mmask64 simde__mmask64

#define EACH(i, n) for (int i = 0; i < (n); i++)

/* --- fused multiply-adds: SIMDe rounds the product -------------------------------------------*/

#define EMULATE_FUSED(name, vector, lanes, x, y, z)                                                \
    static inline vector emulated_##name(vector va, vector vb, vector vc)                          \
    {                                                                                              \
        float a[lanes], b[lanes], c[lanes];                                                        \
        memcpy(a, &va, sizeof a);                                                                  \
        memcpy(b, &vb, sizeof b);                                                                  \
        memcpy(c, &vc, sizeof c);                                                                  \
        EACH(i, lanes) a[i] = fmaf(x, y, z);                                                       \
        memcpy(&va, a, sizeof a);                                                                  \
        return va;                                                                                 \
    }
EMULATE_FUSED(fmadd8, __m256, 8, a[i], b[i], c[i])
EMULATE_FUSED(fmsub8, __m256, 8, a[i], b[i], -c[i])
EMULATE_FUSED(fnmadd8, __m256, 8, -a[i], b[i], c[i])
EMULATE_FUSED(fmadd16, __m512, 16, a[i], b[i], c[i])
EMULATE_FUSED(fmsub16, __m512, 16, a[i], b[i], -c[i])
EMULATE_FUSED(fnmadd16, __m512, 16, -a[i], b[i], c[i])
#undef _mm256_fmadd_ps
#undef _mm256_fmsub_ps
#undef _mm256_fnmadd_ps
#undef _mm512_fmadd_ps
#undef _mm512_fmsub_ps
#undef _mm512_fnmadd_ps
#define _mm256_fmadd_ps(a, b, c) emulated_fmadd8(a, b, c)
#define _mm256_fmsub_ps(a, b, c) emulated_fmsub8(a, b, c)
#define _mm256_fnmadd_ps(a, b, c) emulated_fnmadd8(a, b, c)
#define _mm512_fmadd_ps(a, b, c) emulated_fmadd16(a, b, c)
#define _mm512_fmsub_ps(a, b, c) emulated_fmsub16(a, b, c)
#define _mm512_fnmadd_ps(a, b, c) emulated_fnmadd16(a, b, c)

/* --- products of integers: SIMDe's overflow ---------------------------------------------------*/

static inline __m256i emulated_mullo_8(__m256i va, __m256i vb)
{
    uint32_t a[8], b[8];
    memcpy(a, &va, sizeof a);
    memcpy(b, &vb, sizeof b);
    EACH(i, 8) a[i] *= b[i];
    memcpy(&va, a, sizeof a);
    return va;
}
#undef _mm256_mullo_epi32
#define _mm256_mullo_epi32(a, b) emulated_mullo_8(a, b)

/* --- conversions ------------------------------------------------------------------------------*/

/* To the nearest integer, ties to even; what does not fit becomes the smallest one. */
static inline int32_t emulated_nearest(float x)
{
    return x >= -0x1p31f && x < 0x1p31f ? (int32_t)lrintf(x) : INT32_MIN;
}

#define EMULATE(result, name, vector, from, to, lanes, expression)                                 \
    static inline result emulated_##name(vector v)                                                 \
    {                                                                                              \
        from x[lanes];                                                                             \
        to y[lanes];                                                                               \
        result r;                                                                                  \
        memcpy(x, &v, sizeof x);                                                                   \
        EACH(i, lanes) y[i] = (to)(expression);                                                    \
        memcpy(&r, y, sizeof r);                                                                   \
        return r;                                                                                  \
    }
EMULATE(__m256i, cvtps_epi32_8, __m256, float, int32_t, 8, emulated_nearest(x[i]))
EMULATE(__m512i, cvtps_epi32_16, __m512, float, int32_t, 16, emulated_nearest(x[i]))
EMULATE(__m512, cvtepi32_ps_16, __m512i, int32_t, float, 16, x[i])
EMULATE(__m128i, cvtepi32_epi8_16, __m512i, int32_t, uint8_t, 16, x[i])
EMULATE(__m256i, cvtusepi32_epi16_16, __m512i, uint32_t, uint16_t, 16, x[i] < 65535 ? x[i] : 65535)
EMULATE(__m512, floor_16, __m512, float, float, 16, floorf(x[i]))
#undef _mm256_cvtps_epi32
#define _mm256_cvtps_epi32(v) emulated_cvtps_epi32_8(v)
#undef _mm512_cvtps_epi32
#define _mm512_cvtps_epi32(v) emulated_cvtps_epi32_16(v)
#undef _mm512_cvtepi32_ps
#define _mm512_cvtepi32_ps(v) emulated_cvtepi32_ps_16(v)
#undef _mm512_cvtepi32_epi8
#define _mm512_cvtepi32_epi8(v) emulated_cvtepi32_epi8_16(v)
#undef _mm512_cvtusepi32_epi16
#define _mm512_cvtusepi32_epi16(v) emulated_cvtusepi32_epi16_16(v)
/* What is left of a number: rounding down is the one mode that kernels use. */
#undef _mm512_reduce_ps
#define _mm512_reduce_ps(v, mode)                                                                  \
    ((void)sizeof(char[(mode) == _MM_FROUND_TO_NEG_INF ? 1 : -1]),                                 \
     _mm512_sub_ps(v, emulated_floor_16(v)))

/* VCVTNEPS2BF16: round to nearest even, denormals are zeros, NaNs become quiet. */
static inline uint16_t emulated_bfloat16(float x)
{
    uint32_t word;
    memcpy(&word, &x, sizeof word);
    uint16_t high = (uint16_t)(word >> 16);
    if (x != x) return (uint16_t)(high | 0x40);
    if ((word & 0x7f800000) == 0) return (uint16_t)(high & 0x8000);
    return (uint16_t)((word + 0x7fff + (high & 1)) >> 16);
}
EMULATE(__m256i, cvtneps_pbh_16, __m512, float, uint16_t, 16, emulated_bfloat16(x[i]))
#undef _mm512_cvtneps_pbh
#define _mm512_cvtneps_pbh(v) ((simde__m256bh)emulated_cvtneps_pbh_16(v))

static inline __m512i emulated_cvtne2ps_pbh(__m512 high, __m512 low)
{
    __m256i halves[2] = {emulated_cvtneps_pbh_16(low), emulated_cvtneps_pbh_16(high)};
    __m512i r;
    memcpy(&r, halves, sizeof r);
    return r;
}
#undef _mm512_cvtne2ps_pbh
#define _mm512_cvtne2ps_pbh(a, b) ((simde__m512bh)emulated_cvtne2ps_pbh(a, b))

/* --- masked memory: only lanes of the mask are touched ----------------------------------------*/

#define EMULATE_MASKED(name, mask, vector, element, lanes)                                         \
    static inline vector emulated_load_##name(mask k, const void *from)                            \
    {                                                                                              \
        const element *p = from;                                                                   \
        element x[lanes] = {0};                                                                    \
        vector v;                                                                                  \
        EACH(i, lanes) if (k >> i & 1) x[i] = p[i];                                                \
        memcpy(&v, x, sizeof v);                                                                   \
        return v;                                                                                  \
    }                                                                                              \
    static inline void emulated_store_##name(void *to, mask k, vector v)                           \
    {                                                                                              \
        element *p = to, x[lanes];                                                                 \
        memcpy(x, &v, sizeof v);                                                                   \
        EACH(i, lanes) if (k >> i & 1) p[i] = x[i];                                                \
    }
EMULATE_MASKED(ps_16, __mmask16, __m512, float, 16)
EMULATE_MASKED(epi16_16, __mmask16, __m256i, int16_t, 16)
EMULATE_MASKED(epi8_16, __mmask16, __m128i, int8_t, 16)
EMULATE_MASKED(epi8_64, __mmask64, __m512i, int8_t, 64)
#undef _mm512_maskz_loadu_ps
#define _mm512_maskz_loadu_ps(k, p) emulated_load_ps_16(k, p)
#undef _mm512_mask_storeu_ps
#define _mm512_mask_storeu_ps(p, k, v) emulated_store_ps_16(p, k, v)
#undef _mm256_maskz_loadu_epi16
#define _mm256_maskz_loadu_epi16(k, p) emulated_load_epi16_16(k, p)
#undef _mm256_mask_storeu_epi16
#define _mm256_mask_storeu_epi16(p, k, v) emulated_store_epi16_16(p, k, v)
#undef _mm_maskz_loadu_epi8
#define _mm_maskz_loadu_epi8(k, p) emulated_load_epi8_16(k, p)
#undef _mm_mask_storeu_epi8
#define _mm_mask_storeu_epi8(p, k, v) emulated_store_epi8_16(p, k, v)
#undef _mm512_maskz_loadu_epi8
#define _mm512_maskz_loadu_epi8(k, p) emulated_load_epi8_64(k, p)
#undef _mm512_mask_storeu_epi8
#define _mm512_mask_storeu_epi8(p, k, v) emulated_store_epi8_64(p, k, v)

/* SIMDe's reads every lane, and the address sanitizer objects. */
static inline __m256 emulated_maskload8(const float *from, __m256i mask)
{
    float lanes[8] = {0};
    int32_t wanted[8];
    memcpy(wanted, &mask, sizeof wanted);
    EACH(i, 8) if (wanted[i] < 0) lanes[i] = from[i];
    return _mm256_loadu_ps(lanes);
}
#undef _mm256_maskload_ps
#define _mm256_maskload_ps(from, mask) emulated_maskload8(from, mask)

/* --- parts ------------------------------------------------------------------------------------*/

static inline __m256 emulated_upper_half(__m512 v)
{
    __m256 halves[2];
    memcpy(halves, &v, sizeof halves);
    return halves[1];
}
#undef _mm512_extractf32x8_ps
#define _mm512_extractf32x8_ps(v, half)                                                            \
    ((void)sizeof(char[(half) == 1 ? 1 : -1]), emulated_upper_half(v))

/* SIMDe's alias of this one takes four arguments. */
#undef _mm512_madd_epi16
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)

/* AVX-VNNI's own name for AVX512-VNNI's instruction. */
#define _mm256_dpbusd_avx_epi32(sum, a, b) simde_mm256_dpbusd_epi32(sum, a, b)

#endif
