/* The tier's table row: matrix products of its own, everything else from AVX2. */
#include "libprune/kernels/avx512vnni/avx512vnni.h"

const pr_kernels pr_kernels_avx512vnni = {.name = "avx512vnni",
                                          .f32_lanes = 16,
                                          .f32_thin = PR_AVX2_THIN,
                                          .f32_panel = pr_avx512vnni_f32_panel,
                                          .f32_single = pr_avx2_f32_single,
                                          .i8_lanes = 16,
                                          .i8_depth = 4,
                                          .i8_bytes = 1,
                                          .i8_widen = pr_avx512vnni_i8_widen,
                                          .i8_panel = pr_avx512vnni_i8_panel,
                                          .f32_gather = pr_avx2_f32_gather,
                                          .i8_gather = pr_avx512vnni_i8_gather,
                                          PR_AVX2_VECTOR_ROW};
