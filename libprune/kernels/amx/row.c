/* The tier's table row: integer products with tiles, everything else from AVX-512. */
#include "libprune/kernels/amx/amx.h"
#include "libprune/kernels/avx512vnni/avx512vnni.h"
#include "libprune/kernels/peak.h"

/* reuse, AVX-512's 96: 1024 products of bytes a cycle (512 of halves) over 11 bytes, 29 GB/s at 2.6
 * GHz; from the second-level cache, 48 bytes, 32 rows are enough. */
const pr_kernels pr_kernels_amx = {.name = "amx",
                                   PR_AVX512_FLOAT_ROW,
                                   .bf16_lanes = 16,
                                   .bf16_step = 32,
                                   .bf16_narrow = pr_amx_bf16_narrow,
                                   .bf16_gather = pr_amx_bf16_gather,
                                   .bf16_panel = pr_amx_bf16_panel,
                                   .bf16_attention_scratch = pr_amx_bf16_attention_scratch,
                                   .bf16_attention = pr_amx_bf16_attention,
                                   .i8_lanes = 16,
                                   .i8_depth = 4,
                                   .i8_bytes = 1,
                                   .i8_step = 64,
                                   .unit = 32,
                                   .i8_plain = true,
                                   .i8_panel_bytes = 768 << 10,
                                   .i8_worth = 10000000,
                                   .i8_widen = pr_amx_i8_widen,
                                   .i8_panel = pr_amx_i8_panel,
                                   .i8_gather = pr_amx_i8_gather,
                                   .i16_lanes = 16,
                                   .i16_panel = pr_avx512vnni_i16_panel,
                                   PR_AMX_PEAKS};
