/* Between the files of this tier. */
#ifndef PR_KERNELS_AMX_H
#define PR_KERNELS_AMX_H

#include "libprune/kernels/avx512/avx512.h"

void pr_amx_i8_widen(void *to, const int8_t *from, int64_t count);
void pr_amx_i8_gather(void *to, int64_t to_stride, const int8_t *line, const int32_t *offset,
                      int64_t step, int64_t rows, int64_t taps, int64_t run, const int8_t *fill);
void pr_amx_i8_panel(int64_t m, const void *a, int64_t lda, const pr_packed *b,
                     const pr_epilogue *e, int64_t row);
void pr_amx_bf16_narrow(uint16_t *to, const float *from, int64_t count);
void pr_amx_bf16_gather(uint16_t *to, int64_t to_stride, const float *line, const int32_t *offset,
                        int64_t step, int64_t rows, int64_t taps, int64_t run, const float *fill);
void pr_amx_bf16_panel(int64_t m, const uint16_t *a, int64_t lda, const pr_packed *b,
                       const pr_epilogue *e, int64_t row);
size_t pr_amx_bf16_attention_scratch(const prune_context *ctx, const pr_attention *attention);
void pr_amx_bf16_attention(prune_context *ctx, const pr_attention *attention, void *scratch);

#endif
