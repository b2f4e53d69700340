/* Convolutions as products of gathered rows: a panel of output positions is laid out as rows of
 * kh * kw * C values, small enough to stay in L2, and goes through the panel kernels. */
#include "libprune/kernels/driver.h"
#include "libprune/kernels/kernels.h"

#include <string.h>

typedef struct conv_job {
    const pr_kernels *kernels;
    const pr_conv *conv;
    bool integer;
    char *scratch;
    size_t lane_bytes;
} conv_job;

/* Where a row of the panel comes from. */
typedef struct gather {
    const pr_kernels *kernels;
    const pr_conv *conv;
    bool integer;
    int64_t first, count; /* channels of the group */
    int64_t element;      /* bytes of a panel element */
} gather;

static void copy_run(const gather *g, char *to, const char *from, int64_t count)
{
    if (g->integer) {
        g->kernels->i8_widen(to, (const int8_t *)from, count);
    } else {
        memcpy(to, from, (size_t)count * sizeof(float));
    }
}

static void fill_run(const gather *g, char *to)
{
    if (!g->integer) {
        memset(to, 0, (size_t)g->count * sizeof(float));
    } else if (g->conv->fill) {
        g->kernels->i8_widen(to, g->conv->fill + g->first, g->count);
    } else {
        static const int8_t zeros[64];
        for (int64_t i = 0; i < g->count; i += 64) {
            int64_t n = g->count - i < 64 ? g->count - i : 64;
            g->kernels->i8_widen(to + i * g->element, zeros, n);
        }
    }
}

/* Reflection without repeating the edge: -1 -> 1, n -> n - 2. */
static int64_t reflect(int64_t i, int64_t n)
{
    while (i < 0 || i >= n) i = i < 0 ? -i : 2 * (n - 1) - i;
    return i;
}

static const char *pixel_at(const gather *g, int64_t image, int64_t y, int64_t x)
{
    const pr_conv *c = g->conv;
    int64_t f = c->upsample, size = g->integer ? 1 : (int64_t)sizeof(float);
    int64_t at = (image * (c->height / f) + y / f) * (c->width / f) + x / f;
    return (const char *)c->image + (at * c->channels + g->first) * size;
}

/* One kernel row: kw pixels that begin at column x of image row y. */
static void gather_taps(const gather *g, char *to, int64_t image, int64_t y, int64_t x)
{
    const pr_conv *c = g->conv;
    int64_t taps = c->kernel[1], step = g->count * g->element;
    bool inside = y >= 0 && y < c->height;
    if (!inside && c->reflect) {
        y = reflect(y, c->height);
        inside = true;
    }
    if (inside && x >= 0 && x + taps <= c->width && c->upsample == 1 && g->count == c->channels) {
        copy_run(g, to, pixel_at(g, image, y, x), taps * g->count);
        return;
    }
    for (int64_t t = 0; t < taps; t++, to += step) {
        int64_t at = x + t;
        if (c->reflect) at = reflect(at, c->width);
        if (inside && at >= 0 && at < c->width) {
            copy_run(g, to, pixel_at(g, image, y, at), g->count);
        } else {
            fill_run(g, to);
        }
    }
}

static void gather_rows(const gather *g, char *panel, int64_t row_bytes, int64_t begin,
                        int64_t rows)
{
    const pr_conv *c = g->conv;
    int64_t area = c->out_height * c->out_width, tap_bytes = c->kernel[1] * g->count * g->element;
    for (int64_t i = 0; i < rows; i++) {
        int64_t image = (begin + i) / area, at = (begin + i) % area;
        int64_t y = at / c->out_width * c->stride[0] - c->pad[0];
        int64_t x = at % c->out_width * c->stride[1] - c->pad[1];
        char *to = panel + i * row_bytes;
        for (int64_t t = 0; t < c->kernel[0]; t++, to += tap_bytes) {
            gather_taps(g, to, image, y + t, x);
        }
        memset(to, 0, (size_t)(panel + (i + 1) * row_bytes - to));
    }
}

