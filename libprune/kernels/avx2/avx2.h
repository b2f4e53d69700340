/* Between the files of this tier, and for the tiers above it, which borrow what they do not better.
 */
#ifndef PR_KERNELS_AVX2_H
#define PR_KERNELS_AVX2_H

#include "libprune/kernels/kernels.h"

enum { PR_AVX2_THIN = 4 };

void pr_avx2_f32_panel(int64_t m, const float *a, int64_t lda, const pr_packed *b,
                       const pr_epilogue *e, int64_t row);
void pr_avx2_f32_single(int64_t m, const float *const *lines, int64_t parts, int64_t step,
                        const pr_packed *b, const pr_epilogue *e, int64_t row);
void pr_avx2_f32_gather(float *to, int64_t to_stride, const float *line, const int32_t *offset,
                        int64_t step, int64_t rows, int64_t taps, int64_t run, const float *fill);
void pr_avx2_i8_gather(void *to, int64_t to_stride, const int8_t *line, const int32_t *offset,
                       int64_t step, int64_t rows, int64_t taps, int64_t run, const int8_t *fill);
void pr_avx2_i8_widen(void *to, const int8_t *from, int64_t count);
void pr_avx2_i8_panel(int64_t m, const void *a, int64_t lda, const pr_packed *b,
                      const pr_epilogue *e, int64_t row);
size_t pr_avx2_f32_winograd_bytes(const pr_conv *conv);
void pr_avx2_f32_winograd(const pr_conv *conv, const pr_epilogue *e, int64_t begin, int64_t end,
                          void *memory);
size_t pr_avx2_i8_winograd_bytes(const pr_conv *conv);
void pr_avx2_i8_winograd(const pr_conv *conv, const pr_epilogue *e, int64_t begin, int64_t end,
                         void *memory);

/* The fields of the table row that are not matrix products (rows.h). */
#define PR_DECLARE_ROWS(tier)                                                                      \
    void tier##_activate(pr_activation act, float alpha, const float *x, float *y, int64_t count); \
    void tier##_add(const float *a, const float *b, float *y, int64_t count);                      \
    void tier##_layer_norm(int64_t rows, int64_t width, int64_t norm_width, float epsilon,         \
                           const float *x, int64_t x_stride, const float *weight,                  \
                           const float *bias, float *y, int64_t y_stride);                         \
    void tier##_quantize(int64_t rows, int64_t n, const float *x, int64_t x_stride,                \
                         const float *inv_scale, const float *zero, bool relu, int8_t *q,          \
                         int64_t q_stride);                                                        \
    void tier##_quantize_rows(int64_t rows, int64_t n, const float *x, int64_t x_stride,           \
                              bool relu, int8_t *q, int64_t q_stride, float *row_scale);           \
    void tier##_resize_row(int64_t width, int64_t channels, const float *top, const float *bottom, \
                           float wy, const int32_t *x0, const int32_t *x1, const float *wx,        \
                           float *y);                                                              \
    float tier##_max_row(const float *s, int64_t n);                                               \
    float tier##_exp2_row(float *s, int64_t n, float largest);                                     \
    void tier##_bf16_round(const float *x, float *y, int64_t count);                               \
    void tier##_scale_row(const float *x, float factor, float *y, int64_t count);                  \
    int32_t tier##_weigh_row(const float *s, int64_t n, float factor, float largest, int16_t *p);
PR_DECLARE_ROWS(pr_avx2)

/* Initializers of table rows. */
#define PR_ROWS(tier)                                                                              \
    .activate = tier##_activate, .add = tier##_add, .layer_norm = tier##_layer_norm,               \
    .quantize = tier##_quantize, .quantize_rows = tier##_quantize_rows,                            \
    .resize_row = tier##_resize_row, .max_row = tier##_max_row, .exp2_row = tier##_exp2_row,       \
    .scale_row = tier##_scale_row, .bf16_round = tier##_bf16_round, .weigh_row = tier##_weigh_row
/* reuse: 16 products a cycle, 4 bytes a weight; from memory come some 7 bytes a cycle. */
#define PR_AVX2_FLOAT_ROW                                                                          \
    .reuse = 48, .f32_lanes = 8, .f32_thin = PR_AVX2_THIN, .f32_panel = pr_avx2_f32_panel,         \
    .f32_single = pr_avx2_f32_single, .f32_gather = pr_avx2_f32_gather,                            \
    .f32_winograd_bytes = pr_avx2_f32_winograd_bytes, .f32_winograd = pr_avx2_f32_winograd,        \
    PR_ROWS(pr_avx2), .i16_lanes = 8, .i16_panel = pr_avx2_i8_panel /* its panels hold 16 bits */
#define PR_AVX2_INTEGER_ROW                                                                        \
    .i8_lanes = 8, .i8_depth = 2, .i8_bytes = 2, .i8_widen = pr_avx2_i8_widen,                     \
    .i8_panel = pr_avx2_i8_panel, .i8_gather = pr_avx2_i8_gather,                                  \
    .i8_winograd_bytes = pr_avx2_i8_winograd_bytes, .i8_winograd = pr_avx2_i8_winograd

#endif
