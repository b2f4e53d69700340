/* FP32 panels: 6 rows x 16 columns in twelve accumulators, weights streamed, rows broadcast. */
#include "libprune/kernels/avx2/avx2.h"
#include "libprune/kernels/avx2/math.h"

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

/* Rows without gaps: sixteen of them are finished as if they were columns. */
void pr_avx2_f32_single(int64_t m, const float *const *lines, int64_t parts, int64_t step,
                        const pr_packed *b, const pr_epilogue *e, int64_t row)
{
    const float *w = b->data;
    pr_epilogue flat = *e;
    int64_t run = b->k / parts;
    __m256 bias = _mm256_set1_ps(e->bias ? e->bias[0] : 0.0f);
    flat.out_stride = 0;
    for (int64_t i = 0; i < m; i += 16) {
        int64_t rows = m - i < 16 ? m - i : 16;
        __m256 v[16];
        for (int64_t j = 0; j < 16; j++) {
            v[j] = _mm256_setzero_ps();
            for (int64_t p = 0; j < rows && p < parts; p++) {
                if (lines[p]) v[j] = dot8(v[j], lines[p] + (i + j) * step, w + p * run, run);
            }
        }
        finish16(&flat, 0, row + i, rows, _mm256_add_ps(sums_of_8(v), bias),
                 _mm256_add_ps(sums_of_8(v + 8), bias));
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

/* Bias and epilogue of a block of up to 16 columns of float sums, rows `stride` floats apart. */
static void finish_f32(const pr_epilogue *e, int64_t r, int64_t rows, int64_t c, int64_t columns,
                       const float *sums, int64_t stride)
{
    __m256 b0 = _mm256_setzero_ps(), b1 = b0;
    if (e->bias) {
        b0 = _mm256_loadu_ps(e->bias + c);
        b1 = _mm256_loadu_ps(e->bias + c + 8);
    }
    for (int64_t i = 0; i < rows; i++, sums += stride) {
        finish16(e, r + i, c, columns, _mm256_add_ps(_mm256_loadu_ps(sums), b0),
                 _mm256_add_ps(_mm256_loadu_ps(sums + 8), b1));
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
