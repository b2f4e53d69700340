/* INT8 panels with vpdpbusd (unsigned times signed, four products into 32 bits, no saturation):
 * inputs become unsigned by adding 128, which the packed offset, -128 * column sum, takes back. */
#include "libprune/kernels/avx512vnni/avx512vnni.h"
#include "libprune/kernels/intrinsics.h"

#include <string.h>

enum { ROWS = 6, LANES = 16 };

void pr_avx512vnni_i8_widen(void *to, const int8_t *from, int64_t count)
{
    uint8_t *out = to;
    int64_t i = 0;
    for (; i + 64 <= count; i += 64) {
        __m512i bytes = _mm512_loadu_si512((const void *)(from + i));
        _mm512_storeu_si512((void *)(out + i),
                            _mm512_xor_si512(bytes, _mm512_set1_epi32((int)0x80808080u)));
    }
    for (; i < count; i++) out[i] = (uint8_t)(from[i] + 128);
}

void pr_avx512vnni_i8_gather(void *to, int64_t to_stride, const int8_t *line, const int32_t *offset,
                             int64_t step, int64_t rows, int64_t taps, int64_t run,
                             const int8_t *fill)
{
    uint8_t *out = to;
    for (int64_t r = 0; r < rows; r++, offset += step, out += to_stride) {
        for (int64_t t = 0; t < taps; t++) {
            pr_avx512vnni_i8_widen(out + t * run, offset[t] < 0 ? fill : line + offset[t], run);
        }
    }
}

static inline __m512i four_at(const uint8_t *row, int64_t p)
{
    int32_t four;
    memcpy(&four, row + p, sizeof four);
    return _mm512_set1_epi32(four);
}

#define DOT(acc, x, w)                                                                             \
    acc = _mm512_dpbusd_epi32(acc, x, w);                                                          \
    PR_PIN(acc)

#define STEP(i)                                                                                    \
    x = four_at(r##i, p);                                                                          \
    DOT(c##i##0, x, b0);                                                                           \
    DOT(c##i##1, x, b1);

#define STORE(i)                                                                                   \
    _mm512_store_si512(tile + 2 * (i), c##i##0);                                                   \
    _mm512_store_si512(tile + 2 * (i) + 1, c##i##1);

/* tile[6][32] of 32-bit sums; k is a multiple of 4, b holds [k / 4][32][4]. */
static void tile_6x32(const uint8_t *const rows[ROWS], const int8_t *b, int64_t k,
                      const int32_t *offset, __m512i *tile)
{
    const uint8_t *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3], *r4 = rows[4],
                  *r5 = rows[5];
    __m512i c00 = _mm512_loadu_si512((const void *)offset);
    __m512i c01 = _mm512_loadu_si512((const void *)(offset + LANES));
    __m512i c10 = c00, c11 = c01, c20 = c00, c21 = c01, c30 = c00, c31 = c01;
    __m512i c40 = c00, c41 = c01, c50 = c00, c51 = c01, x;
    for (int64_t p = 0; p < k; p += 4) {
        __m512i b0 = _mm512_loadu_si512((const void *)b);
        __m512i b1 = _mm512_loadu_si512((const void *)(b + 64));
        b += 128;
        STEP(0)
        STEP(1)
        STEP(2)
        STEP(3)
        STEP(4)
        STEP(5)
    }
    STORE(0)
    STORE(1)
    STORE(2)
    STORE(3)
    STORE(4)
    STORE(5)
}

/* Narrow last block, b holds [k / 4][16][4]. */
static void tile_6x16(const uint8_t *const rows[ROWS], const int8_t *b, int64_t k,
                      const int32_t *offset, __m512i *tile)
{
    const uint8_t *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3], *r4 = rows[4],
                  *r5 = rows[5];
    __m512i c0 = _mm512_loadu_si512((const void *)offset);
    __m512i c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0;
    for (int64_t p = 0; p < k; p += 4) {
        __m512i b0 = _mm512_loadu_si512((const void *)b);
        b += 64;
        DOT(c0, four_at(r0, p), b0);
        DOT(c1, four_at(r1, p), b0);
        DOT(c2, four_at(r2, p), b0);
        DOT(c3, four_at(r3, p), b0);
        DOT(c4, four_at(r4, p), b0);
        DOT(c5, four_at(r5, p), b0);
    }
    _mm512_store_si512(tile, c0);
    _mm512_store_si512(tile + 2, c1);
    _mm512_store_si512(tile + 4, c2);
    _mm512_store_si512(tile + 6, c3);
    _mm512_store_si512(tile + 8, c4);
    _mm512_store_si512(tile + 10, c5);
}

void pr_avx512vnni_i8_panel(int64_t m, const void *a, int64_t lda, const pr_packed *b,
                            const pr_epilogue *e, int64_t row)
{
    const uint8_t *from = a;
    const int8_t *block = b->data;
    __m512i tile[ROWS * 2];
    for (int64_t c = 0; c < b->n;) {
        int64_t wide = pr_block_columns(b->n - c, LANES);
        for (int64_t i = 0; i < m; i += ROWS) {
            const uint8_t *rows[ROWS];
            int64_t left = m - i < ROWS ? m - i : ROWS;
            for (int64_t j = 0; j < ROWS; j++) {
                rows[j] = from + (i + (j < left ? j : left - 1)) * lda;
            }
            if (wide == 2 * LANES) {
                tile_6x32(rows, block, b->k_padded, b->offset + c, tile);
            } else {
                tile_6x16(rows, block, b->k_padded, b->offset + c, tile);
            }
            const int32_t *sums = (const int32_t *)(const void *)tile;
            for (int64_t d = 0; d < wide && c + d < b->n; d += 16) {
                int64_t columns = b->n - c - d < 16 ? b->n - c - d : 16;
                pr_avx2_finish_i32(e, row + i, left, c + d, columns, sums + d, 2 * LANES);
            }
        }
        block += wide * b->k_padded;
        c += wide;
    }
}
