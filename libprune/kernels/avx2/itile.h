/* Tiles of 16-bit integers: six rows against a block of 16 or 8 columns. */
#ifndef PR_KERNELS_AVX2_ITILE_H
#define PR_KERNELS_AVX2_ITILE_H

#include "libprune/kernels/intrinsics.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { ROWS = 6 };

static inline __m256i pair_at(const int16_t *row, int64_t p)
{
    int32_t pair;
    memcpy(&pair, row + p, sizeof pair);
    return _mm256_set1_epi32(pair);
}

/* Sixteen weights from position `at`: packed as bytes, widened here, or packed as 16 bits. */
static inline __m256i weights_at(const void *b, int64_t at, bool bytes)
{
    if (bytes) {
        const int8_t *from = (const int8_t *)b + at;
        return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)from));
    }
    return _mm256_load_si256((const __m256i *)(const void *)((const int16_t *)b + at));
}

static inline void store8(int32_t *to, __m256i v)
{
    _mm256_store_si256((__m256i *)(void *)to, v);
}

/* c0, c1 += sums of pairs x * w0, x * w1. As asm in this order: Zen 3 multiplies on two of the four
 * pipes that add, and additions between the products take their places more often (6 % slower). */
#if defined(PR_EMULATED)
#define PR_ADD(c0, c1, x, w0, w1)                                                                  \
    c0 = _mm256_add_epi32(c0, _mm256_madd_epi16(x, w0));                                           \
    c1 = _mm256_add_epi32(c1, _mm256_madd_epi16(x, w1));
#else
#define PR_ADD(c0, c1, x, w0, w1)                                                                  \
    {                                                                                              \
        __m256i pairs;                                                                             \
        __asm__("vpmaddwd %4, %2, %3\n\tvpmaddwd %5, %2, %2\n\t"                                   \
                "vpaddd %3, %0, %0\n\tvpaddd %2, %1, %1"                                           \
                : "+x"(c0), "+x"(c1), "+x"(x), "=&x"(pairs)                                        \
                : "x"(w0), "x"(w1));                                                               \
    }
#endif

#define PR_EACH(DO, at) DO(0, at) DO(1, at) DO(2, at) DO(3, at) DO(4, at) DO(5, at)

/* Row i times the pair of k at p + at. */
#define PR_STEP(i, at)                                                                             \
    x = pair_at(r##i, p + at);                                                                     \
    PR_ADD(c##i##0, c##i##1, x, b0, b1)

#define PR_STORE(i)                                                                                \
    store8(sums + 16 * (i), c##i##0);                                                              \
    store8(sums + 16 * (i) + 8, c##i##1);

/* Where a tile goes as floats, straight from the registers: y = sum * scale, or added to what is
 * there. */
typedef struct scaled {
    float *to;
    int64_t stride;
    const float *scale;
    bool add;
} scaled;

static inline void store_scaled(const scaled *out, int64_t i, __m256i sum0, __m256i sum1)
{
    float *to = out->to + i * out->stride;
    __m256 y0 = _mm256_mul_ps(_mm256_cvtepi32_ps(sum0), _mm256_loadu_ps(out->scale));
    __m256 y1 = _mm256_mul_ps(_mm256_cvtepi32_ps(sum1), _mm256_loadu_ps(out->scale + 8));
    if (out->add) {
        y0 = _mm256_add_ps(y0, _mm256_loadu_ps(to));
        y1 = _mm256_add_ps(y1, _mm256_loadu_ps(to + 8));
    }
    _mm256_storeu_ps(to, y0);
    _mm256_storeu_ps(to + 8, y1);
}

#define PR_STORE_SCALED(i) store_scaled(out, i, c##i##0, c##i##1);

/* To sums[6][16], aligned to 32 bytes, or to `out` where that is not NULL; k is even, b holds
 * [k / 2][16][2], of bytes or of 16 bits. */
static inline __attribute__((always_inline)) void tile_6x16_to(const int16_t *const rows[ROWS],
                                                               const void *b, int64_t k,
                                                               int32_t *sums, const scaled *out,
                                                               bool bytes)
{
    const int16_t *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3], *r4 = rows[4],
                  *r5 = rows[5];
    __m256i c00 = _mm256_setzero_si256(), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00;
    __m256i c30 = c00, c31 = c00, c40 = c00, c41 = c00, c50 = c00, c51 = c00;
    int64_t p = 0;
    for (; p + 4 <= k; p += 4) {
        __m256i b0 = weights_at(b, p * 16, bytes), b1 = weights_at(b, p * 16 + 16, bytes), x;
        PR_EACH(PR_STEP, 0)
        b0 = weights_at(b, p * 16 + 32, bytes);
        b1 = weights_at(b, p * 16 + 48, bytes);
        PR_EACH(PR_STEP, 2)
    }
    if (p < k) {
        __m256i b0 = weights_at(b, p * 16, bytes), b1 = weights_at(b, p * 16 + 16, bytes), x;
        PR_EACH(PR_STEP, 0)
    }
    if (out) {
        PR_STORE_SCALED(0)
        PR_STORE_SCALED(1)
        PR_STORE_SCALED(2)
        PR_STORE_SCALED(3)
        PR_STORE_SCALED(4)
        PR_STORE_SCALED(5)
        return;
    }
    PR_STORE(0)
    PR_STORE(1)
    PR_STORE(2)
    PR_STORE(3)
    PR_STORE(4)
    PR_STORE(5)
}

static inline void tile_6x16(const int16_t *const rows[ROWS], const void *b, int64_t k,
                             int32_t *sums, bool bytes)
{
    tile_6x16_to(rows, b, k, sums, NULL, bytes);
}

static inline void tile_6x16_scaled(const int16_t *const rows[ROWS], const void *b, int64_t k,
                                    const scaled *out)
{
    tile_6x16_to(rows, b, k, NULL, out, false);
}

/* Narrow last block, b holds [k / 2][8][2]. */
static inline void tile_6x8(const int16_t *const rows[ROWS], const void *b, int64_t k,
                            int32_t *sums, bool bytes)
{
    __m256i c[ROWS];
    for (int i = 0; i < ROWS; i++) c[i] = _mm256_setzero_si256();
    for (int64_t p = 0; p < k; p += 2) {
        __m256i b0 = weights_at(b, p * 8, bytes);
        for (int i = 0; i < ROWS; i++) {
            c[i] = _mm256_add_epi32(c[i], _mm256_madd_epi16(pair_at(rows[i], p), b0));
        }
    }
    for (int i = 0; i < ROWS; i++) {
        store8(sums + 16 * i, c[i]);
        store8(sums + 16 * i + 8, _mm256_setzero_si256());
    }
}

#undef PR_ADD
#undef PR_EACH
#undef PR_STEP
#undef PR_STORE
#undef PR_STORE_SCALED

#endif
