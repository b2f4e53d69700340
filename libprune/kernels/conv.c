/* Convolutions as products of gathered rows: a panel of output positions is laid out as rows of
 * kh * kw * C values, small enough to stay in L2, and goes through the panel kernels. */
#include "libprune/kernels/driver.h"
#include "libprune/kernels/kernels.h"
#include "libprune/kernels/winograd.h"

#include <string.h>

typedef struct conv_job {
    const pr_kernels *kernels;
    const pr_conv *conv;
    bool integer;
    char *scratch;
    size_t lane_bytes;
} conv_job;

/* How rows of the panel are found, for one group of channels. */
typedef struct gather {
    const pr_kernels *kernels;
    const pr_conv *conv;
    bool integer;
    pr_float_panel floats;  /* of floats */
    int64_t first, count;   /* channels of the group */
    int64_t row, tap_row;   /* elements from one panel row to the next; of one kernel row in it */
    int64_t read;           /* elements of a panel row that the kernels read */
    int32_t *offset;        /* [out_width][kw] element of the source line, -1 where padding is */
    int64_t inside, beyond; /* columns [inside, beyond) see one contiguous run of kw pixels */
    const void *fill;       /* what padding holds, for the group */
} gather;

/* Bytes of an element of the panel. */
static int64_t element_of(const gather *g)
{
    return g->integer ? g->kernels->i8_bytes : g->floats.element;
}

static void map_columns(gather *g)
{
    const pr_conv *c = g->conv;
    int64_t taps = c->kernel[1];
    g->inside = c->out_width;
    g->beyond = 0;
    for (int64_t x = 0; x < c->out_width; x++) {
        int64_t from = x * c->stride[1] - c->pad[1];
        for (int64_t t = 0; t < taps; t++) {
            int64_t at = pr_conv_source(c, from + t, c->width);
            bool outside = at < 0 || at >= c->width;
            int64_t element = at / c->upsample * c->channels + g->first;
            g->offset[x * taps + t] = outside ? -1 : (int32_t)element;
        }
        bool whole = from >= 0 && from + taps <= c->width;
        if (!whole || c->upsample != 1 || g->count != c->channels) continue;
        if (x < g->inside) g->inside = x;
        g->beyond = x + 1;
    }
    if (g->beyond == 0) g->inside = 0;
}

/* Columns [x, x + rows) of one kernel row into the panel; line NULL: padding. */
static void gather_part(const gather *g, char *to, const void *line, int64_t x, int64_t rows,
                        bool contiguous)
{
    static const int32_t nowhere[16] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                        -1, -1, -1, -1, -1, -1, -1, -1};
    int64_t taps = g->conv->kernel[1], run = g->count, step = taps;
    const int32_t *offset = g->offset + x * taps;
    if (rows <= 0) return;
    if (contiguous) {
        run *= taps;
        taps = 1;
    }
    if (!line) {
        offset = nowhere;
        step = 0;
    }
    /* Kernels wider than the constant table are cut into pieces. */
    int64_t most = line ? taps : 16;
    int64_t element = element_of(g);
    for (int64_t t = 0; t < taps; t += most) {
        int64_t n = taps - t < most ? taps - t : most;
        char *at = to + t * run * element;
        if (g->integer) {
            g->kernels->i8_gather(at, g->row, line, offset, step, rows, n, run, g->fill);
        } else if (g->floats.halves) {
            g->kernels->bf16_gather((uint16_t *)(void *)at, g->row, line, offset, step, rows, n,
                                    run, g->fill);
        } else {
            g->kernels->f32_gather((float *)(void *)at, g->row, line, offset, step, rows, n, run,
                                   g->fill);
        }
    }
}

/* Output columns [x, x + rows) of output line y. */
static void gather_line(const gather *g, char *to, int64_t image, int64_t y, int64_t x,
                        int64_t rows)
{
    const pr_conv *c = g->conv;
    int64_t height = c->height / c->upsample, width = c->width / c->upsample;
    int64_t element = element_of(g);
    int64_t size = g->integer ? 1 : (int64_t)sizeof(float), bytes = g->row * element;
    int64_t from = g->inside < x ? x : g->inside, until = g->beyond;
    if (from > x + rows) from = x + rows;
    if (until > x + rows) until = x + rows;
    if (until < from) until = from;
    for (int64_t t = 0; t < c->kernel[0]; t++, to += g->tap_row * element) {
        int64_t at = pr_conv_source(c, y * c->stride[0] - c->pad[0] + t, c->height);
        if (at < 0 || at >= c->height) {
            gather_part(g, to, NULL, x, rows, false);
            continue;
        }
        const char *line = (const char *)c->image +
                           ((image * height + at / c->upsample) * width) * c->channels * size;
        gather_part(g, to, line, x, from - x, false);
        gather_part(g, to + (from - x) * bytes, line, from, until - from, true);
        gather_part(g, to + (until - x) * bytes, line, until, x + rows - until, false);
    }
    /* What the kernels read behind the last value. */
    int64_t k = c->kernel[0] * g->tap_row;
    to -= k * element;
    for (int64_t r = 0; k < g->read && r < rows; r++) {
        memset(to + r * bytes + k * element, 0, (size_t)((g->read - k) * element));
    }
}

