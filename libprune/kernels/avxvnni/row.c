/* The tier's table row: integer products of its own, everything else from AVX2. */
#include "libprune/kernels/avxvnni/avxvnni.h"
#include "libprune/kernels/peak.h"

const pr_kernels pr_kernels_avxvnni = {.name = "avxvnni",
                                       PR_AVX2_FLOAT_ROW,
                                       .i8_lanes = 8,
                                       .i8_depth = 4,
                                       .i8_bytes = 1,
                                       .i8_widen = pr_avxvnni_i8_widen,
                                       .i8_panel = pr_avxvnni_i8_panel,
                                       .i8_gather = pr_avxvnni_i8_gather,
                                       PR_AVXVNNI_PEAKS};
