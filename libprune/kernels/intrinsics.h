/* The instructions. Tests compile the vector kernels once more with PR_EMULATED, where
 * tests/kernels/emulated/instructions.h has put plain C in their place. */
#ifndef PR_KERNELS_INTRINSICS_H
#define PR_KERNELS_INTRINSICS_H

#if defined(PR_EMULATED)
#define PR_PIN(x) (void)(x)
#define PR_PUBLISH(p) (void)(p)
#define PR_RELOAD(p) (void)(p)
#else
#include <immintrin.h>
/* gcc 12 moves accumulators to the stack and back in every step (measured: 2.4 times slower); an
 * operand of an empty asm must stay in a register. */
#define PR_PIN(x) __asm__("" : "+v"(x))
/* What was written stands in memory, p's target included: for asm that reads it unannounced. */
#define PR_PUBLISH(p) __asm__ volatile("" : : "r"(p) : "memory")
/* Constants at p are read where they are used: kept in registers they would crowd out what is
 * computed. */
#define PR_RELOAD(p) __asm__ volatile("" : "+r"(p))
#endif

#endif
