/* Tiles of 16-bit integers: rows against a block of 16 columns, one register, or of 8. */
#ifndef PR_KERNELS_AVX512_ITILE_H
#define PR_KERNELS_AVX512_ITILE_H

#include "libprune/kernels/intrinsics.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { ROWS = 6 };

static inline int32_t pair_at(const int16_t *row, int64_t p)
{
    int32_t pair;
    memcpy(&pair, row + p, sizeof pair);
    return pair;
}

/* Weights from position `at`: packed as they are, widened here, or packed as 16 bits. */
static inline __m512i weights32_at(const void *b, int64_t at, bool bytes)
{
    if (bytes) {
        const int8_t *from = (const int8_t *)b + at;
        return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)from));
    }
    return _mm512_loadu_si512((const void *)((const int16_t *)b + at));
}

static inline __m256i weights16_at(const void *b, int64_t at, bool bytes)
{
    if (bytes) {
        const int8_t *from = (const int8_t *)b + at;
        return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)from));
    }
    return _mm256_loadu_si256((const __m256i *)(const void *)((const int16_t *)b + at));
}

/* acc += sums of pairs x * w. As asm: from the intrinsics gcc 12 makes moves between registers. */
#if defined(PR_EMULATED)
#define PR_ADD16(acc, x, w) acc = _mm512_add_epi32(acc, _mm512_madd_epi16(x, w));
#define PR_ADD8(acc, x, w) acc = _mm256_add_epi32(acc, _mm256_madd_epi16(x, w));
#else
#define PR_ADD16(acc, x, w)                                                                        \
    {                                                                                              \
        __m512i pairs;                                                                             \
        __asm__("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0"                                         \
                : "+v"(acc), "=&v"(pairs)                                                          \
                : "v"(x), "v"(w));                                                                 \
    }
#define PR_ADD8(acc, x, w)                                                                         \
    {                                                                                              \
        __m256i pairs;                                                                             \
        __asm__("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0"                                         \
                : "+v"(acc), "=&v"(pairs)                                                          \
                : "v"(x), "v"(w));                                                                 \
    }
#endif

#define PR_EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)

#define PR_OPEN(i)                                                                                 \
    const int16_t *r##i = rows[i];                                                                 \
    __m512i c##i = _mm512_setzero_si512();
#define PR_STEP(i) PR_ADD16(c##i, _mm512_set1_epi32(pair_at(r##i, p)), w)
#define PR_STORE(i) _mm512_storeu_si512((void *)(sums + 16 * (i)), c##i);

/* sums[6][16]; k is even, b holds [k / 2][16][2], of bytes or of 16 bits. The products of a row
 * wait for nothing but the addition before them, one cycle: six sums are enough. */
static inline void tile_6x16(const int16_t *const rows[ROWS], const void *b, int64_t k,
                             int32_t *sums, bool bytes)
{
    PR_EACH(PR_OPEN)
    for (int64_t p = 0; p < k; p += 2) {
        __m512i w = weights32_at(b, p * 16, bytes);
        PR_EACH(PR_STEP)
    }
    PR_EACH(PR_STORE)
}

#define PR_OPEN8(i)                                                                                \
    const int16_t *r##i = rows[i];                                                                 \
    __m256i c##i = _mm256_setzero_si256();
#define PR_STEP8(i) PR_ADD8(c##i, _mm256_set1_epi32(pair_at(r##i, p)), w)
#define PR_STORE8(i)                                                                               \
    _mm256_storeu_si256((__m256i *)(void *)(sums + 16 * (i)), c##i);                               \
    _mm256_storeu_si256((__m256i *)(void *)(sums + 16 * (i) + 8), _mm256_setzero_si256());

/* Narrow last block, b holds [k / 2][8][2]. */
static inline void tile_6x8(const int16_t *const rows[ROWS], const void *b, int64_t k,
                            int32_t *sums, bool bytes)
{
    PR_EACH(PR_OPEN8)
    for (int64_t p = 0; p < k; p += 2) {
        __m256i w = weights16_at(b, p * 8, bytes);
        PR_EACH(PR_STEP8)
    }
    PR_EACH(PR_STORE8)
}

#undef PR_ADD16
#undef PR_ADD8
#undef PR_EACH
#undef PR_OPEN
#undef PR_STEP
#undef PR_STORE
#undef PR_OPEN8
#undef PR_STEP8
#undef PR_STORE8

#endif
