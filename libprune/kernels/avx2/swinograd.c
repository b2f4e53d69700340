/* 3 x 3 convolution of floats by Winograd's F(2 x 2, 3 x 3) (Lavin and Gray 2016): 16
 * multiplications for four outputs instead of 36. Sums are regrouped: results differ from those of
 * a direct convolution by rounding (the transforms add four numbers each way, all weights of B and
 * A are 0 and +-1). The matrices of one position share a block of columns: it stays in L1 while the
 * tiles of a run pass. */
#include "libprune/kernels/avx2/avx2.h"
#include "libprune/kernels/avx2/math.h"
#include "libprune/kernels/avx2/stile.h"
#include "libprune/kernels/driver.h"

#include <string.h>

enum { POSITIONS = 16, LANES = 8, COLUMNS = 16, MOST_TILES = 48, VALUES_BYTES = 192 << 10 };

static int64_t pitch_of(const pr_conv *conv)
{
    return (conv->channels + LANES - 1) / LANES * LANES;
}

/* Tiles whose transformed inputs and sums stay in L2 together. */
static int64_t tiles_of(const pr_conv *conv)
{
    int64_t tile = POSITIONS * pitch_of(conv) * (int64_t)sizeof(float);
    int64_t tiles = VALUES_BYTES / tile / ROWS * ROWS;
    return tiles < ROWS ? ROWS : tiles > MOST_TILES ? MOST_TILES : tiles;
}

/* Zeros for padding, transformed inputs [position][tile][channel], sums [position][tile][16]. */
size_t pr_avx2_f32_winograd_bytes(const pr_conv *conv)
{
    int64_t pitch = pitch_of(conv), tiles = tiles_of(conv);
    return pr_scratch_round((size_t)pitch * sizeof(float)) +
           (size_t)(POSITIONS * tiles * (pitch + COLUMNS)) * sizeof(float);
}

/* B^T d B of eight channels: d[y * 4 + x] in; position p goes to to + p * step. */
static inline void transform_input(const __m256 d[16], float *to, int64_t step)
{
    __m256 t[16];
    for (int x = 0; x < 4; x++) {
        t[x] = _mm256_sub_ps(d[x], d[8 + x]);
        t[4 + x] = _mm256_add_ps(d[4 + x], d[8 + x]);
        t[8 + x] = _mm256_sub_ps(d[8 + x], d[4 + x]);
        t[12 + x] = _mm256_sub_ps(d[4 + x], d[12 + x]);
    }
    for (int y = 0; y < 4; y++) {
        const __m256 *r = t + 4 * y;
        float *row = to + 4 * y * step;
        _mm256_storeu_ps(row, _mm256_sub_ps(r[0], r[2]));
        _mm256_storeu_ps(row + step, _mm256_add_ps(r[1], r[2]));
        _mm256_storeu_ps(row + 2 * step, _mm256_sub_ps(r[2], r[1]));
        _mm256_storeu_ps(row + 3 * step, _mm256_sub_ps(r[1], r[3]));
    }
}

static void transform_tile(const float *const pixel[16], int64_t channels, float *to, int64_t step)
{
    __m256 d[16];
    for (int64_t c = 0; c < channels; c += LANES) {
        /* The last lanes overlap those before them. */
        int64_t at = c + LANES <= channels ? c : channels - LANES;
        for (int i = 0; i < 16; i++) d[i] = _mm256_loadu_ps(pixel[i] + at);
        transform_input(d, to + at, step);
    }
}

/* The sixteen pixels that tile number `tile` reads. */
static void find_pixels(const pr_conv *c, int64_t tile, const float *zeros, const float *pixel[16])
{
    int64_t across = (c->out_width + 1) / 2, down = (c->out_height + 1) / 2, u = c->upsample;
    int64_t y0 = tile / across % down * 2 - c->pad[0], x0 = tile % across * 2 - c->pad[1];
    int64_t width = c->width / u, lines = c->height / u;
    const float *base = (const float *)c->image;
    base += tile / (across * down) * lines * width * c->channels;
    for (int64_t i = 0; i < 16; i++) {
        int64_t y = pr_conv_source(c, y0 + i / 4, c->height);
        int64_t x = pr_conv_source(c, x0 + i % 4, c->width);
        bool inside = y >= 0 && y < c->height && x >= 0 && x < c->width;
        pixel[i] = inside ? base + (y / u * width + x / u) * c->channels : zeros;
    }
}

