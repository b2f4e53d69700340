/* Transposed convolution whose kernel equals its stride: every input pixel becomes a kh x kw block
 * of outputs, one matrix product per tap, stored with the stride of the larger map. */
#include "libprune/kernels/driver.h"
#include "libprune/kernels/kernels.h"

#include <string.h>

typedef struct transpose_job {
    const pr_kernels *kernels;
    const pr_conv_transpose *t;
    bool integer;
    char *scratch;
    size_t lane_bytes;
} transpose_job;

/* Rows [x, x + rows) of input line `line` through all taps. */
static void spread(const transpose_job *job, int64_t line, int64_t x, int64_t rows, const void *a,
                   int64_t lda)
{
    const pr_conv_transpose *t = job->t;
    for (int64_t tap = 0; tap < t->kernel[0] * t->kernel[1]; tap++) {
        const pr_packed *b = &t->b[tap];
        pr_epilogue e = pr_epilogue_for(&t->e, b, 0);
        int64_t y = line * t->kernel[0] + tap / t->kernel[1];
        int64_t pixel = (y * t->width + x) * t->kernel[1] + tap % t->kernel[1];
        if (e.row_scale) e.row_scale += line * t->width + x;
        if (e.out) e.out += pixel * e.out_stride;
        if (e.out8) e.out8 += pixel * e.out8_stride;
        if (e.residual) e.residual += pixel * e.residual_stride;
        e.out_stride *= t->kernel[1];
        e.out8_stride *= t->kernel[1];
        e.residual_stride *= t->kernel[1];
        const pr_float_panel floats = pr_float_panel_for(job->kernels, b);
        if (job->integer) {
            job->kernels->i8_panel(rows, a, lda, b, &e, 0);
        } else if (floats.round) {
            pr_float_panel_run(job->kernels, &floats, rows, a, b, &e, 0);
        } else {
            job->kernels->f32_panel(rows, a, lda, b, &e, 0);
        }
    }
}

static void transpose_lines(void *arg, int64_t begin, int64_t end, int lane)
{
    const transpose_job *job = arg;
    const pr_conv_transpose *t = job->t;
    int64_t padded = t->b->k_padded, bytes = job->kernels->i8_bytes;
    int64_t stride = pr_panel_stride_i8(job->kernels, t->b);
    const pr_float_panel floats = pr_float_panel_for(job->kernels, t->b);
    int64_t step = job->integer ? pr_panel_rows_i8(job->kernels, t->b) : floats.rows;
    char *panel = job->scratch + (size_t)lane * job->lane_bytes;
    for (int64_t line = begin; line < end; line++) {
        for (int64_t x = 0; x < t->width; x += step) {
            int64_t rows = t->width - x < step ? t->width - x : step;
            int64_t at = (line * t->width + x) * t->channels;
            if (!job->integer) {
                const float *image = (const float *)t->image + at;
                if (floats.round)
                    pr_float_panel_fill(job->kernels, &floats, t->b, rows, image, t->channels,
                                        panel);
                spread(job, line, x, rows, floats.round ? (const void *)panel : image,
                       floats.round ? floats.stride : t->channels);
                continue;
            }
            for (int64_t i = 0; i < rows; i++) {
                char *to = panel + i * stride * bytes;
                const int8_t *from = (const int8_t *)t->image + at + i * t->channels;
                job->kernels->i8_widen(to, from, t->channels);
                memset(to + t->channels * bytes, 0, (size_t)((padded - t->channels) * bytes));
            }
            spread(job, line, x, rows, panel, stride);
        }
    }
}

static size_t lane_bytes(const pr_kernels *kernels, const pr_conv_transpose *t)
{
    const pr_float_panel floats = pr_float_panel_for(kernels, t->b);
    if (floats.round) return pr_float_panel_bytes(&floats);
    return pr_panel_bytes_i8(kernels, t->b);
}

size_t pr_conv_transpose_scratch(const prune_context *ctx, const pr_kernels *kernels,
                                 const pr_conv_transpose *transpose)
{
    return (size_t)ctx->threads * lane_bytes(kernels, transpose);
}

void pr_conv_transpose_run(prune_context *ctx, const pr_kernels *kernels,
                           const pr_conv_transpose *transpose, bool integer, void *scratch)
{
    transpose_job job = {kernels, transpose, integer, scratch, lane_bytes(kernels, transpose)};
    pr_parallel(ctx, transpose->batch * transpose->height, 1, transpose_lines, &job);
}
