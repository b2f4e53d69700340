/* 3 x 3 convolution of bytes by Winograd's F(2 x 2, 3 x 3) (Lavin and Gray 2016) in exact integers:
 * 16 multiplications for four outputs instead of 36. Inputs B^T d B are at most 4 * 127, weights
 * (2 G) g (2 G)^T at most 9 * 127: both fit 16 bits. A^T m A is then four times the sum that a
 * direct convolution computes, without any rounding (32-bit wrap-around in between cancels).
 *
 * A tier's winograd.c includes its itile.h, whose tiles this uses, and then this. */
#ifndef PR_KERNELS_AVX2_WINOGRAD_H
#define PR_KERNELS_AVX2_WINOGRAD_H

#include "libprune/kernels/avx2/avx2.h"
#include "libprune/kernels/avx2/math.h"
#include "libprune/kernels/driver.h"

#include <string.h>

enum { POSITIONS = 16, CHUNK = 16, MOST_TILES = 96, PANEL_BYTES = 128 << 10 };

static int64_t pitch_of(const pr_conv *conv)
{
    return (conv->channels + CHUNK - 1) / CHUNK * CHUNK;
}

static int64_t tiles_of(const pr_conv *conv)
{
    int64_t tiles = PANEL_BYTES / (POSITIONS * pitch_of(conv) * 2) / ROWS * ROWS;
    return tiles < ROWS ? ROWS : tiles > MOST_TILES ? MOST_TILES : tiles;
}

static size_t winograd_bytes(const pr_conv *conv)
{
    size_t values = (size_t)(POSITIONS * tiles_of(conv) * pitch_of(conv)) * sizeof(int16_t);
    return pr_scratch_round((size_t)pitch_of(conv)) + values;
}

/* B^T d B of sixteen channels: d[y * 4 + x] in, the same order out. */
static inline void transform_input(const __m256i d[16], int16_t *to, int64_t step)
{
    __m256i t[16];
    for (int x = 0; x < 4; x++) {
        t[x] = _mm256_sub_epi16(d[x], d[8 + x]);
        t[4 + x] = _mm256_add_epi16(d[4 + x], d[8 + x]);
        t[8 + x] = _mm256_sub_epi16(d[8 + x], d[4 + x]);
        t[12 + x] = _mm256_sub_epi16(d[4 + x], d[12 + x]);
    }
    for (int y = 0; y < 4; y++) {
        const __m256i *r = t + 4 * y;
        __m256i *out = (__m256i *)(void *)to;
        int16_t *row = to + 4 * y * step;
        out = (__m256i *)(void *)row;
        _mm256_storeu_si256(out, _mm256_sub_epi16(r[0], r[2]));
        out = (__m256i *)(void *)(row + step);
        _mm256_storeu_si256(out, _mm256_add_epi16(r[1], r[2]));
        out = (__m256i *)(void *)(row + 2 * step);
        _mm256_storeu_si256(out, _mm256_sub_epi16(r[2], r[1]));
        out = (__m256i *)(void *)(row + 3 * step);
        _mm256_storeu_si256(out, _mm256_sub_epi16(r[1], r[3]));
    }
}

static void transform_tile(const int8_t *const pixel[16], int64_t channels, int16_t *to,
                           int64_t step)
{
    __m256i d[16];
    if (channels < CHUNK) {
        for (int i = 0; i < 16; i++) {
            int8_t bytes[CHUNK] = {0};
            memcpy(bytes, pixel[i], (size_t)channels);
            d[i] = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)bytes));
        }
        transform_input(d, to, step);
        return;
    }
    for (int64_t c = 0; c < channels; c += CHUNK) {
        /* The last chunk overlaps the one before it. */
        int64_t at = c + CHUNK <= channels ? c : channels - CHUNK;
        for (int i = 0; i < 16; i++) {
            d[i] = _mm256_cvtepi8_epi16(
                _mm_loadu_si128((const __m128i *)(const void *)(pixel[i] + at)));
        }
        transform_input(d, to + at, step);
    }
}

/* The sixteen pixels that tile number `tile` reads. */
static void find_pixels(const pr_conv *c, int64_t tile, const int8_t *fill, const int8_t *pixel[16])
{
    int64_t across = (c->out_width + 1) / 2, down = (c->out_height + 1) / 2;
    int64_t image = tile / (across * down), y0 = tile / across % down * 2 - c->pad[0];
    int64_t x0 = tile % across * 2 - c->pad[1];
    const int8_t *base = (const int8_t *)c->image + image * c->height * c->width * c->channels;
    if (y0 >= 0 && x0 >= 0 && y0 + 4 <= c->height && x0 + 4 <= c->width) {
        for (int64_t i = 0; i < 16; i++) {
            pixel[i] = base + ((y0 + i / 4) * c->width + x0 + i % 4) * c->channels;
        }
        return;
    }
    for (int64_t i = 0; i < 16; i++) {
        int64_t y = pr_conv_source(c, y0 + i / 4, c->height);
        int64_t x = pr_conv_source(c, x0 + i % 4, c->width);
        bool inside = y >= 0 && y < c->height && x >= 0 && x < c->width;
        pixel[i] = inside ? base + (y * c->width + x) * c->channels : fill;
    }
}

