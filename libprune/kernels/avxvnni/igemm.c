/* INT8 panels with the 256-bit vpdpbusd of processors without AVX-512: as kernels/avx512vnni,
 * inputs become unsigned by adding 128, and the packed offset takes that back. */
#include "libprune/kernels/avx2/math.h"
#include "libprune/kernels/avxvnni/avxvnni.h"

#include <string.h>

enum { ROWS = 6, LANES = 8, BLOCK = 2 * LANES };

void pr_avxvnni_i8_widen(void *to, const int8_t *from, int64_t count)
{
    const __m256i sign = _mm256_set1_epi8((char)0x80);
    uint8_t *out = to;
    int64_t i = 0;
    for (; i + 32 <= count; i += 32) {
        __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)(from + i));
        _mm256_storeu_si256((__m256i *)(void *)(out + i), _mm256_xor_si256(bytes, sign));
    }
    for (; i < count; i++) out[i] = (uint8_t)(from[i] + 128);
}

static inline void widen16(uint8_t *to, const int8_t *from)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)from);
    _mm_storeu_si128((__m128i *)(void *)to, _mm_xor_si128(bytes, _mm_set1_epi8((char)0x80)));
}

/* The last vector overlaps the one before it, so that nothing is written past the run. */
static inline void widen_run(uint8_t *to, const int8_t *from, int64_t run)
{
    if (run < 16) {
        for (int64_t i = 0; i < run; i++) to[i] = (uint8_t)(from[i] + 128);
        return;
    }
    for (int64_t i = 0; i + 16 < run; i += 16) widen16(to + i, from + i);
    widen16(to + run - 16, from + run - 16);
}

void pr_avxvnni_i8_gather(void *to, int64_t to_stride, const int8_t *line, const int32_t *offset,
                          int64_t step, int64_t rows, int64_t taps, int64_t run, const int8_t *fill)
{
    uint8_t *out = to;
    for (int64_t r = 0; r < rows; r++, offset += step, out += to_stride) {
        for (int64_t t = 0; t < taps; t++) {
            widen_run(out + t * run, offset[t] < 0 ? fill : line + offset[t], run);
        }
    }
}

static inline __m256i four_at(const uint8_t *row, int64_t p)
{
    int32_t four;
    memcpy(&four, row + p, sizeof four);
    return _mm256_set1_epi32(four);
}

#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)

/* As asm: from the intrinsic gcc 12 makes moves between registers, and spills. */
#if defined(PR_EMULATED)
#define DOT(acc, x, w) acc = _mm256_dpbusd_avx_epi32(acc, x, w);
#else
#define DOT(acc, x, w) __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc) : "x"(x), "x"(w));
#endif

#define OPEN(i)                                                                                    \
    const uint8_t *r##i = rows[i];                                                                 \
    __m256i a##i = first, b##i = second;
#define STEP(i)                                                                                    \
    x = four_at(r##i, p);                                                                          \
    DOT(a##i, x, w0)                                                                               \
    DOT(b##i, x, w1)
#define STORE(i)                                                                                   \
    _mm256_store_si256(sums + 2 * (i), a##i);                                                      \
    _mm256_store_si256(sums + 2 * (i) + 1, b##i);

/* Six rows of 16 sums; k is a multiple of 4, b holds [k / 4][16][4]. */
static void tile_6x16(const uint8_t *const rows[ROWS], const int8_t *b, int64_t k,
                      const int32_t *offset, __m256i *sums)
{
    const __m256i first = _mm256_loadu_si256((const __m256i *)(const void *)offset);
    const __m256i second = _mm256_loadu_si256((const __m256i *)(const void *)(offset + LANES));
    EACH_ROW(OPEN)
    for (int64_t p = 0; p < k; p += 4) {
        __m256i w0 = _mm256_loadu_si256((const __m256i *)(const void *)b), x;
        __m256i w1 = _mm256_loadu_si256((const __m256i *)(const void *)(b + 32));
        b += 64;
        EACH_ROW(STEP)
    }
    EACH_ROW(STORE)
}

#define OPEN_NARROW(i)                                                                             \
    const uint8_t *r##i = rows[i];                                                                 \
    __m256i a##i = first;
#define STEP_NARROW(i) DOT(a##i, four_at(r##i, p), w)
#define STORE_NARROW(i) _mm256_store_si256(sums + 2 * (i), a##i);

/* Narrow last block, b holds [k / 4][8][4]; the second half of each row of sums is not written. */
static void tile_6x8(const uint8_t *const rows[ROWS], const int8_t *b, int64_t k,
                     const int32_t *offset, __m256i *sums)
{
    const __m256i first = _mm256_loadu_si256((const __m256i *)(const void *)offset);
    EACH_ROW(OPEN_NARROW)
    for (int64_t p = 0; p < k; p += 4) {
        __m256i w = _mm256_loadu_si256((const __m256i *)(const void *)b);
        b += 32;
        EACH_ROW(STEP_NARROW)
    }
    EACH_ROW(STORE_NARROW)
}

void pr_avxvnni_i8_panel(int64_t m, const void *a, int64_t lda, const pr_packed *b,
                         const pr_epilogue *e, int64_t row)
{
    __m256i sums[ROWS * 2] = {_mm256_setzero_si256()};
    const uint8_t *from = a;
    const int8_t *block = b->data;
    for (int64_t c = 0; c < b->n;) {
        int64_t wide = pr_block_columns(b->n - c, LANES);
        int64_t columns = b->n - c < wide ? b->n - c : wide;
        for (int64_t i = 0; i < m; i += ROWS) {
            const uint8_t *rows[ROWS];
            int64_t left = m - i < ROWS ? m - i : ROWS;
            for (int64_t j = 0; j < ROWS; j++) {
                rows[j] = from + (i + (j < left ? j : left - 1)) * lda;
            }
            if (wide == BLOCK) {
                tile_6x16(rows, block, b->k_padded, b->offset + c, sums);
            } else {
                tile_6x8(rows, block, b->k_padded, b->offset + c, sums);
            }
            finish_i32(e, row + i, left, c, columns, (const int32_t *)(const void *)sums, BLOCK);
        }
        block += wide * b->k_padded;
        c += wide;
    }
}
