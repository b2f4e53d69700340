#include "libprune/kernels/kernels.h"

const pr_kernels *pr_kernels_get(pr_isa isa)
{
#if defined(__x86_64__)
    if (isa == PR_ISA_AVX512VNNI) return &pr_kernels_avx512vnni;
    if (isa == PR_ISA_AVX2) return &pr_kernels_avx2;
#endif
    (void)isa;
    return &pr_kernels_portable;
}
