/* Between the files of this tier, and for the tiers above it. */
#ifndef PR_KERNELS_AVX512_H
#define PR_KERNELS_AVX512_H

#include "libprune/kernels/avx2/avx2.h"

void pr_avx512_f32_panel(int64_t m, const float *a, int64_t lda, const pr_packed *b,
                         const pr_epilogue *e, int64_t row);
void pr_avx512_i8_panel(int64_t m, const void *a, int64_t lda, const pr_packed *b,
                        const pr_epilogue *e, int64_t row);
void pr_avx512_f32_gather(float *to, int64_t to_stride, const float *line, const int32_t *offset,
                          int64_t step, int64_t rows, int64_t taps, int64_t run, const float *fill);
PR_DECLARE_ROWS(pr_avx512)
size_t pr_avx512_i8_winograd_bytes(const pr_conv *conv);
void pr_avx512_i8_winograd(const pr_conv *conv, const pr_epilogue *e, int64_t begin, int64_t end,
                           void *memory);

/* FP32 and vectors, for every tier with AVX-512. reuse: twice AVX2's products a cycle; for AMX see
 * its row. */
#define PR_AVX512_FLOAT_ROW                                                                        \
    .reuse = 96, .f32_lanes = 16, .f32_thin = PR_AVX2_THIN, .f32_panel = pr_avx512_f32_panel,      \
    .f32_single = pr_avx2_f32_single, .f32_gather = pr_avx512_f32_gather, PR_ROWS(pr_avx512)

#endif
