/* Everything of this tier that is not a matrix product, and its table row. */
#include "libprune/kernels/avx2/avx2.h"
#include "libprune/kernels/avx2/lanes.h"
#include "libprune/kernels/peak.h"

#define PR_ROW(name) pr_avx2_##name
#include "libprune/kernels/rows.h"

const pr_kernels pr_kernels_avx2 = {
    .name = "avx2", PR_AVX2_FLOAT_ROW, PR_AVX2_INTEGER_ROW, PR_AVX2_PEAKS};
