/* Between the files of this tier, and for the tier above it. */
#ifndef PR_KERNELS_AVX512VNNI_H
#define PR_KERNELS_AVX512VNNI_H

#include "libprune/kernels/avx512/avx512.h"

void pr_avx512vnni_i8_widen(void *to, const int8_t *from, int64_t count);
void pr_avx512vnni_i8_gather(void *to, int64_t to_stride, const int8_t *line, const int32_t *offset,
                             int64_t step, int64_t rows, int64_t taps, int64_t run,
                             const int8_t *fill);
void pr_avx512vnni_i8_panel(int64_t m, const void *a, int64_t lda, const pr_packed *b,
                            const pr_epilogue *e, int64_t row);

void pr_avx512vnni_i16_panel(int64_t m, const void *a, int64_t lda, const pr_packed *b,
                             const pr_epilogue *e, int64_t row);

#define PR_AVX512VNNI_INTEGER_ROW                                                                  \
    .i8_lanes = 16, .i8_depth = 4, .i8_bytes = 1, .i8_widen = pr_avx512vnni_i8_widen,              \
    .i8_panel = pr_avx512vnni_i8_panel, .i8_gather = pr_avx512vnni_i8_gather, .i16_lanes = 16,     \
    .i16_panel = pr_avx512vnni_i16_panel

#endif
