/* The tier's table row: everything from AVX2. */
#include "libprune/kernels/avx2/avx2.h"
#include "libprune/kernels/peak.h"

const pr_kernels pr_kernels_avxvnni = {
    .name = "avxvnni", PR_AVX2_FLOAT_ROW, PR_AVX2_INTEGER_ROW, PR_AVXVNNI_PEAKS};
