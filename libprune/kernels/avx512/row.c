/* The tier's table row: its products and rows, what is left from AVX2. */
#include "libprune/kernels/avx512/avx512.h"
#include "libprune/kernels/peak.h"

const pr_kernels pr_kernels_avx512 = {.name = "avx512",
                                      PR_AVX512_FLOAT_ROW,
                                      .i8_lanes = 8,
                                      .i8_depth = 2,
                                      .i8_bytes = 2,
                                      .i8_widen = pr_avx2_i8_widen,
                                      .i8_panel = pr_avx512_i8_panel,
                                      .i8_gather = pr_avx2_i8_gather,
                                      .i8_winograd_bytes = pr_avx512_i8_winograd_bytes,
                                      .i8_winograd = pr_avx512_i8_winograd,
                                      .i16_lanes = 8,
                                      .i16_panel = pr_avx512_i8_panel, /* it holds 16 bits */
                                      PR_AVX512_PEAKS};
