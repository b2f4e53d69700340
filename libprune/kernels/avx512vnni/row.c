/* The tier's table row: integer products of its own, floats from AVX-512. */
#include "libprune/kernels/avx512vnni/avx512vnni.h"
#include "libprune/kernels/peak.h"

const pr_kernels pr_kernels_avx512vnni = {
    .name = "avx512vnni", PR_AVX512_FLOAT_ROW, PR_AVX512VNNI_INTEGER_ROW, PR_AVX512VNNI_PEAKS};
