/* The tier's table row: FP32 products of its own, everything else from AVX2. */
#include "libprune/kernels/avx512/avx512.h"
#include "libprune/kernels/peak.h"

const pr_kernels pr_kernels_avx512 = {
    .name = "avx512", PR_AVX512_FLOAT_ROW, PR_AVX2_INTEGER_ROW, PR_AVX512_PEAKS};
