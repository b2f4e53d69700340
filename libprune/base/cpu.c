#include "libprune/base/cpu.h"

#include "libprune/base/error.h"

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const char *const names[PR_ISA_COUNT] = {"portable", "avx2", "avx512vnni"};

const char *pr_isa_name(pr_isa isa)
{
    return isa >= 0 && isa < PR_ISA_COUNT ? names[isa] : "unknown";
}

#if defined(__x86_64__)
/* Register state that the operating system saves: bits 1, 2 for AVX, 5 to 7 for AVX-512. */
static uint64_t saved_state(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static bool bits(uint32_t value, uint32_t wanted)
{
    return (value & wanted) == wanted;
}

/* Feature bits: Intel SDM volume 2, CPUID leaves 1 and 7. */
static bool x86_has(pr_isa isa)
{
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return false;
    const uint32_t fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28, f16c = 1u << 29;
    if (!bits(c, fma | osxsave | avx | f16c)) return false;
    uint64_t state = saved_state();
    if ((state & 0x6) != 0x6) return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    const uint32_t avx2 = 1u << 5;
    if (!bits(b, avx2)) return false;
    if (isa == PR_ISA_AVX2) return true;
    const uint32_t f = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31, vnni = 1u << 11;
    return (state & 0xe6) == 0xe6 && bits(b, f | dq | bw | vl) && bits(c, vnni);
}
#endif

bool pr_cpu_has(pr_isa isa)
{
    if (isa == PR_ISA_PORTABLE) return true;
#if defined(__x86_64__)
    if (isa == PR_ISA_AVX2 || isa == PR_ISA_AVX512VNNI) return x86_has(isa);
#endif
    return false;
}

pr_isa pr_cpu_best(void)
{
    for (int isa = PR_ISA_COUNT - 1; isa > 0; isa--)
        if (pr_cpu_has((pr_isa)isa)) return (pr_isa)isa;
    return PR_ISA_PORTABLE;
}

prune_status pr_isa_parse(pr_isa *out, const char *name)
{
    for (int isa = 0; isa < PR_ISA_COUNT; isa++) {
        if (strcmp(name, names[isa]) != 0) continue;
        if (!pr_cpu_has((pr_isa)isa))
            return pr_fail(PRUNE_E_UNSUPPORTED,
                           "instruction set '%s': this machine lacks it; use '%s'", name,
                           pr_isa_name(pr_cpu_best()));
        *out = (pr_isa)isa;
        return PRUNE_OK;
    }
    return pr_fail(PRUNE_E_ARGUMENT,
                   "instruction set '%s' is unknown: use portable, avx2 or avx512vnni", name);
}