static void gather_rows(const gather *g, char *panel, int64_t begin, int64_t rows)
{
    const pr_conv *c = g->conv;
    int64_t area = c->out_height * c->out_width;
    int64_t element = element_of(g);
    while (rows > 0) {
        int64_t x = begin % c->out_width, left = c->out_width - x;
        int64_t n = rows < left ? rows : left;
        gather_line(g, panel, begin / area, begin % area / c->out_width, x, n);
        panel += n * g->row * element;
        begin += n;
        rows -= n;
    }
}

static int64_t total_rows(const pr_conv *conv)
{
    return conv->batch * conv->out_height * conv->out_width;
}

/* Where the rows of a panel of phase (y, x) go: every second pixel of every second line. */
static void place_phase(const pr_conv *low, int64_t phase, int64_t begin, int64_t rows,
                        int32_t *place)
{
    int64_t width = low->out_width;
    for (int64_t i = 0; i < rows; i++) {
        int64_t line = (begin + i) / width, x = (begin + i) % width;
        place[i] = (int32_t)((line * 2 + phase / 2) * 2 * width + 2 * x + phase % 2);
    }
}

/* The convolution on the small map; reflecting the enlarged one is repeating its edge. */
static pr_conv small_conv(const pr_conv *conv)
{
    pr_conv low = *conv;
    low.upsample = 1;
    low.height = low.out_height = conv->height / 2;
    low.width = low.out_width = conv->width / 2;
    low.clamp = conv->reflect;
    low.reflect = false;
    return low;
}

/* One phase of it: 2 x 2, reaching up or left in phase 0. */
static pr_conv phase_conv(const pr_conv *conv, int64_t phase)
{
    pr_conv low = small_conv(conv);
    low.kernel[0] = low.kernel[1] = 2;
    low.pad[0] = 1 - phase / 2;
    low.pad[1] = 1 - phase % 2;
    return low;
}

/* Whether rows of one output can be computed from the image as it lies, without a panel. */
static bool is_single(const conv_job *job)
{
    const pr_conv *c = job->conv;
    return !job->integer && !c->b->bf16 && job->kernels->f32_single && c->b->thin && c->b->n == 1 &&
           c->groups == 1 && c->upsample == 1 && c->kernel[0] <= 8 && c->e.out &&
           c->e.out_stride == 1 && !c->e.gain && !c->e.residual && !c->e.out8;
}

/* Rows [begin, begin + rows) of such a convolution; only the ends of lines are gathered. */
static void single_rows(const gather *g, char *panel, const pr_epilogue *e, int64_t begin,
                        int64_t rows)
{
    const pr_conv *c = g->conv;
    int64_t area = c->out_height * c->out_width;
    for (int64_t n; rows > 0; begin += n, rows -= n) {
        int64_t x = begin % c->out_width, y = begin % area / c->out_width;
        bool direct = x >= g->inside && x < g->beyond;
        int64_t until = direct ? g->beyond : x < g->inside ? g->inside : c->out_width;
        n = rows < until - x ? rows : until - x;
        if (!direct) {
            gather_line(g, panel, begin / area, y, x, n);
            g->kernels->f32_panel(n, (const float *)(const void *)panel, g->row, c->b, e,
                                  begin - c->origin);
            continue;
        }
        const float *lines[8], *image = (const float *)c->image;
        image += begin / area * c->height * c->width * c->channels;
        for (int64_t t = 0; t < c->kernel[0]; t++) {
            int64_t at = pr_conv_source(c, y * c->stride[0] - c->pad[0] + t, c->height);
            bool outside = at < 0 || at >= c->height;
            int64_t column = x * c->stride[1] - c->pad[1];
            lines[t] = outside ? NULL : image + (at * c->width + column) * c->channels;
        }
        g->kernels->f32_single(n, lines, c->kernel[0], c->stride[1] * c->channels, c->b, e,
                               begin - c->origin);
    }
}

static size_t offset_bytes(const pr_conv *conv)
{
    return pr_scratch_round((size_t)(conv->out_width * conv->kernel[1]) * sizeof(int32_t));
}

