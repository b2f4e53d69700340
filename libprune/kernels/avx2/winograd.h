/* 3 x 3 convolution of bytes by Winograd's F(2 x 2, 3 x 3) and F(4 x 4, 3 x 3) in exact integers:
 * 16 multiplications for four outputs, or 36 for sixteen, instead of 36 or 144.
 *
 * F(2 x 2): inputs B^T d B are at most 4 * 127, weights (2 G) g (2 G)^T at most 9 * 127: both fit
 * 16 bits. A^T m A is four times the sum that a direct convolution computes.
 *
 * F(4 x 4) has the points 0, 1, -1, 2, -2: inputs are at most 100 * 127. Rows of G times 24 (the
 * last one times 12, which A makes up for) are integers, weights at most 144 * 127. A^T m A is 576
 * times the sum, which may be too large for 32 bits; but whole numbers wrap around without loss:
 * times the inverse of 9 (modulo 2^32) it is 64 times the sum, and shifted right by six the sum
 * itself, as long as that needs no more than 26 bits: up to 231 channels (pr_pack_kind_for).
 *
 * A tier's winograd.c includes its itile.h, whose tiles this uses, and then this. */
#ifndef PR_KERNELS_AVX2_WINOGRAD_H
#define PR_KERNELS_AVX2_WINOGRAD_H

#include "libprune/kernels/avx2/avx2.h"
#include "libprune/kernels/avx2/math.h"
#include "libprune/kernels/winograd.h"

#include <string.h>

#define PR_INLINE static inline __attribute__((always_inline))

enum { CHUNK = 16, MOST_TILES = 96, PANEL_BYTES = 128 << 10, COLUMNS = 16 };
/* Positions lie an odd number of cache lines apart. */
enum { LINE_WORDS = 32, LINE_SUMS = 16 };

/* Memory of a lane: padding, transformed inputs [position][tile][pitch], sums of one block of
 * columns [position][tile][COLUMNS]. */
typedef struct layout {
    int64_t pixels, tiles, pitch;
    int64_t value_step, sum_step; /* from position to position */
    size_t value_at, sum_at, bytes;
} layout;

static layout layout_of(const pr_conv *conv)
{
    layout l = {.pixels = pr_winograd_pixels(pr_winograd_tile(conv->b->kind))};
    l.pitch = (conv->channels + CHUNK - 1) / CHUNK * CHUNK;
    l.tiles = PANEL_BYTES / (l.pixels * l.pitch * 2) / ROWS * ROWS;
    l.tiles = l.tiles < ROWS ? ROWS : l.tiles > MOST_TILES ? MOST_TILES : l.tiles;
    l.value_step = l.tiles * l.pitch + LINE_WORDS;
    l.sum_step = l.tiles * COLUMNS + LINE_SUMS;
    l.value_at = pr_scratch_round((size_t)l.pitch);
    l.sum_at = l.value_at + pr_scratch_round((size_t)(l.pixels * l.value_step) * sizeof(int16_t));
    l.bytes = l.sum_at + (size_t)(l.pixels * l.sum_step) * sizeof(int32_t);
    return l;
}

static size_t winograd_bytes(const pr_conv *conv)
{
    return layout_of(conv).bytes;
}

/* B^T d, along one axis. */
PR_INLINE void transform_line(int tile, const __m256i *d, __m256i *v)
{
    if (tile == 2) {
        v[0] = _mm256_sub_epi16(d[0], d[2]);
        v[1] = _mm256_add_epi16(d[1], d[2]);
        v[2] = _mm256_sub_epi16(d[2], d[1]);
        v[3] = _mm256_sub_epi16(d[1], d[3]);
        return;
    }
    const __m256i even = _mm256_sub_epi16(d[4], d[2]), odd = _mm256_sub_epi16(d[3], d[1]);
    const __m256i twice = _mm256_slli_epi16(odd, 1);
    const __m256i a = _mm256_sub_epi16(_mm256_slli_epi16(d[1], 2), d[3]);
    const __m256i b = _mm256_sub_epi16(_mm256_slli_epi16(d[2], 2), d[4]);
    const __m256i c = _mm256_slli_epi16(_mm256_sub_epi16(d[0], d[2]), 2);
    v[0] = _mm256_add_epi16(c, even);
    v[1] = _mm256_add_epi16(b, a);
    v[2] = _mm256_sub_epi16(b, a);
    v[3] = _mm256_add_epi16(even, twice);
    v[4] = _mm256_sub_epi16(even, twice);
    v[5] = _mm256_sub_epi16(_mm256_sub_epi16(d[5], d[3]), _mm256_slli_epi16(odd, 2));
}

