/* Tiles of 16-bit integers: six rows against a block of 16 or 8 columns. */
#ifndef PR_KERNELS_AVX2_ITILE_H
#define PR_KERNELS_AVX2_ITILE_H

#include "libprune/kernels/intrinsics.h"

#include <stdint.h>
#include <string.h>

enum { ROWS = 6 };

static inline __m256i pair_at(const int16_t *row, int64_t p)
{
    int32_t pair;
    memcpy(&pair, row + p, sizeof pair);
    return _mm256_set1_epi32(pair);
}

static inline void store8(int32_t *to, __m256i v)
{
    _mm256_store_si256((__m256i *)(void *)to, v);
}

#define PR_STEP(i)                                                                                 \
    x = pair_at(r##i, p);                                                                          \
    c##i##0 = _mm256_add_epi32(c##i##0, _mm256_madd_epi16(x, b0));                                 \
    c##i##1 = _mm256_add_epi32(c##i##1, _mm256_madd_epi16(x, b1));

#define PR_STORE(i)                                                                                \
    store8(sums + 16 * (i), c##i##0);                                                              \
    store8(sums + 16 * (i) + 8, c##i##1);

/* sums[6][16], aligned to 32 bytes; k is even, b holds [k / 2][16][2]. */
static inline void tile_6x16(const int16_t *const rows[ROWS], const int16_t *b, int64_t k,
                             int32_t *sums)
{
    const int16_t *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3], *r4 = rows[4],
                  *r5 = rows[5];
    __m256i c00 = _mm256_setzero_si256(), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00;
    __m256i c30 = c00, c31 = c00, c40 = c00, c41 = c00, c50 = c00, c51 = c00;
    for (int64_t p = 0; p < k; p += 2) {
        __m256i b0 = _mm256_load_si256((const __m256i *)(const void *)b);
        __m256i b1 = _mm256_load_si256((const __m256i *)(const void *)(b + 16)), x;
        b += 32;
        PR_STEP(0)
        PR_STEP(1)
        PR_STEP(2)
        PR_STEP(3)
        PR_STEP(4)
        PR_STEP(5)
    }
    PR_STORE(0)
    PR_STORE(1)
    PR_STORE(2)
    PR_STORE(3)
    PR_STORE(4)
    PR_STORE(5)
}

/* Narrow last block, b holds [k / 2][8][2]. */
static inline void tile_6x8(const int16_t *const rows[ROWS], const int16_t *b, int64_t k,
                            int32_t *sums)
{
    __m256i c[ROWS];
    for (int i = 0; i < ROWS; i++) c[i] = _mm256_setzero_si256();
    for (int64_t p = 0; p < k; p += 2) {
        __m256i b0 = _mm256_load_si256((const __m256i *)(const void *)(b + p * 8));
        for (int i = 0; i < ROWS; i++) {
            c[i] = _mm256_add_epi32(c[i], _mm256_madd_epi16(pair_at(rows[i], p), b0));
        }
    }
    for (int i = 0; i < ROWS; i++) {
        store8(sums + 16 * i, c[i]);
        store8(sums + 16 * i + 8, _mm256_setzero_si256());
    }
}

#undef PR_STEP
#undef PR_STORE

#endif