/* Zeros for every channel, for padding of floats and of integers without a zero point. */
static size_t fill_bytes(const pr_conv *conv)
{
    return pr_scratch_round((size_t)conv->channels * sizeof(float));
}

static gather gather_open(const conv_job *job, int64_t group, char *memory)
{
    const pr_conv *conv = job->conv;
    int64_t count = conv->channels / conv->groups;
    gather g = {.kernels = job->kernels, .conv = conv, .integer = job->integer};
    g.floats = pr_float_panel_for(job->kernels, conv->b);
    g.first = group * count;
    g.count = count;
    g.row = job->integer ? pr_panel_stride_i8(job->kernels, conv->b) : g.floats.stride;
    g.read = job->integer ? conv->b->k_padded : g.floats.stride;
    g.tap_row = conv->kernel[1] * count;
    g.offset = (int32_t *)(void *)memory;
    memset(memory + offset_bytes(conv), 0, fill_bytes(conv));
    g.fill = memory + offset_bytes(conv);
    if (job->integer && conv->fill) g.fill = conv->fill + g.first;
    map_columns(&g);
    return g;
}

/* Units [begin, end) of rows of the small map, all four phases. */
static void phase_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    const conv_job *job = arg;
    char *memory = job->scratch + (size_t)lane * job->lane_bytes;
    for (int64_t phase = 0; phase < 4; phase++) {
        pr_conv low = phase_conv(job->conv, phase);
        conv_job own = *job;
        own.conv = &low;
        const pr_packed *b = &low.b[phase];
        gather g = gather_open(&own, 0, memory);
        pr_epilogue e = pr_epilogue_for(&low.e, b, 0);
        int32_t *place = (int32_t *)(void *)(memory + offset_bytes(job->conv) + fill_bytes(&low));
        char *panel = (char *)place + PR_PLACE_BYTES;
        int64_t m = total_rows(&low), step = pr_panel_rows_i8(job->kernels, b);
        int64_t unit = pr_panel_unit(job->kernels), last = end * unit < m ? end * unit : m;
        e.place = place;
        for (int64_t r = begin * unit; r < last; r += step) {
            int64_t rows = last - r < step ? last - r : step;
            gather_rows(&g, panel, r, rows);
            place_phase(&low, phase, r, rows, place);
            job->kernels->i8_panel(rows, panel, g.row, b, &e, 0);
        }
    }
}

static void winograd_tiles(void *arg, int64_t begin, int64_t end, int lane)
{
    const conv_job *job = arg;
    pr_epilogue e = pr_epilogue_for(&job->conv->e, job->conv->b, 0);
    (job->integer ? job->kernels->i8_winograd : job->kernels->f32_winograd)(
        job->conv, &e, begin, end, job->scratch + (size_t)lane * job->lane_bytes);
}

/* Output rows [first, last), panel by panel. */
static void row_range(const conv_job *job, int64_t first, int64_t last, char *memory)
{
    const pr_conv *conv = job->conv;
    const pr_float_panel floats = pr_float_panel_for(job->kernels, conv->b);
    int64_t step = job->integer ? pr_panel_rows_i8(job->kernels, conv->b) : floats.rows;
    char *panel = memory + offset_bytes(conv) + fill_bytes(conv);
    for (int64_t i = 0; i < conv->groups; i++) {
        const pr_packed *b = &conv->b[i];
        gather g = gather_open(job, i, memory);
        pr_epilogue e = pr_epilogue_for(&conv->e, b, i * b->n);
        for (int64_t r = first; r < last; r += step) {
            int64_t rows = last - r < step ? last - r : step, at = r - conv->origin;
            if (is_single(job)) {
                single_rows(&g, panel, &e, r, rows);
                continue;
            }
            gather_rows(&g, panel, r, rows);
            if (job->integer) {
                job->kernels->i8_panel(rows, panel, g.row, b, &e, at);
                continue;
            }
            if (floats.round && !floats.halves) {
                float *values = (float *)(void *)panel;
                job->kernels->bf16_round(values, values, rows * floats.stride);
            }
            pr_float_panel_run(job->kernels, &floats, rows, panel, b, &e, at);
        }
    }
}

static void conv_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    const conv_job *job = arg;
    int64_t m = total_rows(job->conv), unit = pr_panel_unit(job->kernels);
    row_range(job, begin * unit, end * unit < m ? end * unit : m,
              job->scratch + (size_t)lane * job->lane_bytes);
}

bool pr_conv_is_gemm(const pr_conv *c)
{
    return c->kernel[0] == 1 && c->kernel[1] == 1 && c->stride[0] == 1 && c->stride[1] == 1 &&
           c->pad[0] == 0 && c->pad[1] == 0 && c->groups == 1 && c->upsample == 1 &&
           c->out_height == c->height && c->out_width == c->width;
}