/* B^T d B of sixteen channels; position p goes to to + p * step. */
PR_INLINE void transform_input(int tile, const int8_t *const *pixel, int64_t at, int16_t *to,
                               int64_t step)
{
    enum { N = PR_WINOGRAD_TILE + 2 };
    const int n = tile + 2;
    __m256i t[N * N], d[N], v[N];
    for (int x = 0; x < n; x++) {
        for (int y = 0; y < n; y++) {
            const void *from = pixel[y * n + x] + at;
            d[y] = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)from));
        }
        transform_line(tile, d, v);
        for (int y = 0; y < n; y++) t[y * n + x] = v[y];
    }
    for (int y = 0; y < n; y++) {
        transform_line(tile, t + y * n, v);
        for (int x = 0; x < n; x++, to += step) _mm256_storeu_si256((__m256i *)(void *)to, v[x]);
    }
}

PR_INLINE void transform_tile(int tile, const int8_t *const *pixel, int64_t channels, int16_t *to,
                              int64_t step)
{
    if (channels < CHUNK) {
        int8_t bytes[PR_WINOGRAD_PIXELS][CHUNK] = {{0}};
        const int8_t *padded[PR_WINOGRAD_PIXELS];
        for (int i = 0; i < (tile + 2) * (tile + 2); i++) {
            memcpy(bytes[i], pixel[i], (size_t)channels);
            padded[i] = bytes[i];
        }
        transform_input(tile, padded, 0, to, step);
        return;
    }
    for (int64_t c = 0; c < channels; c += CHUNK) {
        /* The last chunk overlaps the one before it. */
        int64_t at = c + CHUNK <= channels ? c : channels - CHUNK;
        transform_input(tile, pixel, at, to + at, step);
    }
}

/* A^T m, along one axis. */
PR_INLINE void finish_line(int tile, const __m256i *m, __m256i *y)
{
    const __m256i p = _mm256_add_epi32(m[1], m[2]), q = _mm256_sub_epi32(m[1], m[2]);
    if (tile == 2) {
        y[0] = _mm256_add_epi32(m[0], p);
        y[1] = _mm256_sub_epi32(q, m[3]);
        return;
    }
    const __m256i r = _mm256_add_epi32(m[3], m[4]);
    const __m256i s = _mm256_slli_epi32(_mm256_sub_epi32(m[3], m[4]), 1);
    const __m256i last = _mm256_add_epi32(_mm256_slli_epi32(m[5], 1), _mm256_slli_epi32(s, 2));
    y[0] = _mm256_add_epi32(m[0], _mm256_add_epi32(p, r));
    y[1] = _mm256_add_epi32(q, s);
    y[2] = _mm256_add_epi32(p, _mm256_slli_epi32(r, 2));
    y[3] = _mm256_add_epi32(q, last);
}

/* The sums themselves from their multiples. */
PR_INLINE __m256i reduced(int tile, __m256i sum)
{
    if (tile == 2) return _mm256_srai_epi32(sum, 2);
    return _mm256_srai_epi32(_mm256_mullo_epi32(sum, _mm256_set1_epi32(0x38E38E39)), 6);
}

/* Sixteen columns of one tile: tile * tile rows of sums. Position p of m is `step` away. */
PR_INLINE void transform_output(int tile, const int32_t *m, int64_t step, int32_t *sums)
{
    enum { T = PR_WINOGRAD_TILE, N = T + 2 };
    const int n = tile + 2;
    for (int half = 0; half < 2; half++, m += 8, sums += 8) {
        __m256i t[T * N], v[N], y[T];
        for (int x = 0; x < n; x++) {
            for (int i = 0; i < n; i++) {
                const void *from = m + (i * n + x) * step;
                v[i] = _mm256_load_si256((const __m256i *)from);
            }
            finish_line(tile, v, y);
            for (int i = 0; i < tile; i++) t[i * n + x] = y[i];
        }
        for (int i = 0; i < tile; i++) {
            finish_line(tile, t + i * n, y);
            for (int x = 0; x < tile; x++) {
                void *to = sums + (i * tile + x) * COLUMNS;
                _mm256_store_si256((__m256i *)to, reduced(tile, y[x]));
            }
        }
    }
}

/* Rows of the epilogue for a tile's sums; drops the sums of those beyond the image. */
PR_INLINE int64_t place_tile(int tile, pr_tile_outputs out, int32_t *sums, int32_t *place)
{
    int64_t rows = 0;
    for (int64_t y = 0; y < out.lines; y++) {
        for (int64_t x = 0; x < out.columns; x++, rows++) {
            const int64_t from = y * tile + x;
            if (from != rows)
                memcpy(sums + rows * COLUMNS, sums + from * COLUMNS, COLUMNS * sizeof *sums);
            place[rows] = (int32_t)(out.first + y * out.line_step + x * out.column_step);
        }
    }
    return rows;
}

