/* The instructions of this tier, or SIMDe's plain C for them in tests. */
#ifndef PR_KERNELS_AVX512_INTRINSICS_H
#define PR_KERNELS_AVX512_INTRINSICS_H

#if defined(PR_SIMDE)
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512/dpbusd.h>
#include <simde/x86/avx512/fmadd.h>
#include <simde/x86/avx512/loadu.h>
#include <simde/x86/avx512/set1.h>
#include <simde/x86/avx512/setzero.h>
#include <simde/x86/avx512/store.h>
#include <simde/x86/avx512/storeu.h>
#include <simde/x86/avx512/xor.h>
#define PIN(x) (void)(x)
#else
#include <immintrin.h>
/* gcc 12 moves accumulators to the stack and back in every step (measured: 2.4 times slower); an
 * operand of an empty asm must stay in a register. */
#define PIN(x) __asm__("" : "+v"(x))
#endif

#endif
