/* Patches of a convolution as matrix rows and back. Channels are contiguous, so a row is kh*kw
 * copies of C/groups floats. */
#include "libprune/ops/ops.h"

#include <string.h>

int64_t pr_conv_size(int64_t in, int64_t kernel, int64_t stride, int64_t before, int64_t after)
{
    int64_t span = in + before + after - kernel;
    return span < 0 ? 0 : span / stride + 1;
}

/* Source line or column of padded position p, or -1 for zero padding. */
static int64_t source(int64_t p, int64_t size, int32_t mode)
{
    if (p >= 0 && p < size) return p;
    if (mode != PR_PAD_REFLECT) return -1;
    return p < 0 ? -p : 2 * (size - 1) - p; /* b a b c d c: the edge itself is not repeated */
}

void pr_im2col(const float *image, const pr_shape *in, const pr_node *node, int64_t kh, int64_t kw,
               const pr_shape *out, int64_t begin, int64_t end, int32_t group, float *rows)
{
    const pr_attrs *a = &node->attrs;
    const int64_t height = in->dim[1], width = in->dim[2], channels = in->dim[3];
    const int64_t part = channels / a->groups, oh = out->dim[1], ow = out->dim[2];
    const float *base = image + group * part;
    for (int64_t r = begin; r < end; r++) {
        const int64_t n = r / (oh * ow), oy = r / ow % oh, ox = r % ow;
        for (int64_t ky = 0; ky < kh; ky++) {
            const int64_t y = source(oy * a->stride[0] - a->pad[0] + ky, height, a->pad_mode);
            const int64_t left = ox * a->stride[1] - a->pad[1];
            if (y >= 0 && left >= 0 && left + kw <= width && part == channels) {
                /* Inside, the columns of one line lie next to each other. */
                memcpy(rows, base + ((n * height + y) * width + left) * channels,
                       (size_t)(kw * part) * sizeof *rows);
                rows += kw * part;
                continue;
            }
            for (int64_t kx = 0; kx < kw; kx++, rows += part) {
                const int64_t x = source(left + kx, width, a->pad_mode);
                if (y < 0 || x < 0)
                    memset(rows, 0, (size_t)part * sizeof *rows);
                else
                    memcpy(rows, base + ((n * height + y) * width + x) * channels,
                           (size_t)part * sizeof *rows);
            }
        }
    }
}

void pr_im2col_s8(const int8_t *image, const pr_shape *in, const pr_node *node, int64_t kh,
                  int64_t kw, const pr_shape *out, int64_t begin, int64_t end, const int8_t *fill,
                  int8_t *rows)
{
    const pr_attrs *a = &node->attrs;
    const int64_t height = in->dim[1], width = in->dim[2], channels = in->dim[3];
    const int64_t oh = out->dim[1], ow = out->dim[2];
    for (int64_t r = begin; r < end; r++) {
        const int64_t n = r / (oh * ow), oy = r / ow % oh, ox = r % ow;
        for (int64_t ky = 0; ky < kh; ky++) {
            const int64_t y = source(oy * a->stride[0] - a->pad[0] + ky, height, a->pad_mode);
            for (int64_t kx = 0; kx < kw; kx++, rows += channels) {
                const int64_t x = source(ox * a->stride[1] - a->pad[1] + kx, width, a->pad_mode);
                memcpy(rows,
                       y < 0 || x < 0 ? fill : image + ((n * height + y) * width + x) * channels,
                       (size_t)channels);
            }
        }
    }
}

void pr_col2im_add(const float *rows, const pr_shape *in, const pr_node *node, int64_t kh,
                   int64_t kw, const pr_shape *out, int64_t begin, int64_t end, int32_t group,
                   int64_t line_begin, int64_t line_end, float *image)
{
    const pr_attrs *a = &node->attrs;
    const int64_t height = in->dim[1], width = in->dim[2], channels = in->dim[3];
    const int64_t part = channels / a->groups, oh = out->dim[1], ow = out->dim[2];
    float *base = image + group * part;
    for (int64_t r = begin; r < end; r++) {
        const int64_t n = r / (oh * ow), oy = r / ow % oh, ox = r % ow;
        for (int64_t ky = 0; ky < kh; ky++) {
            const int64_t y = source(oy * a->stride[0] - a->pad[0] + ky, height, a->pad_mode);
            const int64_t line = n * height + y;
            if (y < 0 || line < line_begin || line >= line_end) {
                rows += kw * part;
                continue;
            }
            for (int64_t kx = 0; kx < kw; kx++, rows += part) {
                const int64_t x = source(ox * a->stride[1] - a->pad[1] + kx, width, a->pad_mode);
                if (x < 0) continue;
                float *to = base + (line * width + x) * channels;
                for (int64_t c = 0; c < part; c++) to[c] += rows[c];
            }
        }
    }
}