/* Tiles against one block of columns; it stays in the first-level cache while the tiles of one
 * position pass. */
PR_INLINE void multiply_block(int tile, const layout *l, int64_t tiles, const int16_t *values,
                              const int16_t *block, int64_t wide, int64_t k, int32_t *sums)
{
    for (int64_t p = 0; p < (tile + 2) * (tile + 2); p++) {
        const int16_t *from = values + p * l->value_step, *b = block + p * wide * k;
        int32_t *to = sums + p * l->sum_step;
        for (int64_t i = 0; i < tiles; i += ROWS) {
            const int16_t *rows[ROWS];
            const int64_t left = tiles - i < ROWS ? tiles - i : ROWS;
            for (int64_t j = 0; j < ROWS; j++)
                rows[j] = from + (i + (j < left ? j : left - 1)) * l->pitch;
            if (wide == COLUMNS) {
                tile_6x16(rows, b, k, to + i * COLUMNS, false);
            } else {
                tile_6x8(rows, b, k, to + i * COLUMNS, false);
            }
        }
    }
}

/* Tiles [first, first + tiles) of one phase, from their transformed inputs. */
PR_INLINE void multiply_tiles(int tile, const pr_conv *conv, const pr_epilogue *e, const layout *l,
                              int64_t first, int64_t tiles, int64_t phase, const int16_t *values,
                              int32_t *sums)
{
    const pr_packed *b = &conv->b[phase];
    const pr_tiling tiling = pr_tiling_of(conv);
    const int16_t *block = b->data;
    _Alignas(64) int32_t own[PR_WINOGRAD_TILE * PR_WINOGRAD_TILE * COLUMNS];
    int32_t place[PR_WINOGRAD_TILE * PR_WINOGRAD_TILE];
    pr_epilogue placed = *e;
    placed.place = place;
    for (int64_t c = 0; c < b->n;) {
        const int64_t wide = pr_block_columns(b->n - c, 8);
        const int64_t columns = b->n - c < wide ? b->n - c : wide;
        multiply_block(tile, l, tiles, values, block, wide, b->k_padded, sums);
        for (int64_t i = 0; i < tiles; i++) {
            transform_output(tile, sums + i * COLUMNS, l->sum_step, own);
            const pr_tile_outputs out = pr_tile_outputs_of(conv, tiling, first + i, phase);
            const int64_t rows = place_tile(tile, out, own, place);
            finish_i32(&placed, 0, rows, c, columns, own, COLUMNS);
        }
        block += l->pixels * wide * b->k_padded;
        c += wide;
    }
}

PR_INLINE void convolve(int tile, const pr_conv *conv, const pr_epilogue *e, int64_t begin,
                        int64_t end, char *memory)
{
    const layout l = layout_of(conv);
    const pr_tiling tiling = pr_tiling_of(conv);
    const int64_t phases = conv->b->kind == PR_PACK_PHASES4 ? 4 : 1;
    int8_t *fill = (int8_t *)memory;
    int16_t *values = (int16_t *)(void *)(memory + l.value_at);
    int32_t *sums = (int32_t *)(void *)(memory + l.sum_at);
    memset(fill, 0, (size_t)l.pitch);
    if (conv->fill) memcpy(fill, conv->fill, (size_t)conv->channels);
    for (int64_t first = begin; first < end; first += l.tiles) {
        const int64_t tiles = end - first < l.tiles ? end - first : l.tiles;
        for (int64_t i = 0; i < tiles; i++) {
            const int8_t *pixel[PR_WINOGRAD_PIXELS];
            int64_t at[PR_WINOGRAD_PIXELS];
            pr_tile_pixels(conv, tiling, first + i, at);
            for (int j = 0; j < (tile + 2) * (tile + 2); j++)
                pixel[j] = at[j] < 0 ? fill : (const int8_t *)conv->image + at[j];
            transform_tile(tile, pixel, conv->channels, values + i * l.pitch, l.value_step);
        }
        for (int64_t phase = 0; phase < phases; phase++)
            multiply_tiles(tile, conv, e, &l, first, tiles, phase, values, sums);
    }
}

static void winograd(const pr_conv *conv, const pr_epilogue *e, int64_t begin, int64_t end,
                     void *memory)
{
    if (conv->b->kind == PR_PACK_WINOGRAD2) {
        convolve(2, conv, e, begin, end, memory);
    } else {
        convolve(4, conv, e, begin, end, memory);
    }
}

#undef PR_INLINE

#endif
