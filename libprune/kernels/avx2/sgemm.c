/* FP32 panels: 6 rows x 16 columns in twelve accumulators, weights streamed, rows broadcast. */
#include "libprune/kernels/avx2/avx2.h"
#include "libprune/kernels/avx2/math.h"
#include "libprune/kernels/avx2/stile.h"

/* sum + the products of k values, by lanes. */
static inline __m256 dot8(__m256 sum, const float *x, const float *w, int64_t k)
{
    __m256 other = _mm256_setzero_ps();
    int64_t p = 0;
    for (; p + 16 <= k; p += 16) {
        sum = _mm256_fmadd_ps(_mm256_loadu_ps(x + p), _mm256_loadu_ps(w + p), sum);
        other = _mm256_fmadd_ps(_mm256_loadu_ps(x + p + 8), _mm256_loadu_ps(w + p + 8), other);
    }
    if (p + 8 <= k) {
        sum = _mm256_fmadd_ps(_mm256_loadu_ps(x + p), _mm256_loadu_ps(w + p), sum);
        p += 8;
    }
    if (p < k) {
        float tail[2][8] = {{0}, {0}};
        for (int64_t i = 0; p + i < k; i++) {
            tail[0][i] = x[p + i];
            tail[1][i] = w[p + i];
        }
        other = _mm256_fmadd_ps(_mm256_loadu_ps(tail[0]), _mm256_loadu_ps(tail[1]), other);
    }
    return _mm256_add_ps(sum, other);
}

/* The eight sums over lanes of eight vectors. */
static inline __m256 sums_of_8(const __m256 v[8])
{
    __m256 a = _mm256_hadd_ps(_mm256_hadd_ps(v[0], v[1]), _mm256_hadd_ps(v[2], v[3]));
    __m256 b = _mm256_hadd_ps(_mm256_hadd_ps(v[4], v[5]), _mm256_hadd_ps(v[6], v[7]));
    return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}

/* v[j] += the products of `run` values, by lanes, for the rows that begin at x + at[j]. Eight sums
 * hide the latency of each other, and share the loads of w. */
static inline void dots_of_8(__m256 v[8], const float *x, const int64_t at[8], const float *w,
                             int64_t run)
{
    int64_t p = 0;
    for (; p + 8 <= run; p += 8, x += 8) {
        const __m256 weights = _mm256_loadu_ps(w + p);
        for (int j = 0; j < 8; j++)
            v[j] = _mm256_fmadd_ps(_mm256_loadu_ps(x + at[j]), weights, v[j]);
    }
    if (p < run) {
        const __m256i mask = lanes_below(run - p);
        const __m256 weights = _mm256_maskload_ps(w + p, mask);
        for (int j = 0; j < 8; j++)
            v[j] = _mm256_fmadd_ps(_mm256_maskload_ps(x + at[j], mask), weights, v[j]);
    }
}

/* The sums of eight rows, the first of them at lines[part] + first * step; past the last row they
 * repeat it, and the result is not stored. */
static inline __m256 single_8(const float *const *lines, int64_t parts, int64_t first, int64_t left,
                              int64_t step, const pr_packed *b)
{
    const float *w = b->data;
    const int64_t run = b->k / parts;
    int64_t at[8];
    __m256 v[8];
    for (int64_t j = 0; j < 8; j++) {
        at[j] = (j < left ? j : left - 1) * step;
        v[j] = _mm256_setzero_ps();
    }
    for (int64_t p = 0; p < parts; p++)
        if (lines[p]) dots_of_8(v, lines[p] + first * step, at, w + p * run, run);
    return sums_of_8(v);
}

/* Rows without gaps: sixteen of them are finished as if they were columns. */
void pr_avx2_f32_single(int64_t m, const float *const *lines, int64_t parts, int64_t step,
                        const pr_packed *b, const pr_epilogue *e, int64_t row)
{
    const __m256 bias = _mm256_set1_ps(e->bias ? e->bias[0] : 0.0f);
    pr_epilogue flat = *e;
    flat.out_stride = 0;
    for (int64_t i = 0; i < m; i += 16) {
        const int64_t rows = m - i < 16 ? m - i : 16;
        __m256 y0 = single_8(lines, parts, i, rows, step, b), y1 = y0;
        if (rows > 8) y1 = single_8(lines, parts, i + 8, rows - 8, step, b);
        finish16(&flat, 0, row + i, rows, _mm256_add_ps(y0, bias), _mm256_add_ps(y1, bias));
    }
}

/* A few outputs (the last convolution of a depth network has one): reduce along k instead. */
static void thin_panel(int64_t m, const float *a, int64_t lda, const pr_packed *b,
                       const pr_epilogue *e, int64_t row)
{
    const float *w = b->data;
    bool dense =
        !e->place && e->out_stride == 1 && (!e->residual || e->residual_stride == 1) && !e->out8;
    if (b->n == 1 && dense) {
        pr_avx2_f32_single(m, &a, 1, lda, b, e, row);
        return;
    }
    for (int64_t i = 0; i < m; i++) {
        float y[16] = {0};
        for (int64_t o = 0; o < b->n; o++) {
            y[o] = sum8(dot8(_mm256_setzero_ps(), a + i * lda, w + o * b->k_padded, b->k));
            y[o] += e->bias ? e->bias[o] : 0.0f;
        }
        finish16(e, row + i, 0, b->n, _mm256_loadu_ps(y), _mm256_loadu_ps(y + 8));
    }
}

static inline void copy_run(float *to, const float *from, int64_t run)
{
    if (run < 8) {
        for (int64_t i = 0; i < run; i++) to[i] = from[i];
        return;
    }
    int64_t i = 0;
    for (; i + 8 <= run; i += 8) _mm256_storeu_ps(to + i, _mm256_loadu_ps(from + i));
    if (i < run) _mm256_storeu_ps(to + run - 8, _mm256_loadu_ps(from + run - 8));
}

void pr_avx2_f32_gather(float *to, int64_t to_stride, const float *line, const int32_t *offset,
                        int64_t step, int64_t rows, int64_t taps, int64_t run, const float *fill)
{
    for (int64_t r = 0; r < rows; r++, offset += step, to += to_stride) {
        for (int64_t t = 0; t < taps; t++) {
            copy_run(to + t * run, offset[t] < 0 ? fill : line + offset[t], run);
        }
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
    bool plain = pr_epilogue_is_plain(e);
    for (int64_t c = 0; c < b->n;) {
        int64_t wide = pr_block_columns(b->n - c, 8);
        int64_t columns = b->n - c < wide ? b->n - c : wide;
        for (int64_t i = 0; i < m; i += ROWS) {
            const float *rows[ROWS];
            int64_t left = m - i < ROWS ? m - i : ROWS;
            row_pointers(rows, a + i * lda, lda, left);
            if (plain && left == ROWS && columns == 16) {
                tile_6x16(rows, block, b->k, e->out + (row + i) * e->out_stride + c, e->out_stride,
                          e->residual != NULL);
                continue;
            }
            if (wide == 16) {
                tile_6x16(rows, block, b->k, tile, 16, false);
            } else {
                tile_6x8(rows, block, b->k, tile);
            }
            finish_f32(e, row + i, left, c, columns, tile, 16);
        }
        block += wide * b->k_padded;
        c += wide;
    }
}
