/* The limits of 512-bit registers, as in avx2/peak.c. */
#include "libprune/kernels/peak.h"

#include <immintrin.h>

enum { CHAINS = 12 };
#define EACH(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11)

#define PIN(x) __asm__ volatile("" : "+v"(x))

#define START(i) c##i = y;
#define FMA(i)                                                                                     \
    c##i = _mm512_fmadd_ps(c##i, x, y);                                                            \
    PIN(c##i);

uint64_t pr_avx512_peak_f32(int64_t rounds)
{
    __m512 x = _mm512_set1_ps(0.5f), y = _mm512_set1_ps(1.0f);
    __m512 c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11;
    EACH(START)
    for (int64_t r = 0; r < rounds; r++) {
        EACH(FMA)
    }
    return (uint64_t)rounds * CHAINS * 16;
}

#define LOAD(i)                                                                                    \
    c = _mm512_load_si512((const void *)(at + 64 * (i)));                                          \
    PIN(c);

void pr_avx512_peak_read(const void *from, size_t bytes)
{
    const char *at = from, *end = at + bytes / 768 * 768;
    __m512i c;
    for (; at < end; at += 768) {
        EACH(LOAD)
    }
}

/* As avx512/itile.h: 32 products and their sums per pair of instructions. */
#define PAIRS(i)                                                                                   \
    __asm__ volatile("vpmaddwd %2, %2, %1\n\tvpaddd %1, %0, %0" : "+v"(c##i), "=&v"(t) : "v"(y));

uint64_t pr_avx512_peak_i8(int64_t rounds)
{
    __m512i y = _mm512_set1_epi16(1), t;
    __m512i c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11;
    EACH(START)
    for (int64_t r = 0; r < rounds; r++) {
        EACH(PAIRS)
    }
    return (uint64_t)rounds * CHAINS * 32;
}