static int64_t total_rows(const pr_conv *conv)
{
    return conv->batch * conv->out_height * conv->out_width;
}

static void conv_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    const conv_job *job = arg;
    const pr_conv *conv = job->conv;
    int64_t m = total_rows(conv), per_group = conv->channels / conv->groups;
    int64_t element = job->integer ? job->kernels->i8_bytes : (int64_t)sizeof(float);
    int64_t padded = conv->b[0].k_padded, step = pr_panel_rows(padded * element);
    int64_t last = end * PR_PANEL_UNIT < m ? end * PR_PANEL_UNIT : m;
    char *panel = job->scratch + (size_t)lane * job->lane_bytes;
    for (int64_t r = begin * PR_PANEL_UNIT; r < last; r += step) {
        int64_t rows = last - r < step ? last - r : step;
        for (int64_t i = 0; i < conv->groups; i++) {
            const pr_packed *b = &conv->b[i];
            gather g = {job->kernels, conv, job->integer, i * per_group, per_group, element};
            pr_epilogue e = pr_epilogue_for(&conv->e, b, i * b->n);
            gather_rows(&g, panel, padded * element, r, rows);
            if (job->integer) {
                job->kernels->i8_panel(rows, panel, padded, b, &e, r);
            } else {
                job->kernels->f32_panel(rows, (const float *)(const void *)panel, padded, b, &e, r);
            }
        }
    }
}

/* 1 x 1 without stride or padding is a matrix product on the image as it lies. */
static bool is_gemm(const pr_conv *c)
{
    return c->kernel[0] == 1 && c->kernel[1] == 1 && c->stride[0] == 1 && c->stride[1] == 1 &&
           c->pad[0] == 0 && c->pad[1] == 0 && c->groups == 1 && c->upsample == 1 &&
           c->out_height == c->height && c->out_width == c->width;
}

static size_t lane_bytes(const pr_kernels *kernels, const pr_conv *conv, bool integer)
{
    int64_t row = conv->b[0].k_padded * (integer ? kernels->i8_bytes : (int64_t)sizeof(float));
    return pr_scratch_round((size_t)(pr_panel_rows(row) * row));
}

size_t pr_conv_scratch(const prune_context *ctx, const pr_kernels *kernels, const pr_conv *conv,
                       bool integer)
{
    if (is_gemm(conv)) return integer ? pr_gemm_i8_scratch(ctx, kernels, conv->b) : 0;
    return (size_t)ctx->threads * lane_bytes(kernels, conv, integer);
}

static void run_conv(prune_context *ctx, const pr_kernels *kernels, const pr_conv *conv,
                     bool integer, void *scratch)
{
    conv_job job = {kernels, conv, integer, scratch, lane_bytes(kernels, conv, integer)};
    pr_parallel(ctx, (total_rows(conv) + PR_PANEL_UNIT - 1) / PR_PANEL_UNIT, 1, conv_rows, &job);
}

void pr_conv_f32(prune_context *ctx, const pr_kernels *kernels, const pr_conv *conv, void *scratch)
{
    if (!is_gemm(conv)) {
        run_conv(ctx, kernels, conv, false, scratch);
        return;
    }
    pr_gemm gemm = {total_rows(conv), conv->image, conv->channels, conv->b, conv->e};
    pr_gemm_f32(ctx, kernels, &gemm);
}

void pr_conv_i8(prune_context *ctx, const pr_kernels *kernels, const pr_conv *conv, void *scratch)
{
    if (!is_gemm(conv)) {
        run_conv(ctx, kernels, conv, true, scratch);
        return;
    }
    pr_gemm gemm = {total_rows(conv), conv->image, conv->channels, conv->b, conv->e};
    pr_gemm_i8(ctx, kernels, &gemm, scratch);
}
