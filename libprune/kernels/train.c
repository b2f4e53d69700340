#include "libprune/kernels/train.h"

const pr_train_kernels *pr_train_kernels_get(pr_isa isa)
{
#if defined(__x86_64__)
    /* Every tier above has AVX2 and FMA as well. */
    if (isa != PR_ISA_PORTABLE) return &pr_train_kernels_avx2;
#endif
    (void)isa;
    return &pr_train_kernels_portable;
}
