/* FP32 panels: 12 rows x 32 columns in 24 accumulators. */
#include "libprune/kernels/avx512/avx512.h"
#include "libprune/kernels/avx512/math.h"

enum { ROWS = 12, LANES = 16 };

#define PR_LOAD(i)                                                                                 \
    a##i = _mm512_loadu_ps(to + (i)*stride);                                                       \
    b##i = _mm512_loadu_ps(to + (i)*stride + LANES);

#define PR_STEP(i)                                                                                 \
    x = _mm512_set1_ps(rows[i][p]);                                                                \
    a##i = _mm512_fmadd_ps(x, w0, a##i);                                                           \
    b##i = _mm512_fmadd_ps(x, w1, b##i);                                                           \
    PR_PIN(a##i);                                                                                  \
    PR_PIN(b##i);

#define PR_STORE(i)                                                                                \
    _mm512_storeu_ps(to + (i)*stride, a##i);                                                       \
    _mm512_storeu_ps(to + (i)*stride + LANES, b##i);

#define PR_STEP_NARROW(i)                                                                          \
    a##i = _mm512_fmadd_ps(_mm512_set1_ps(rows[i][p]), w, a##i);                                   \
    PR_PIN(a##i);

#define PR_STORE_NARROW(i) _mm512_storeu_ps(to + (i)*stride, a##i);

/* Row i of the result goes to to + i * stride; `add` starts from what is there. */
static __attribute__((noinline)) void tile_12x32(const float *const rows[ROWS], const float *b,
                                                 int64_t k, float *to, int64_t stride, bool add)
{
    __m512 a0 = _mm512_setzero_ps(), b0 = a0;
    __m512 a1 = _mm512_setzero_ps(), b1 = a1;
    __m512 a2 = _mm512_setzero_ps(), b2 = a2;
    __m512 a3 = _mm512_setzero_ps(), b3 = a3;
    __m512 a4 = _mm512_setzero_ps(), b4 = a4;
    __m512 a5 = _mm512_setzero_ps(), b5 = a5;
    __m512 a6 = _mm512_setzero_ps(), b6 = a6;
    __m512 a7 = _mm512_setzero_ps(), b7 = a7;
    __m512 a8 = _mm512_setzero_ps(), b8 = a8;
    __m512 a9 = _mm512_setzero_ps(), b9 = a9;
    __m512 a10 = _mm512_setzero_ps(), b10 = a10;
    __m512 a11 = _mm512_setzero_ps(), b11 = a11;
    if (add) {
        PR_LOAD(0)
        PR_LOAD(1)
        PR_LOAD(2)
        PR_LOAD(3)
        PR_LOAD(4)
        PR_LOAD(5)
        PR_LOAD(6)
        PR_LOAD(7)
        PR_LOAD(8)
        PR_LOAD(9)
        PR_LOAD(10)
        PR_LOAD(11)
    }
    for (int64_t p = 0; p < k; p++) {
        __m512 w0 = _mm512_loadu_ps(b), w1 = _mm512_loadu_ps(b + LANES), x;
        b += 2 * LANES;
        PR_STEP(0)
        PR_STEP(1)
        PR_STEP(2)
        PR_STEP(3)
        PR_STEP(4)
        PR_STEP(5)
        PR_STEP(6)
        PR_STEP(7)
        PR_STEP(8)
        PR_STEP(9)
        PR_STEP(10)
        PR_STEP(11)
    }
    PR_STORE(0)
    PR_STORE(1)
    PR_STORE(2)
    PR_STORE(3)
    PR_STORE(4)
    PR_STORE(5)
    PR_STORE(6)
    PR_STORE(7)
    PR_STORE(8)
    PR_STORE(9)
    PR_STORE(10)
    PR_STORE(11)
}

/* Narrow last block. */
static __attribute__((noinline)) void tile_12x16(const float *const rows[ROWS], const float *b,
                                                 int64_t k, float *to, int64_t stride)
{
    __m512 a0 = _mm512_setzero_ps();
    __m512 a1 = _mm512_setzero_ps();
    __m512 a2 = _mm512_setzero_ps();
    __m512 a3 = _mm512_setzero_ps();
    __m512 a4 = _mm512_setzero_ps();
    __m512 a5 = _mm512_setzero_ps();
    __m512 a6 = _mm512_setzero_ps();
    __m512 a7 = _mm512_setzero_ps();
    __m512 a8 = _mm512_setzero_ps();
    __m512 a9 = _mm512_setzero_ps();
    __m512 a10 = _mm512_setzero_ps();
    __m512 a11 = _mm512_setzero_ps();
    for (int64_t p = 0; p < k; p++) {
        __m512 w = _mm512_loadu_ps(b);
        b += LANES;
        PR_STEP_NARROW(0)
        PR_STEP_NARROW(1)
        PR_STEP_NARROW(2)
        PR_STEP_NARROW(3)
        PR_STEP_NARROW(4)
        PR_STEP_NARROW(5)
        PR_STEP_NARROW(6)
        PR_STEP_NARROW(7)
        PR_STEP_NARROW(8)
        PR_STEP_NARROW(9)
        PR_STEP_NARROW(10)
        PR_STEP_NARROW(11)
    }
    PR_STORE_NARROW(0)
    PR_STORE_NARROW(1)
    PR_STORE_NARROW(2)
    PR_STORE_NARROW(3)
    PR_STORE_NARROW(4)
    PR_STORE_NARROW(5)
    PR_STORE_NARROW(6)
    PR_STORE_NARROW(7)
    PR_STORE_NARROW(8)
    PR_STORE_NARROW(9)
    PR_STORE_NARROW(10)
    PR_STORE_NARROW(11)
}

void pr_avx512_f32_gather(float *to, int64_t to_stride, const float *line, const int32_t *offset,
                          int64_t step, int64_t rows, int64_t taps, int64_t run, const float *fill)
{
    for (int64_t r = 0; r < rows; r++, offset += step, to += to_stride) {
        for (int64_t t = 0; t < taps; t++) {
            const float *from = offset[t] < 0 ? fill : line + offset[t];
            for (int64_t i = 0; i < run; i += LANES) {
                const __mmask16 mask = (__mmask16)(0xffffu >> (run - i < 16 ? 16 - (run - i) : 0));
                _mm512_mask_storeu_ps(to + t * run + i, mask,
                                      _mm512_maskz_loadu_ps(mask, from + i));
            }
        }
    }
}

void pr_avx512_f32_panel(int64_t m, const float *a, int64_t lda, const pr_packed *b,
                         const pr_epilogue *e, int64_t row)
{
    if (b->thin) {
        pr_avx2_f32_panel(m, a, lda, b, e, row);
        return;
    }
    float tile[ROWS * 2 * LANES];
    const float *block = b->data;
    bool plain = pr_epilogue_is_plain(e);
    for (int64_t c = 0; c < b->n;) {
        int64_t wide = pr_block_columns(b->n - c, LANES);
        for (int64_t i = 0; i < m; i += ROWS) {
            const float *rows[ROWS];
            int64_t left = m - i < ROWS ? m - i : ROWS;
            for (int64_t j = 0; j < ROWS; j++) {
                rows[j] = a + (i + (j < left ? j : left - 1)) * lda;
            }
            if (plain && left == ROWS && wide == 2 * LANES && b->n - c >= wide) {
                tile_12x32(rows, block, b->k, e->out + (row + i) * e->out_stride + c, e->out_stride,
                           e->residual != NULL);
                continue;
            }
            if (wide == 2 * LANES) {
                tile_12x32(rows, block, b->k, tile, 2 * LANES, false);
            } else {
                tile_12x16(rows, block, b->k, tile, 2 * LANES);
            }
            for (int64_t d = 0; d < wide && c + d < b->n; d += 16) {
                int64_t columns = b->n - c - d < 16 ? b->n - c - d : 16;
                finish16_f32(e, row + i, left, c + d, columns, tile + d, 2 * LANES);
            }
        }
        block += wide * b->k_padded;
        c += wide;
    }
}
