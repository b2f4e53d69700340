#include "libprune/base/cpu.h"
#include "tests/support/support.h"

START_TEST(names_parse_back)
{
    for (int isa = 0; isa < PR_ISA_COUNT; isa++) {
        pr_isa parsed = PR_ISA_COUNT;
        if (pr_cpu_has((pr_isa)isa)) {
            ck_ok(pr_isa_parse(&parsed, pr_isa_name((pr_isa)isa)));
            ck_assert_int_eq(parsed, isa);
        } else {
            ck_fails(pr_isa_parse(&parsed, pr_isa_name((pr_isa)isa)), PRUNE_E_UNSUPPORTED,
                     "lacks it; use one of portable");
            ck_assert_int_eq(parsed, PR_ISA_COUNT);
        }
    }
    pr_isa untouched = PR_ISA_COUNT;
    ck_fails(pr_isa_parse(&untouched, "sse9"), PRUNE_E_ARGUMENT,
             "sse9' is unknown: use one of portable, avx2, avxvnni, avx512, avx512vnni, amx");
    ck_assert_int_eq(untouched, PR_ISA_COUNT);
}
END_TEST

/* Feature words as these processors report them; what is left out decides nothing here. */
enum { FMA = 1 << 12, SAVES = 1 << 27, AVX = 1 << 28, F16C = 1 << 29, AVX2 = 1 << 5 };
enum { VNNI512 = 1 << 11, VNNI256 = 1 << 4, BF16_512 = 1 << 5 };
enum { AVX512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31 };
enum { AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24, AMX_INT8 = 1 << 25 };
static const uint32_t base = FMA | SAVES | AVX | F16C;

static pr_isa best_of(const pr_cpu_facts *facts)
{
    int best = PR_ISA_PORTABLE;
    for (int isa = 0; isa < PR_ISA_COUNT; isa++) {
        if (pr_cpu_allows(facts, (pr_isa)isa)) best = isa;
    }
    return (pr_isa)best;
}

START_TEST(facts_decide)
{
    const uint32_t tiles = AMX_BF16 | AMX_TILE | AMX_INT8;
    const pr_cpu_facts haswell = {base, AVX2, 0, 0, 0, 0x7, false};
    const pr_cpu_facts alder_lake = {base, AVX2, 0, 0, VNNI256, 0x207, false};
    const pr_cpu_facts skylake_x = {base, AVX2 | (uint32_t)AVX512, 0, 0, 0, 0x2e7, false};
    const pr_cpu_facts ice_lake = {base, AVX2 | (uint32_t)AVX512, VNNI512, 0, 0, 0x2e7, false};
    const pr_cpu_facts sapphire_rapids = {
        base, AVX2 | (uint32_t)AVX512, VNNI512, tiles, VNNI256 | BF16_512, 0x602e7, true};
    ck_assert_int_eq(best_of(&haswell), PR_ISA_AVX2);
    ck_assert_int_eq(best_of(&alder_lake), PR_ISA_AVXVNNI);
    ck_assert_int_eq(best_of(&skylake_x), PR_ISA_AVX512);
    ck_assert_int_eq(best_of(&ice_lake), PR_ISA_AVX512VNNI);
    ck_assert_int_eq(best_of(&sapphire_rapids), PR_ISA_AMX);
    ck_assert(!pr_cpu_allows(&alder_lake, PR_ISA_AVX512));
    ck_assert(!pr_cpu_allows(&skylake_x, PR_ISA_AVXVNNI));
    ck_assert(pr_cpu_allows(&sapphire_rapids, PR_ISA_AVXVNNI));

    /* What the operating system does not save or grant is not there. */
    pr_cpu_facts f = sapphire_rapids;
    f.tiles = false;
    ck_assert_int_eq(best_of(&f), PR_ISA_AVX512VNNI);
    f = sapphire_rapids;
    f.state = 0x2e7;
    ck_assert_int_eq(best_of(&f), PR_ISA_AVX512VNNI);
    f.state = 0x7;
    ck_assert_int_eq(best_of(&f), PR_ISA_AVXVNNI);
    f.state = 0x3;
    ck_assert_int_eq(best_of(&f), PR_ISA_PORTABLE);
    f = sapphire_rapids;
    f.leaf7_d = AMX_TILE | AMX_INT8;
    ck_assert_int_eq(best_of(&f), PR_ISA_AVX512VNNI);
    f.leaf1_c = base & ~(uint32_t)SAVES;
    ck_assert_int_eq(best_of(&f), PR_ISA_PORTABLE);
}
END_TEST

START_TEST(best_is_there)
{
    ck_assert(pr_cpu_has(PR_ISA_PORTABLE));
    ck_assert(pr_cpu_has(pr_cpu_best()));
    for (int isa = (int)pr_cpu_best() + 1; isa < PR_ISA_COUNT; isa++)
        ck_assert(!pr_cpu_has((pr_isa)isa));
        /* The kernel may refuse tiles, never grant them to a processor without. */
#if defined(__x86_64__) && defined(__GNUC__)
    /* The compiler's own detection, which also asks the operating system. */
    bool avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
    bool avx512 = __builtin_cpu_supports("avx512bw") != 0 &&
                  __builtin_cpu_supports("avx512vl") != 0 &&
                  __builtin_cpu_supports("avx512dq") != 0;
    bool vnni = avx512 && __builtin_cpu_supports("avx512vnni") != 0;
    ck_assert_int_eq(pr_cpu_has(PR_ISA_AVX2), avx2);
    ck_assert_int_eq(pr_cpu_has(PR_ISA_AVX512), avx512);
    ck_assert_int_eq(pr_cpu_has(PR_ISA_AVX512VNNI), vnni);
    ck_assert(!pr_cpu_has(PR_ISA_AMX) || vnni);
#endif
}
END_TEST

TEST_MAIN("cpu", names_parse_back, facts_decide, best_is_there)
