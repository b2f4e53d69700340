#include "libprune/base/cpu.h"

#include "libprune/base/error.h"

#include <pthread.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

static const char *const names[PR_ISA_COUNT] = {"portable", "avx2",       "avxvnni",
                                                "avx512",   "avx512vnni", "amx"};

const char *pr_isa_name(pr_isa isa)
{
    return isa >= 0 && isa < PR_ISA_COUNT ? names[isa] : "unknown";
}

#define BIT(n) (1u << (n))

static bool bits(uint64_t value, uint64_t wanted)
{
    return (value & wanted) == wanted;
}

/* Intel SDM volume 2A, CPUID leaves 1 and 7; volume 1, 13.3, for XCR0: bits 1 and 2 say that the
 * registers of AVX are saved, 5 to 7 those of AVX-512, 17 and 18 tiles. */
bool pr_cpu_allows(const pr_cpu_facts *facts, pr_isa isa)
{
    const pr_cpu_facts *f = facts;
    const uint32_t fma = BIT(12), osxsave = BIT(27), avx = BIT(28), f16c = BIT(29);
    const uint32_t avx512 = BIT(16) | BIT(17) | BIT(30) | BIT(31); /* F, DQ, BW, VL */
    const uint32_t amx = BIT(22) | BIT(24) | BIT(25);              /* BF16, TILE, INT8 */
    switch (isa) {
    case PR_ISA_PORTABLE:
        return true;
    case PR_ISA_AVX2:
        return bits(f->leaf1_c, fma | osxsave | avx | f16c) && bits(f->state, 0x6) &&
               bits(f->leaf7_b, BIT(5));
    case PR_ISA_AVXVNNI:
        return pr_cpu_allows(f, PR_ISA_AVX2) && bits(f->leaf7_1_a, BIT(4));
    case PR_ISA_AVX512:
        return pr_cpu_allows(f, PR_ISA_AVX2) && bits(f->state, 0xe6) && bits(f->leaf7_b, avx512);
    case PR_ISA_AVX512VNNI:
        return pr_cpu_allows(f, PR_ISA_AVX512) && bits(f->leaf7_c, BIT(11));
    case PR_ISA_AMX:
        return pr_cpu_allows(f, PR_ISA_AVX512VNNI) && bits(f->leaf7_1_a, BIT(5)) &&
               bits(f->leaf7_d, amx) && bits(f->state, 0x60000) && f->tiles;
    default:
        return false;
    }
}

#if defined(__x86_64__)
static uint64_t saved_state(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

/* Linux enlarges a process's register state for tiles only when asked: arch_prctl(2),
 * ARCH_REQ_XCOMP_PERM, for component 18. It holds for all threads, present and future. */
static bool request_tiles(void)
{
#if defined(__linux__)
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
#else
    return false;
#endif
}

static pr_cpu_facts this_machine(void)
{
    pr_cpu_facts f = {0};
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return f;
    f.leaf1_c = c;
    if (bits(c, BIT(27))) f.state = saved_state();
    if (!__get_cpuid_count(7, 0, &a, &f.leaf7_b, &f.leaf7_c, &f.leaf7_d)) return f;
    if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) f.leaf7_1_a = a;
    /* Only where nothing else is missing: others are not asked for memory they will not use. */
    f.tiles = true;
    f.tiles = pr_cpu_allows(&f, PR_ISA_AMX) && request_tiles();
    return f;
}
#else
static pr_cpu_facts this_machine(void)
{
    return (pr_cpu_facts){0};
}
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pr_cpu_facts machine;

static void look(void)
{
    machine = this_machine();
}

bool pr_cpu_has(pr_isa isa)
{
    (void)pthread_once(&once, look);
    return pr_cpu_allows(&machine, isa);
}

pr_isa pr_cpu_best(void)
{
    for (int isa = PR_ISA_COUNT - 1; isa > 0; isa--)
        if (pr_cpu_has((pr_isa)isa)) return (pr_isa)isa;
    return PR_ISA_PORTABLE;
}

/* The names of all tiers, or of those this machine has: "portable, avx2". */
static void list_tiers(char *text, size_t size, bool all)
{
    text[0] = '\0';
    for (int isa = 0; isa < PR_ISA_COUNT; isa++) {
        if (!all && !pr_cpu_has((pr_isa)isa)) continue;
        if (isa > 0) (void)strncat(text, ", ", size - strlen(text) - 1);
        (void)strncat(text, names[isa], size - strlen(text) - 1);
    }
}

prune_status pr_isa_parse(pr_isa *out, const char *name)
{
    char list[128];
    for (int isa = 0; isa < PR_ISA_COUNT; isa++) {
        if (strcmp(name, names[isa]) != 0) continue;
        if (!pr_cpu_has((pr_isa)isa)) {
            list_tiers(list, sizeof list, false);
            return pr_fail(PRUNE_E_UNSUPPORTED,
                           "instruction set '%s': this machine lacks it; use one of %s", name,
                           list);
        }
        *out = (pr_isa)isa;
        return PRUNE_OK;
    }
    list_tiers(list, sizeof list, true);
    return pr_fail(PRUNE_E_ARGUMENT, "instruction set '%s' is unknown: use one of %s", name, list);
}
