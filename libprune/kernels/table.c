#include "libprune/kernels/kernels.h"

const pr_kernels *pr_kernels_get(pr_isa isa)
{
    static const pr_kernels *const rows[PR_ISA_COUNT] = {
        [PR_ISA_PORTABLE] = &pr_kernels_portable,
#if defined(__x86_64__)
        [PR_ISA_AVX2] = &pr_kernels_avx2,
        [PR_ISA_AVXVNNI] = &pr_kernels_avxvnni,
        [PR_ISA_AVX512] = &pr_kernels_avx512,
        [PR_ISA_AVX512VNNI] = &pr_kernels_avx512vnni,
        [PR_ISA_AMX] = &pr_kernels_amx,
#endif
    };
    return rows[isa] ? rows[isa] : &pr_kernels_portable;
}