static size_t lane_bytes(const pr_kernels *kernels, const pr_conv *conv, bool integer)
{
    if (pr_winograd_tile(conv->b->kind)) {
        return pr_scratch_round(
            (integer ? kernels->i8_winograd_bytes : kernels->f32_winograd_bytes)(conv));
    }
    const pr_float_panel floats = pr_float_panel_for(kernels, conv->b);
    size_t panel = integer ? pr_panel_bytes_i8(kernels, conv->b) : pr_float_panel_bytes(&floats);
    return panel + offset_bytes(conv) + fill_bytes(conv) + PR_PLACE_BYTES;
}

size_t pr_conv_scratch(const prune_context *ctx, const pr_kernels *kernels, const pr_conv *conv,
                       bool integer)
{
    if (pr_conv_is_gemm(conv)) {
        if (integer) return pr_gemm_i8_scratch(ctx, kernels, conv->b);
        return conv->b->bf16 ? pr_gemm_bf16_scratch(ctx, kernels, conv->b) : 0;
    }
    return (size_t)ctx->threads * lane_bytes(kernels, conv, integer);
}

static void run_conv(prune_context *ctx, const pr_kernels *kernels, const pr_conv *conv,
                     bool integer, void *scratch)
{
    conv_job job = {kernels, conv, integer, scratch, lane_bytes(kernels, conv, integer)};
    if (pr_winograd_tile(conv->b->kind)) {
        pr_conv low;
        if (conv->b->kind == PR_PACK_PHASES4) {
            low = small_conv(conv);
            job.conv = &low;
        }
        const pr_tiling t = pr_tiling_of(job.conv);
        const int64_t products = pr_winograd_pixels(t.tile) * pr_pack_parts(conv->b->kind);
        pr_parallel(ctx, conv->batch * t.down * t.across,
                    PR_PANEL_UNIT * pr_panel_grain(products * conv->b->n * conv->b->k),
                    winograd_tiles, &job);
        return;
    }
    const int64_t unit = pr_panel_unit(kernels), rows = total_rows(conv);
    if (conv->b->kind == PR_PACK_PHASES) {
        pr_parallel(ctx, (rows / 4 + unit - 1) / unit, pr_panel_grain_i8(kernels, conv->b, 4),
                    phase_rows, &job);
        return;
    }
    int64_t grain = integer ? pr_panel_grain_i8(kernels, conv->b, conv->groups)
                            : pr_float_panel_grain(kernels, conv->b, conv->groups);
    pr_parallel(ctx, (rows + unit - 1) / unit, grain, conv_rows, &job);
}

int64_t pr_conv_block_unit(const pr_conv *conv)
{
    if (pr_pack_parts(conv->b->kind) > 1) return 0;
    const int64_t tile = pr_winograd_tile(conv->b->kind);
    if (!tile) return 1;
    /* Tiles reach over so many lines of one image. */
    return conv->batch == 1 || conv->out_height % tile == 0 ? tile * conv->out_width : 0;
}

size_t pr_conv_block_scratch(const pr_kernels *kernels, const pr_conv *conv, bool integer)
{
    return lane_bytes(kernels, conv, integer);
}

void pr_conv_block(const pr_kernels *kernels, const pr_conv *conv, bool integer, int64_t begin,
                   int64_t end, void *scratch)
{
    conv_job job = {kernels, conv, integer, scratch, 0};
    if (pr_winograd_tile(conv->b->kind)) {
        const pr_tiling t = pr_tiling_of(conv);
        const int64_t lines = t.tile * conv->out_width;
        winograd_tiles(&job, begin / lines * t.across, (end + lines - 1) / lines * t.across, 0);
    } else {
        row_range(&job, begin, end, scratch);
    }
}

void pr_conv_f32(prune_context *ctx, const pr_kernels *kernels, const pr_conv *conv, void *scratch)
{
    if (!pr_conv_is_gemm(conv)) {
        run_conv(ctx, kernels, conv, false, scratch);
        return;
    }
    pr_gemm gemm = {total_rows(conv), conv->image, conv->channels, conv->b, conv->e};
    if (conv->b->bf16) {
        pr_gemm_bf16(ctx, kernels, &gemm, scratch);
    } else {
        pr_gemm_f32(ctx, kernels, &gemm);
    }
}

void pr_conv_i8(prune_context *ctx, const pr_kernels *kernels, const pr_conv *conv, void *scratch)
{
    if (!pr_conv_is_gemm(conv)) {
        run_conv(ctx, kernels, conv, true, scratch);
        return;
    }
    pr_gemm gemm = {total_rows(conv), conv->image, conv->channels, conv->b, conv->e};
    pr_gemm_i8(ctx, kernels, &gemm, scratch);
}
