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
                     "lacks it");
            ck_assert_int_eq(parsed, PR_ISA_COUNT);
        }
    }
    pr_isa untouched = PR_ISA_COUNT;
    ck_fails(pr_isa_parse(&untouched, "sse9"), PRUNE_E_ARGUMENT, "sse9");
    ck_assert_int_eq(untouched, PR_ISA_COUNT);
}
END_TEST

START_TEST(best_is_there)
{
    ck_assert(pr_cpu_has(PR_ISA_PORTABLE));
    ck_assert(pr_cpu_has(pr_cpu_best()));
    for (int isa = (int)pr_cpu_best() + 1; isa < PR_ISA_COUNT; isa++)
        ck_assert(!pr_cpu_has((pr_isa)isa));
#if defined(__x86_64__) && defined(__GNUC__)
    /* The compiler's own detection, which also asks the operating system. */
    bool avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
    bool vnni = __builtin_cpu_supports("avx512vnni") != 0 &&
                __builtin_cpu_supports("avx512bw") != 0 &&
                __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0;
    ck_assert_int_eq(pr_cpu_has(PR_ISA_AVX2), avx2);
    ck_assert_int_eq(pr_cpu_has(PR_ISA_AVX512VNNI), vnni);
#endif
}
END_TEST

TEST_MAIN("cpu", names_parse_back, best_is_there)
