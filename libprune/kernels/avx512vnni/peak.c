/* The limit of 512-bit vpdpbusd, as in avx2/peak.c. */
#include "libprune/kernels/peak.h"

#include <immintrin.h>

enum { CHAINS = 12 };
#define EACH(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11)

#define PIN(x) __asm__ volatile("" : "+v"(x))

#define START(i) c##i = y;
/* 64 multiply-adds. */
#define DOT(i)                                                                                     \
    c##i = _mm512_dpbusd_epi32(c##i, x, y);                                                        \
    PIN(c##i);

uint64_t pr_avx512vnni_peak_i8(int64_t rounds)
{
    __m512i x = _mm512_set1_epi8(3), y = _mm512_set1_epi8(-5);
    __m512i c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11;
    EACH(START)
    for (int64_t r = 0; r < rounds; r++) {
        EACH(DOT)
    }
    return (uint64_t)rounds * CHAINS * 64;
}
