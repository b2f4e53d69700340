/* The limits of this tier's multipliers: independent multiply-adds on registers alone. Twelve
 * chains hide the latency of an FMA (4 cycles, two a cycle). They are variables and not an array,
 * because an array that an asm touches lives in memory. */
#include "libprune/kernels/peak.h"

#include <immintrin.h>

enum { CHAINS = 12 };
#define EACH(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11)

/* Keeps a value in a register, its origin unknown: nothing is computed once for all, or never. */
#define PIN(x) __asm__ volatile("" : "+x"(x))

#define START(i) c##i = y;
#define FMA(i)                                                                                     \
    c##i = _mm256_fmadd_ps(c##i, x, y);                                                            \
    PIN(c##i);

uint64_t pr_avx2_peak_f32(int64_t rounds)
{
    __m256 x = _mm256_set1_ps(0.5f), y = _mm256_set1_ps(1.0f);
    __m256 c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11;
    EACH(START)
    for (int64_t r = 0; r < rounds; r++) {
        EACH(FMA)
    }
    return (uint64_t)rounds * CHAINS * 8;
}

/* vpmaddwd and vpaddd, as the panels use them: 16 multiply-adds. */
#define DOT(i)                                                                                     \
    PIN(x);                                                                                        \
    c##i = _mm256_add_epi32(c##i, _mm256_madd_epi16(x, y));                                        \
    PIN(c##i);

uint64_t pr_avx2_peak_i8(int64_t rounds)
{
    __m256i x = _mm256_set1_epi16(3), y = _mm256_set1_epi16(-5);
    __m256i c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11;
    EACH(START)
    for (int64_t r = 0; r < rounds; r++) {
        EACH(DOT)
    }
    return (uint64_t)rounds * CHAINS * 16;
}

#define LOAD(i)                                                                                    \
    c = _mm256_load_si256((const __m256i *)(const void *)(at + 32 * (i)));                         \
    PIN(c);

void pr_avx2_peak_read(const void *from, size_t bytes)
{
    const char *at = from, *end = at + bytes / 384 * 384;
    __m256i c;
    for (; at < end; at += 384) {
        EACH(LOAD)
    }
}