/* A^T m A of sixteen columns for one tile: four rows of sums. Position p is `step` floats apart. */
static inline void transform_output(const float *m, int64_t step, float *sums)
{
    for (int half = 0; half < COLUMNS; half += LANES) {
        __m256 t[2][4];
        for (int x = 0; x < 4; x++) {
            __m256 v[4];
            for (int y = 0; y < 4; y++) v[y] = _mm256_loadu_ps(m + (y * 4 + x) * step + half);
            t[0][x] = _mm256_add_ps(_mm256_add_ps(v[0], v[1]), v[2]);
            t[1][x] = _mm256_sub_ps(_mm256_sub_ps(v[1], v[2]), v[3]);
        }
        for (int y = 0; y < 2; y++) {
            __m256 a = _mm256_add_ps(_mm256_add_ps(t[y][0], t[y][1]), t[y][2]);
            __m256 b = _mm256_sub_ps(_mm256_sub_ps(t[y][1], t[y][2]), t[y][3]);
            _mm256_storeu_ps(sums + y * 2 * COLUMNS + half, a);
            _mm256_storeu_ps(sums + (y * 2 + 1) * COLUMNS + half, b);
        }
    }
}

/* The sums of one tile through the epilogue, but for those beyond an odd edge. */
static void finish_tile(const pr_conv *c, const pr_epilogue *e, int64_t tile, const float *sums,
                        int64_t column, int64_t columns)
{
    int64_t across = (c->out_width + 1) / 2, down = (c->out_height + 1) / 2;
    int64_t line = tile / (across * down) * c->out_height;
    int64_t y = tile / across % down * 2, x = tile % across * 2;
    int64_t rows = x + 1 < c->out_width ? 2 : 1;
    int64_t at = (line + y) * c->out_width + x - c->origin;
    finish_f32(e, at, rows, column, columns, sums, COLUMNS);
    if (y + 1 < c->out_height) {
        finish_f32(e, at + c->out_width, rows, column, columns, sums + 2 * COLUMNS, COLUMNS);
    }
}

/* `tiles` transformed tiles against one block of columns. */
static void multiply_block(const pr_conv *conv, const float *values, int64_t tiles,
                           const float *block, int64_t wide, float *products)
{
    int64_t pitch = pitch_of(conv), most = tiles_of(conv), k = conv->channels;
    for (int64_t p = 0; p < POSITIONS; p++) {
        const float *from = values + p * most * pitch, *b = block + p * wide * k;
        float *to = products + p * most * COLUMNS;
        for (int64_t i = 0; i < tiles; i += ROWS) {
            const float *rows[ROWS];
            row_pointers(rows, from + i * pitch, pitch, tiles - i < ROWS ? tiles - i : ROWS);
            if (wide == COLUMNS) {
                tile_6x16(rows, b, k, to + i * COLUMNS, COLUMNS, false);
            } else {
                tile_6x8(rows, b, k, to + i * COLUMNS);
            }
        }
    }
}

void pr_avx2_f32_winograd(const pr_conv *conv, const pr_epilogue *e, int64_t begin, int64_t end,
                          void *memory)
{
    const pr_packed *b = conv->b;
    int64_t pitch = pitch_of(conv), most = tiles_of(conv);
    float *zeros = memory;
    float *values = zeros + pr_scratch_round((size_t)pitch * sizeof *zeros) / sizeof *zeros;
    float *products = values + POSITIONS * most * pitch;
    memset(zeros, 0, (size_t)pitch * sizeof *zeros);
    for (int64_t first = begin; first < end; first += most) {
        int64_t tiles = end - first < most ? end - first : most;
        for (int64_t i = 0; i < tiles; i++) {
            const float *pixel[16];
            find_pixels(conv, first + i, zeros, pixel);
            transform_tile(pixel, conv->channels, values + i * pitch, most * pitch);
        }
        const float *block = b->data;
        for (int64_t c = 0; c < b->n;) {
            int64_t wide = pr_block_columns(b->n - c, LANES);
            multiply_block(conv, values, tiles, block, wide, products);
            for (int64_t i = 0; i < tiles; i++) {
                float sums[4 * COLUMNS];
                transform_output(products + i * COLUMNS, most * COLUMNS, sums);
                finish_tile(conv, e, first + i, sums, c, b->n - c < wide ? b->n - c : wide);
            }
            block += POSITIONS * wide * conv->channels;
            c += wide;
        }
    }
}
