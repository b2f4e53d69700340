/* INT8 panels without VNNI: bytes widened to 16 bits, vpmaddwd adds pairs of exact products into
 * 32 bits. Nothing can saturate: |pair| <= 2 * 127^2. Twice the multiply-adds of an FP32 FMA. */
#include "libprune/kernels/avx2/avx2.h"
#include "libprune/kernels/avx2/itile.h"
#include "libprune/kernels/avx2/math.h"

#include <string.h>

void pr_avx2_i8_widen(void *to, const int8_t *from, int64_t count)
{
    int16_t *out = to;
    int64_t i = 0;
    for (; i + 16 <= count; i += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(from + i));
        _mm256_storeu_si256((__m256i *)(void *)(out + i), _mm256_cvtepi8_epi16(bytes));
    }
    for (; i < count; i++) out[i] = from[i];
}

static inline void widen16(int16_t *to, const int8_t *from)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)from);
    _mm256_storeu_si256((__m256i *)(void *)to, _mm256_cvtepi8_epi16(bytes));
}

static inline void widen8(int16_t *to, const int8_t *from)
{
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)from);
    _mm_storeu_si128((__m128i *)(void *)to, _mm_cvtepi8_epi16(bytes));
}

/* The last vector overlaps the one before it, so that nothing is written past the run. */
static inline void widen_run(int16_t *to, const int8_t *from, int64_t run)
{
    if (run >= 16) {
        int64_t i = 0;
        for (; i + 16 <= run; i += 16) widen16(to + i, from + i);
        if (i < run) widen16(to + run - 16, from + run - 16);
    } else if (run >= 8) {
        widen8(to, from);
        widen8(to + run - 8, from + run - 8);
    } else {
        for (int64_t i = 0; i < run; i++) to[i] = from[i];
    }
}

void pr_avx2_i8_gather(void *to, int64_t to_stride, const int8_t *line, const int32_t *offset,
                       int64_t step, int64_t rows, int64_t taps, int64_t run, const int8_t *fill)
{
    int16_t *out = to;
    for (int64_t r = 0; r < rows; r++, offset += step, out += to_stride) {
        for (int64_t t = 0; t < taps; t++) {
            widen_run(out + t * run, offset[t] < 0 ? fill : line + offset[t], run);
        }
    }
}

/* Products of the weights as they are stored. */
static inline void multiply(const int16_t *const rows[ROWS], const void *block, int64_t wide,
                            int64_t k, int32_t *sums, bool bytes)
{
    if (wide == 16 && bytes) {
        tile_6x16(rows, block, k, sums, true);
    } else if (wide == 16) {
        tile_6x16(rows, block, k, sums, false);
    } else if (bytes) {
        tile_6x8(rows, block, k, sums, true);
    } else {
        tile_6x8(rows, block, k, sums, false);
    }
}

void pr_avx2_i8_panel(int64_t m, const void *a, int64_t lda, const pr_packed *b,
                      const pr_epilogue *e, int64_t row)
{
    const int16_t *from = a;
    const char *block = b->data;
    const bool bytes = !b->shorts;
    /* Attention: nothing but scales, on 16 bits. */
    const bool direct = !bytes && !e->row_scale && pr_epilogue_is_plain(e);
    _Alignas(64) int32_t sums[ROWS * 16];
    for (int64_t c = 0; c < b->n;) {
        int64_t wide = pr_block_columns(b->n - c, 8);
        int64_t columns = b->n - c < wide ? b->n - c : wide;
        for (int64_t i = 0; i < m; i += ROWS) {
            const int16_t *rows[ROWS];
            int64_t left = m - i < ROWS ? m - i : ROWS;
            for (int64_t j = 0; j < ROWS; j++) {
                rows[j] = from + (i + (j < left ? j : left - 1)) * lda;
            }
            if (direct && left == ROWS && columns == 16) {
                const scaled out = {e->out + (row + i) * e->out_stride + c, e->out_stride,
                                    e->scale + c, e->residual != NULL};
                tile_6x16_scaled(rows, block, b->k_padded, &out);
                continue;
            }
            multiply(rows, block, wide, b->k_padded, sums, bytes);
            finish_i32(e, row + i, left, c, columns, sums, 16);
        }
        block += wide * b->k_padded * (bytes ? 1 : 2);
        c += wide;
    }
}
