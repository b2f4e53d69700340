/* Tiles of floats: six rows against a block of 16 or 8 columns. */
#ifndef PR_KERNELS_AVX2_STILE_H
#define PR_KERNELS_AVX2_STILE_H

#include "libprune/kernels/intrinsics.h"

#include <stdbool.h>
#include <stdint.h>

enum { ROWS = 6 };

/* Pointers of a tile's rows; past the last row they repeat it, and the result is not stored. */
static inline void row_pointers(const float *rows[ROWS], const float *a, int64_t lda, int64_t left)
{
    for (int64_t i = 0; i < ROWS; i++) rows[i] = a + (i < left ? i : left - 1) * lda;
}

#define PR_LOAD(i)                                                                                 \
    c##i##0 = _mm256_loadu_ps(to + (i)*stride);                                                    \
    c##i##1 = _mm256_loadu_ps(to + (i)*stride + 8);

#define PR_STEP(i)                                                                                 \
    x = _mm256_broadcast_ss(r##i + p);                                                             \
    c##i##0 = _mm256_fmadd_ps(x, b0, c##i##0);                                                     \
    c##i##1 = _mm256_fmadd_ps(x, b1, c##i##1);

#define PR_STORE(i)                                                                                \
    _mm256_storeu_ps(to + (i)*stride, c##i##0);                                                    \
    _mm256_storeu_ps(to + (i)*stride + 8, c##i##1);

/* Row i of the result goes to to + i * stride; `add` starts from what is there. */
static inline void tile_6x16(const float *const rows[ROWS], const float *b, int64_t k, float *to,
                             int64_t stride, bool add)
{
    const float *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3], *r4 = rows[4],
                *r5 = rows[5];
    __m256 c00 = _mm256_setzero_ps(), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00;
    __m256 c30 = c00, c31 = c00, c40 = c00, c41 = c00, c50 = c00, c51 = c00;
    if (add) {
        PR_LOAD(0)
        PR_LOAD(1)
        PR_LOAD(2)
        PR_LOAD(3)
        PR_LOAD(4)
        PR_LOAD(5)
    }
    for (int64_t p = 0; p < k; p++) {
        __m256 b0 = _mm256_load_ps(b), b1 = _mm256_load_ps(b + 8), x;
        b += 16;
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

/* Narrow last block: 6 x 8, written with the same row stride of 16. Two chains per row hide the
 * latency that six accumulators alone would not. */
static inline void tile_6x8(const float *const rows[ROWS], const float *b, int64_t k, float *tile)
{
    __m256 c[ROWS], d[ROWS];
    for (int i = 0; i < ROWS; i++) c[i] = d[i] = _mm256_setzero_ps();
    int64_t p = 0;
    for (; p + 2 <= k; p += 2) {
        __m256 b0 = _mm256_load_ps(b + p * 8), b1 = _mm256_load_ps(b + p * 8 + 8);
        for (int i = 0; i < ROWS; i++) {
            c[i] = _mm256_fmadd_ps(_mm256_broadcast_ss(rows[i] + p), b0, c[i]);
            d[i] = _mm256_fmadd_ps(_mm256_broadcast_ss(rows[i] + p + 1), b1, d[i]);
        }
    }
    for (int i = 0; i < ROWS; i++) {
        if (p < k) {
            c[i] =
                _mm256_fmadd_ps(_mm256_broadcast_ss(rows[i] + p), _mm256_load_ps(b + p * 8), c[i]);
        }
        _mm256_store_ps(tile + i * 16, _mm256_add_ps(c[i], d[i]));
        _mm256_store_ps(tile + i * 16 + 8, _mm256_setzero_ps());
    }
}

#undef PR_LOAD
#undef PR_STEP
#undef PR_STORE

#endif
