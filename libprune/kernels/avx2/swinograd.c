/* 3 x 3 convolution of floats by Winograd's F(2 x 2, 3 x 3) and F(4 x 4, 3 x 3) (Lavin and Gray
 * 2016): 16 multiplications for four outputs, or 36 for sixteen, instead of 36 or 144. Sums are
 * regrouped: results differ from those of a direct convolution by rounding. F(4 x 4) has the points
 * 0, +-sqrt(1/2), +-sqrt(2), which round less than 0, +-1, +-2: an error (RMS over the standard
 * deviation, 64 channels of uniform numbers) of 8e-7 instead of 16e-7, at most 5e-6 instead of
 * 16e-6. The matrices of one position share a block of columns: it stays in the first-level cache
 * while the tiles of a run pass. */
#include "libprune/kernels/avx2/avx2.h"
#include "libprune/kernels/avx2/math.h"
#include "libprune/kernels/avx2/stile.h"
#include "libprune/kernels/winograd.h"

#include <string.h>

#define PR_INLINE static inline __attribute__((always_inline))

enum { LANES = 8, COLUMNS = 16, MOST_TILES = 48, VALUES_BYTES = 192 << 10, LINE = 16 };

#define ROOT 1.41421356f /* of 2 */

/* Memory of a lane: zeros for padding, transformed inputs [position][tile][pitch], sums of a block
 * of columns [position][tile][COLUMNS]. Inputs and sums stay in the second-level cache together;
 * positions lie an odd number of cache lines apart. */
typedef struct layout {
    int64_t pixels, tiles, pitch;
    int64_t value_step, sum_step; /* from position to position */
    int64_t value_at, sum_at, floats;
} layout;

static layout layout_of(const pr_conv *conv)
{
    layout l = {.pixels = pr_winograd_pixels(pr_winograd_tile(conv->b->kind))};
    l.pitch = (conv->channels + LANES - 1) / LANES * LANES;
    l.tiles = VALUES_BYTES / (l.pixels * l.pitch * (int64_t)sizeof(float)) / ROWS * ROWS;
    l.tiles = l.tiles < ROWS ? ROWS : l.tiles > MOST_TILES ? MOST_TILES : l.tiles;
    l.value_step = (l.tiles * l.pitch + LINE - 1) / LINE * LINE;
    l.sum_step = l.tiles * COLUMNS + LINE;
    if (l.value_step / LINE % 2 == 0) l.value_step += LINE;
    l.value_at = (l.pitch + LINE - 1) / LINE * LINE;
    l.sum_at = l.value_at + l.pixels * l.value_step;
    l.floats = l.sum_at + l.pixels * l.sum_step;
    return l;
}

size_t pr_avx2_f32_winograd_bytes(const pr_conv *conv)
{
    return (size_t)layout_of(conv).floats * sizeof(float);
}

PR_INLINE __m256 times_plus(float a, __m256 b, __m256 c)
{
    return _mm256_fmadd_ps(_mm256_set1_ps(a), b, c);
}

/* B^T d, along one axis. */
PR_INLINE void transform_line(int tile, const __m256 *d, __m256 *v)
{
    if (tile == 2) {
        v[0] = _mm256_sub_ps(d[0], d[2]);
        v[1] = _mm256_add_ps(d[1], d[2]);
        v[2] = _mm256_sub_ps(d[2], d[1]);
        v[3] = _mm256_sub_ps(d[1], d[3]);
        return;
    }
    const __m256 a = times_plus(-2, d[1], d[3]), b = times_plus(-2, d[2], d[4]);
    const __m256 f = times_plus(-0.5f, d[1], d[3]), g = times_plus(-0.5f, d[2], d[4]);
    v[0] = times_plus(-2.5f, d[2], _mm256_add_ps(d[0], d[4]));
    v[1] = times_plus(ROOT / 2, a, b);
    v[2] = times_plus(-ROOT / 2, a, b);
    v[3] = times_plus(ROOT, f, g);
    v[4] = times_plus(-ROOT, f, g);
    v[5] = times_plus(-2.5f, d[3], _mm256_add_ps(d[1], d[5]));
}

/* B^T d B of eight channels; position p goes to to + p * step. */
PR_INLINE void transform_input(int tile, const float *const *pixel, int64_t at, float *to,
                               int64_t step)
{
    enum { N = PR_WINOGRAD_TILE + 2 };
    const int n = tile + 2;
    __m256 t[N * N], d[N], v[N];
    for (int x = 0; x < n; x++) {
        for (int y = 0; y < n; y++) d[y] = _mm256_loadu_ps(pixel[y * n + x] + at);
        transform_line(tile, d, v);
        for (int y = 0; y < n; y++) t[y * n + x] = v[y];
    }
    for (int y = 0; y < n; y++) {
        transform_line(tile, t + y * n, v);
        for (int x = 0; x < n; x++, to += step) _mm256_storeu_ps(to, v[x]);
    }
}

