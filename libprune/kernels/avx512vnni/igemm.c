/* INT8 panels with vpdpbusd (unsigned times signed, four products into 32 bits, no saturation):
 * inputs become unsigned by adding 128, which the packed offset, -128 * column sum, takes back. */
#include "libprune/kernels/avx512/math.h"
#include "libprune/kernels/avx512vnni/avx512vnni.h"

#include <string.h>

enum { ROWS = 6, LANES = 16, BLOCK = 2 * LANES };

void pr_avx512vnni_i8_widen(void *to, const int8_t *from, int64_t count)
{
    const __m512i sign = _mm512_set1_epi32((int)0x80808080u);
    uint8_t *out = to;
    int64_t i = 0;
    for (; i + 64 <= count; i += 64) {
        const __m512i bytes = _mm512_loadu_si512((const void *)(from + i));
        _mm512_storeu_si512((void *)(out + i), _mm512_xor_si512(bytes, sign));
    }
    if (i == count) return;
    const __mmask64 mask = (__mmask64)(~0ull >> (64 - (count - i)));
    const __m512i bytes = _mm512_maskz_loadu_epi8(mask, from + i);
    _mm512_mask_storeu_epi8(out + i, mask, _mm512_xor_si512(bytes, sign));
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

#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)

/* sum += the products of x and w, four of bytes (unsigned times signed) or two of words, in every
 * lane. As asm: from the intrinsics gcc 12 makes moves between registers, and spills. */
#if defined(PR_EMULATED)
#define DOT(sum, x, w)                                                                             \
    sum = words ? _mm512_dpwssd_epi32(sum, x, w) : _mm512_dpbusd_epi32(sum, x, w);
#else
#define DOT(sum, x, w)                                                                             \
    if (words) {                                                                                   \
        __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));                               \
    } else {                                                                                       \
        __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));                               \
    }
#endif

#define OPEN(i)                                                                                    \
    const uint8_t *r##i = rows[i];                                                                 \
    __m512i a##i = first, b##i = second;
#define STEP(i)                                                                                    \
    x = four_at(r##i, p);                                                                          \
    DOT(a##i, x, w0)                                                                               \
    DOT(b##i, x, w1)
#define STORE(i)                                                                                   \
    _mm512_storeu_si512((void *)(sums + (i)*BLOCK), a##i);                                         \
    _mm512_storeu_si512((void *)(sums + (i)*BLOCK + LANES), b##i);

/* Six rows of 32 sums in twelve registers: two a cycle, five cycles each; `bytes` of k, a multiple
 * of 4, b holds [bytes / 4][32][4]. Words lie in pairs, as bytes lie in fours. */
static inline void tile_6x32(const uint8_t *const rows[ROWS], const char *b, int64_t bytes,
                             const int32_t *offset, int32_t *sums, bool words)
{
    const __m512i first = _mm512_loadu_si512((const void *)offset);
    const __m512i second = _mm512_loadu_si512((const void *)(offset + LANES));
    EACH_ROW(OPEN)
    for (int64_t p = 0; p < bytes; p += 4) {
        __m512i w0 = _mm512_loadu_si512((const void *)b), x;
        __m512i w1 = _mm512_loadu_si512((const void *)(b + 64));
        b += 128;
        EACH_ROW(STEP)
    }
    EACH_ROW(STORE)
}

#define OPEN_NARROW(i)                                                                             \
    const uint8_t *r##i = rows[i];                                                                 \
    __m512i a##i = first;
#define STEP_NARROW(i) DOT(a##i, four_at(r##i, p), w)
#define STORE_NARROW(i) _mm512_storeu_si512((void *)(sums + (i)*BLOCK), a##i);

/* Narrow last block, b holds [bytes / 4][16][4]. */
static inline void tile_6x16(const uint8_t *const rows[ROWS], const char *b, int64_t bytes,
                             const int32_t *offset, int32_t *sums, bool words)
{
    const __m512i first = _mm512_loadu_si512((const void *)offset);
    EACH_ROW(OPEN_NARROW)
    for (int64_t p = 0; p < bytes; p += 4) {
        __m512i w = _mm512_loadu_si512((const void *)b);
        b += 64;
        EACH_ROW(STEP_NARROW)
    }
    EACH_ROW(STORE_NARROW)
}

/* lda and `bytes` in bytes; offset NULL: sums begin at 0. */
static inline __attribute__((always_inline)) void
multiply_panel(int64_t m, const uint8_t *a, int64_t lda, const pr_packed *b, int64_t bytes,
               const int32_t *offset, const pr_epilogue *e, int64_t row, bool words)
{
    static const int32_t nothing[BLOCK] = {0};
    _Alignas(64) int32_t sums[ROWS * BLOCK];
    const char *block = b->data;
    for (int64_t c = 0; c < b->n;) {
        const int64_t wide = pr_block_columns(b->n - c, LANES);
        const int32_t *from = offset ? offset + c : nothing;
        for (int64_t i = 0; i < m; i += ROWS) {
            const uint8_t *rows[ROWS];
            int64_t left = m - i < ROWS ? m - i : ROWS;
            for (int64_t j = 0; j < ROWS; j++) {
                rows[j] = a + (i + (j < left ? j : left - 1)) * lda;
            }
            if (wide == BLOCK) {
                tile_6x32(rows, block, bytes, from, sums, words);
            } else {
                tile_6x16(rows, block, bytes, from, sums, words);
            }
            for (int64_t d = 0; d < wide && c + d < b->n; d += LANES) {
                int64_t columns = b->n - c - d < LANES ? b->n - c - d : LANES;
                finish16_i32(e, row + i, left, c + d, columns, sums + d, BLOCK);
            }
        }
        block += wide * bytes;
        c += wide;
    }
}

void pr_avx512vnni_i8_panel(int64_t m, const void *a, int64_t lda, const pr_packed *b,
                            const pr_epilogue *e, int64_t row)
{
    multiply_panel(m, a, lda, b, b->k_padded, b->offset, e, row, false);
}

void pr_avx512vnni_i16_panel(int64_t m, const void *a, int64_t lda, const pr_packed *b,
                             const pr_epilogue *e, int64_t row)
{
    multiply_panel(m, a, 2 * lda, b, 2 * b->k_padded, NULL, e, row, true);
}
