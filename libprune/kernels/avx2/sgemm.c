/* FP32 panels: 6 rows x 16 columns in twelve accumulators, weights streamed, rows broadcast. */
#include "libprune/kernels/avx2/avx2.h"
#include "libprune/kernels/avx2/math.h"

enum { ROWS = 6 };

/* Pointers of a tile's rows; past the last row they repeat it, and the result is not stored. */
static inline void row_pointers(const float *rows[ROWS], const float *a, int64_t lda, int64_t left)
{
    for (int64_t i = 0; i < ROWS; i++) rows[i] = a + (i < left ? i : left - 1) * lda;
}

/* tile[6][16] = rows x block, k steps. */
static inline void tile_6x16(const float *const rows[ROWS], const float *b, int64_t k, float *tile)
{
    const float *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3], *r4 = rows[4],
                *r5 = rows[5];
    __m256 c00 = _mm256_setzero_ps(), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00;
    __m256 c30 = c00, c31 = c00, c40 = c00, c41 = c00, c50 = c00, c51 = c00;
    for (int64_t p = 0; p < k; p++) {
        __m256 b0 = _mm256_load_ps(b), b1 = _mm256_load_ps(b + 8), x;
        b += 16;
        x = _mm256_broadcast_ss(r0 + p);
        c00 = _mm256_fmadd_ps(x, b0, c00);
        c01 = _mm256_fmadd_ps(x, b1, c01);
        x = _mm256_broadcast_ss(r1 + p);
        c10 = _mm256_fmadd_ps(x, b0, c10);
        c11 = _mm256_fmadd_ps(x, b1, c11);
        x = _mm256_broadcast_ss(r2 + p);
        c20 = _mm256_fmadd_ps(x, b0, c20);
        c21 = _mm256_fmadd_ps(x, b1, c21);
        x = _mm256_broadcast_ss(r3 + p);
        c30 = _mm256_fmadd_ps(x, b0, c30);
        c31 = _mm256_fmadd_ps(x, b1, c31);
        x = _mm256_broadcast_ss(r4 + p);
        c40 = _mm256_fmadd_ps(x, b0, c40);
        c41 = _mm256_fmadd_ps(x, b1, c41);
        x = _mm256_broadcast_ss(r5 + p);
        c50 = _mm256_fmadd_ps(x, b0, c50);
        c51 = _mm256_fmadd_ps(x, b1, c51);
    }
    _mm256_store_ps(tile, c00);
    _mm256_store_ps(tile + 8, c01);
    _mm256_store_ps(tile + 16, c10);
    _mm256_store_ps(tile + 24, c11);
    _mm256_store_ps(tile + 32, c20);
    _mm256_store_ps(tile + 40, c21);
    _mm256_store_ps(tile + 48, c30);
    _mm256_store_ps(tile + 56, c31);
    _mm256_store_ps(tile + 64, c40);
    _mm256_store_ps(tile + 72, c41);
    _mm256_store_ps(tile + 80, c50);
    _mm256_store_ps(tile + 88, c51);
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

/* A few outputs (the last convolution of a depth network has one): reduce along k instead. */
static void thin_panel(int64_t m, const float *a, int64_t lda, const pr_packed *b,
                       const pr_epilogue *e, int64_t row)
{
    const float *w = b->data;
    for (int64_t i = 0; i < m; i++) {
        float y[16] = {0};
        for (int64_t o = 0; o < b->n; o++) {
            const float *x = a + i * lda, *v = w + o * b->k_padded;
            __m256 s0 = _mm256_setzero_ps(), s1 = s0;
            int64_t p = 0;
            for (; p + 16 <= b->k; p += 16) {
                s0 = _mm256_fmadd_ps(_mm256_loadu_ps(x + p), _mm256_loadu_ps(v + p), s0);
                s1 = _mm256_fmadd_ps(_mm256_loadu_ps(x + p + 8), _mm256_loadu_ps(v + p + 8), s1);
            }
            if (p + 8 <= b->k) {
                s0 = _mm256_fmadd_ps(_mm256_loadu_ps(x + p), _mm256_loadu_ps(v + p), s0);
                p += 8;
            }
            float sum = sum8(_mm256_add_ps(s0, s1));
            for (; p < b->k; p++) sum += x[p] * v[p];
            y[o] = sum + (e->bias ? e->bias[o] : 0.0f);
        }
        finish16(e, row + i, 0, b->n, _mm256_loadu_ps(y), _mm256_loadu_ps(y + 8));
    }
}

void pr_avx2_f32_panel(int64_t m, const float *a, int64_t lda, const pr_packed *b,
                       const pr_epilogue *e, int64_t row)
{
    if (b->thin) {
        thin_panel(m, a, lda, b, e, row);
        return;
    }
    _Alignas(64) float tile[ROWS * 16];
    const float *block = b->data;
    for (int64_t c = 0; c < b->n;) {
        int64_t wide = pr_block_columns(b->n - c, 8);
        int64_t columns = b->n - c < wide ? b->n - c : wide;
        __m256 b0 = _mm256_setzero_ps(), b1 = b0;
        if (e->bias) {
            b0 = _mm256_loadu_ps(e->bias + c);
            b1 = _mm256_loadu_ps(e->bias + c + 8);
        }
        for (int64_t i = 0; i < m; i += ROWS) {
            const float *rows[ROWS];
            int64_t left = m - i < ROWS ? m - i : ROWS;
            row_pointers(rows, a + i * lda, lda, left);
            if (wide == 16) {
                tile_6x16(rows, block, b->k, tile);
            } else {
                tile_6x8(rows, block, b->k, tile);
            }
            for (int64_t j = 0; j < left; j++) {
                finish16(e, row + i + j, c, columns,
                         _mm256_add_ps(_mm256_load_ps(tile + j * 16), b0),
                         _mm256_add_ps(_mm256_load_ps(tile + j * 16 + 8), b1));
            }
        }
        block += wide * b->k_padded;
        c += wide;
    }
}
