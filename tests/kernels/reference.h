/* Plain references and helpers that the kernel tests share. */
#ifndef TESTS_KERNELS_REFERENCE_H
#define TESTS_KERNELS_REFERENCE_H

#include "libprune/kernels/integer.h"
#include "libprune/kernels/kernels.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>

static inline void fill_bytes(int8_t *bytes, int64_t count, uint64_t seed)
{
    uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
    for (int64_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        /* Extremes often: they are what saturates. */
        uint64_t pick = (state >> 60) & 3;
        bytes[i] = (int8_t)(pick == 0 ? 127 : pick == 1 ? -127 : (int)((state >> 33) % 255) - 127);
    }
}

/* The rows of the table once more, in plain C for instructions (tests/CMakeLists.txt). */
extern const pr_kernels pr_emulated_avx2, pr_emulated_avxvnni, pr_emulated_avx512,
    pr_emulated_avx512vnni, pr_emulated_amx;

enum { TIERS = 2 * PR_ISA_COUNT };

static inline int emulated_tiers(const pr_kernels *list[TIERS])
{
#if defined(PR_TEST_EMULATED)
    list[0] = &pr_emulated_avx2;
    list[1] = &pr_emulated_avxvnni;
    list[2] = &pr_emulated_avx512;
    list[3] = &pr_emulated_avx512vnni;
    list[4] = &pr_emulated_amx;
    return 5;
#else
    (void)list;
    (void)fprintf(stderr, "SKIP: libsimde-dev is missing, no kernel was emulated\n");
    return 0;
#endif
}

/* Every tier: those that this machine can run, and all of them emulated. */
static inline int tiers(const pr_kernels *list[TIERS])
{
    int count = 0;
    for (int isa = 0; isa < PR_ISA_COUNT; isa++) {
        if (pr_cpu_has((pr_isa)isa)) {
            list[count++] = pr_kernels_get((pr_isa)isa);
        } else {
            (void)fprintf(stderr, "SKIP: this machine has no %s, its kernels ran only emulated\n",
                          pr_isa_name((pr_isa)isa));
        }
    }
    return count + emulated_tiers(list + count);
}

static inline double reference_activation(pr_activation act, double alpha, double y)
{
    switch (act) {
    case PR_ACT_RELU:
        return y > 0 ? y : 0;
    case PR_ACT_LEAKY_RELU:
        return y > 0 ? y : alpha * y;
    case PR_ACT_ELU:
        return y > 0 ? y : alpha * expm1(y);
    case PR_ACT_GELU:
        return y * 0.5 * erfc(-y / sqrt(2.0));
    case PR_ACT_SIGMOID:
        return 1 / (1 + exp(-y));
    default:
        return y;
    }
}

/* Source index of a tap, or -1 where padding is. */
static inline int64_t reference_tap(int64_t i, int64_t n, bool reflect)
{
    if (i >= 0 && i < n) return i;
    if (!reflect) return -1;
    return i < 0 ? -i : 2 * n - 2 - i;
}

#endif
