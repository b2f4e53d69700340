/* The limits that plain C meets: four floats at a time where the target has such registers. There
 * is no such limit for integers: how bytes are multiplied is the compiler's choice. */
#include "libprune/kernels/peak.h"

enum { CHAINS = 12 };
#define EACH(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11)

typedef float four __attribute__((vector_size(16)));

#if defined(__x86_64__)
#define PIN(x) __asm__ volatile("" : "+x"(x))
#elif defined(__aarch64__)
#define PIN(x) __asm__ volatile("" : "+w"(x))
#else
#define PIN(x) __asm__ volatile("" : "+m"(x))
#endif

#define START(i) c##i = y;
#define FMA(i)                                                                                     \
    c##i = c##i * x + y;                                                                           \
    PIN(c##i);

uint64_t pr_portable_peak_f32(int64_t rounds)
{
    const four x = {0.5f, 0.5f, 0.5f, 0.5f}, y = {1, 1, 1, 1};
    four c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11;
    EACH(START)
    for (int64_t r = 0; r < rounds; r++) {
        EACH(FMA)
    }
    return (uint64_t)rounds * CHAINS * 4;
}

#define LOAD(i)                                                                                    \
    c = ((const four *)from)[at + (i)];                                                            \
    PIN(c);

void pr_portable_peak_read(const void *from, size_t bytes)
{
    four c;
    for (size_t at = 0; at + CHAINS <= bytes / sizeof c; at += CHAINS) {
        EACH(LOAD)
    }
}