/* A^T m A / 4 of sixteen columns for one tile: four rows of sums. m[p] is 96 integers apart. */
static inline void transform_output(const int32_t *m, int32_t *sums)
{
    for (int half = 0; half < 2; half++) {
        __m256i t[2][4];
        for (int x = 0; x < 4; x++) {
            __m256i v[4];
            for (int y = 0; y < 4; y++) {
                v[y] = _mm256_load_si256(
                    (const __m256i *)(const void *)(m + (y * 4 + x) * ROWS * 16 + half * 8));
            }
            t[0][x] = _mm256_add_epi32(_mm256_add_epi32(v[0], v[1]), v[2]);
            t[1][x] = _mm256_sub_epi32(_mm256_sub_epi32(v[1], v[2]), v[3]);
        }
        for (int y = 0; y < 2; y++) {
            __m256i a = _mm256_add_epi32(_mm256_add_epi32(t[y][0], t[y][1]), t[y][2]);
            __m256i b = _mm256_sub_epi32(_mm256_sub_epi32(t[y][1], t[y][2]), t[y][3]);
            int32_t *to = sums + y * 32 + half * 8;
            _mm256_storeu_si256((__m256i *)(void *)to, _mm256_srai_epi32(a, 2));
            _mm256_storeu_si256((__m256i *)(void *)(to + 16), _mm256_srai_epi32(b, 2));
        }
    }
}

/* Rows of the epilogue where the four sums of a tile belong; -1 beyond an odd edge. */
static void place_tile(const pr_conv *c, int64_t tile, int32_t place[4])
{
    int64_t across = (c->out_width + 1) / 2, down = (c->out_height + 1) / 2;
    int64_t line = tile / (across * down) * c->out_height;
    int64_t y = tile / across % down * 2, x = tile % across * 2;
    int64_t first = (line + y) * c->out_width + x - c->origin;
    for (int64_t i = 0; i < 4; i++) {
        bool inside = y + i / 2 < c->out_height && x + i % 2 < c->out_width;
        place[i] = inside ? (int32_t)(first + i / 2 * c->out_width + i % 2) : -1;
    }
}

/* Six tiles against one block of columns. */
static void multiply_tiles(const pr_conv *conv, const pr_epilogue *e, int64_t tile, int64_t count,
                           const int16_t *values, int64_t step, const int16_t *block, int64_t c,
                           int64_t wide)
{
    const pr_packed *b = conv->b;
    _Alignas(64) int32_t products[POSITIONS * ROWS * 16], sums[4 * ROWS * 16];
    int32_t place[4 * ROWS];
    int64_t pitch = pitch_of(conv), rows = 0;
    for (int64_t p = 0; p < POSITIONS; p++) {
        const int16_t *from[ROWS];
        for (int64_t j = 0; j < ROWS; j++) {
            from[j] = values + p * step + (j < count ? j : count - 1) * pitch;
        }
        int32_t *to = products + p * ROWS * 16;
        if (wide == 16) {
            tile_6x16(from, block + p * wide * b->k_padded, b->k_padded, to, false);
        } else {
            tile_6x8(from, block + p * wide * b->k_padded, b->k_padded, to, false);
        }
    }
    for (int64_t j = 0; j < count; j++) {
        int32_t at[4], own[4 * 16];
        transform_output(products + j * 16, own);
        place_tile(conv, tile + j, at);
        for (int64_t i = 0; i < 4; i++) {
            if (at[i] < 0) continue;
            memcpy(sums + rows * 16, own + i * 16, 16 * sizeof *sums);
            place[rows++] = at[i];
        }
    }
    pr_epilogue placed = *e;
    placed.place = place;
    finish_i32(&placed, 0, rows, c, b->n - c < wide ? b->n - c : wide, sums, 16);
}

static void winograd(const pr_conv *conv, const pr_epilogue *e, int64_t begin, int64_t end,
                     void *memory)
{
    const pr_packed *b = conv->b;
    int8_t *fill = memory;
    int64_t pitch = pitch_of(conv), most = tiles_of(conv), step = most * pitch;
    int16_t *values = (int16_t *)(void *)(fill + pr_scratch_round((size_t)pitch));
    memset(fill, 0, (size_t)pitch);
    if (conv->fill) memcpy(fill, conv->fill, (size_t)conv->channels);
    for (int64_t first = begin; first < end; first += most) {
        int64_t tiles = end - first < most ? end - first : most;
        for (int64_t i = 0; i < tiles; i++) {
            const int8_t *pixel[16];
            find_pixels(conv, first + i, fill, pixel);
            transform_tile(pixel, conv->channels, values + i * pitch, step);
        }
        const int16_t *block = b->data;
        for (int64_t c = 0; c < b->n;) {
            int64_t wide = pr_block_columns(b->n - c, 8);
            for (int64_t i = 0; i < tiles; i += ROWS) {
                int64_t count = tiles - i < ROWS ? tiles - i : ROWS;
                multiply_tiles(conv, e, first + i, count, values + i * pitch, step, block, c, wide);
            }
            block += POSITIONS * wide * b->k_padded;
            c += wide;
        }
    }
}

#endif
