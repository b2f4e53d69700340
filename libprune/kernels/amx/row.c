/* The tier's table row: everything from AVX512-VNNI. */
#include "libprune/kernels/avx512vnni/avx512vnni.h"
#include "libprune/kernels/peak.h"

const pr_kernels pr_kernels_amx = {
    .name = "amx", PR_AVX512_FLOAT_ROW, PR_AVX512VNNI_INTEGER_ROW, PR_AMX_PEAKS};