/* A^T m, along one axis. */
PR_INLINE void finish_line(int tile, const __m256 *m, __m256 *y)
{
    const __m256 p = _mm256_add_ps(m[1], m[2]), q = _mm256_sub_ps(m[1], m[2]);
    if (tile == 2) {
        y[0] = _mm256_add_ps(m[0], p);
        y[1] = _mm256_sub_ps(q, m[3]);
        return;
    }
    const __m256 r = _mm256_add_ps(m[3], m[4]), s = _mm256_sub_ps(m[3], m[4]);
    y[0] = _mm256_add_ps(_mm256_add_ps(m[0], p), r);
    y[1] = _mm256_mul_ps(_mm256_set1_ps(ROOT / 2), times_plus(2, s, q));
    y[2] = _mm256_mul_ps(_mm256_set1_ps(0.5f), times_plus(4, r, p));
    y[3] = times_plus(ROOT / 4, q, times_plus(2 * ROOT, s, m[5]));
}

/* Sixteen columns of one tile: tile * tile rows of sums. Position p of m is `step` away. */
PR_INLINE void transform_output(int tile, const float *m, int64_t step, float *sums)
{
    enum { T = PR_WINOGRAD_TILE, N = T + 2 };
    const int n = tile + 2;
    for (int half = 0; half < COLUMNS; half += LANES, m += LANES, sums += LANES) {
        __m256 t[T * N], v[N], y[T];
        for (int x = 0; x < n; x++) {
            for (int i = 0; i < n; i++) v[i] = _mm256_loadu_ps(m + (i * n + x) * step);
            finish_line(tile, v, y);
            for (int i = 0; i < tile; i++) t[i * n + x] = y[i];
        }
        for (int i = 0; i < tile; i++) {
            finish_line(tile, t + i * n, y);
            for (int x = 0; x < tile; x++) _mm256_storeu_ps(sums + (i * tile + x) * COLUMNS, y[x]);
        }
    }
}

/* Tiles against one block of columns. */
static void multiply_block(const layout *l, int64_t tiles, const float *values, const float *block,
                           int64_t wide, int64_t k, float *sums)
{
    for (int64_t p = 0; p < l->pixels; p++) {
        const float *from = values + p * l->value_step, *b = block + p * wide * k;
        float *to = sums + p * l->sum_step;
        for (int64_t i = 0; i < tiles; i += ROWS) {
            const float *rows[ROWS];
            row_pointers(rows, from + i * l->pitch, l->pitch, tiles - i < ROWS ? tiles - i : ROWS);
            if (wide == COLUMNS) {
                tile_6x16(rows, b, k, to + i * COLUMNS, COLUMNS, false);
            } else {
                tile_6x8(rows, b, k, to + i * COLUMNS);
            }
        }
    }
}

/* Tiles [first, first + tiles) from their transformed inputs. */
PR_INLINE void multiply_tiles(int tile, const pr_conv *conv, const pr_epilogue *e, const layout *l,
                              int64_t first, int64_t tiles, const float *values, float *sums)
{
    const pr_packed *b = conv->b;
    const pr_tiling tiling = pr_tiling_of(conv);
    const float *block = b->data;
    for (int64_t c = 0; c < b->n;) {
        const int64_t wide = pr_block_columns(b->n - c, LANES);
        const int64_t columns = b->n - c < wide ? b->n - c : wide;
        multiply_block(l, tiles, values, block, wide, conv->channels, sums);
        for (int64_t i = 0; i < tiles; i++) {
            float own[PR_WINOGRAD_TILE * PR_WINOGRAD_TILE * COLUMNS];
            transform_output(tile, sums + i * COLUMNS, l->sum_step, own);
            const pr_tile_outputs out = pr_tile_outputs_of(conv, tiling, first + i, 0);
            for (int64_t y = 0; y < out.lines; y++)
                finish_f32(e, out.first + y * out.line_step, out.columns, c, columns,
                           own + y * tile * COLUMNS, COLUMNS);
        }
        block += l->pixels * wide * conv->channels;
        c += wide;
    }
}

PR_INLINE void convolve(int tile, const pr_conv *conv, const pr_epilogue *e, int64_t begin,
                        int64_t end, float *memory)
{
    const layout l = layout_of(conv);
    const pr_tiling tiling = pr_tiling_of(conv);
    float *zeros = memory, *values = memory + l.value_at, *sums = memory + l.sum_at;
    memset(zeros, 0, (size_t)l.pitch * sizeof *zeros);
    for (int64_t first = begin; first < end; first += l.tiles) {
        const int64_t tiles = end - first < l.tiles ? end - first : l.tiles;
        for (int64_t i = 0; i < tiles; i++) {
            const float *pixel[PR_WINOGRAD_PIXELS];
            int64_t from[PR_WINOGRAD_PIXELS];
            pr_tile_pixels(conv, tiling, first + i, from);
            for (int j = 0; j < (tile + 2) * (tile + 2); j++)
                pixel[j] = from[j] < 0 ? zeros : (const float *)conv->image + from[j];
            for (int64_t c = 0; c < conv->channels; c += LANES) {
                /* The last lanes overlap those before them. */
                int64_t at = c + LANES <= conv->channels ? c : conv->channels - LANES;
                transform_input(tile, pixel, at, values + i * l.pitch + at, l.value_step);
            }
        }
        multiply_tiles(tile, conv, e, &l, first, tiles, values, sums);
    }
}

void pr_avx2_f32_winograd(const pr_conv *conv, const pr_epilogue *e, int64_t begin, int64_t end,
                          void *memory)
{
    if (conv->b->kind == PR_PACK_WINOGRAD2) {
        convolve(2, conv, e, begin, end, memory);
    } else {
        convolve(4, conv, e, begin, end, memory);
    }
}
