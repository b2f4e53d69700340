/* Separable resizing: across the columns first, then down the rows. Work is split over output
 * rows; each lane keeps the few source rows it is working on, already resized across. */
#include "libprune/image/resample.h"

#include <math.h>
#include <string.h>

enum { FIXED_BITS = 22, GRAIN_ROWS = 8 };

static bool is_pillow(pr_filter filter)
{
    return filter == PR_FILTER_CUBIC_PIL || filter == PR_FILTER_LANCZOS_PIL;
}

/* --- floats ----------------------------------------------------------------------------------*/
typedef struct float_job {
    const pr_float_resize *plan;
    pr_taps across, down;
    float *scratch; /* per lane: down.n rows of W * channels, then one source row */
    int32_t *tags;  /* per lane: which source row a kept row is, -1 none */
    size_t lane_floats;
} float_job;

static void resize_across(const pr_taps *taps, const float *in, float *out, int32_t channels)
{
    const int32_t *index = taps->index;
    const float *weight = taps->weight;
    for (int32_t x = 0; x < taps->outputs; x++, index += taps->n, weight += taps->n) {
        if (channels == 1) {
            float sum = 0;
            for (int32_t k = 0; k < taps->n; k++) sum += weight[k] * in[index[k]];
            out[x] = sum;
            continue;
        }
        float r = 0, g = 0, b = 0;
        for (int32_t k = 0; k < taps->n; k++) {
            const float *pixel = in + 3 * (int64_t)index[k];
            r += weight[k] * pixel[0];
            g += weight[k] * pixel[1];
            b += weight[k] * pixel[2];
        }
        out[3 * x] = r;
        out[3 * x + 1] = g;
        out[3 * x + 2] = b;
    }
}

static void add_row(float *restrict out, const float *restrict row, float weight, size_t n,
                    bool first)
{
    if (first)
        for (size_t i = 0; i < n; i++) out[i] = weight * row[i];
    else
        for (size_t i = 0; i < n; i++) out[i] += weight * row[i];
}

static void float_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    float_job *job = arg;
    const pr_float_resize *plan = job->plan;
    size_t width = (size_t)plan->W * (size_t)plan->channels;
    float *kept = job->scratch + (size_t)lane * job->lane_floats;
    float *source = kept + (size_t)job->down.n * width;
    int32_t *tags = job->tags + (size_t)lane * (size_t)job->down.n;
    for (int32_t k = 0; k < job->down.n; k++) tags[k] = -1;
    for (int64_t y = begin; y < end; y++) {
        float *out = plan->out + (size_t)y * width;
        bool first = true;
        for (int32_t k = 0; k < job->down.n; k++) {
            int32_t row = job->down.index[y * job->down.n + k];
            float weight = job->down.weight[y * job->down.n + k];
            if (weight == 0) continue;
            /* Rows in use at once are consecutive, so their slots differ. */
            int32_t slot = row % job->down.n;
            float *across = kept + (size_t)slot * width;
            if (tags[slot] != row) {
                resize_across(&job->across, plan->row(plan->user, row, source), across,
                              plan->channels);
                tags[slot] = row;
            }
            add_row(out, across, weight, width, first);
            first = false;
        }
        if (plan->finish) plan->finish(plan->user, out);
    }
}

prune_status pr_resize_float(prune_context *ctx, pr_filter filter, const pr_float_resize *plan)
{
    float_job job = {.plan = plan};
    prune_status status;
    size_t lanes = (size_t)ctx->threads;
    PR_GO(pr_taps_create(&job.across, ctx, filter, plan->w, plan->W));
    PR_GO(pr_taps_create(&job.down, ctx, filter, plan->h, plan->H));
    job.lane_floats =
        ((size_t)job.down.n * (size_t)plan->W + (size_t)plan->w) * (size_t)plan->channels;
    PR_GO(pr_new(ctx, (void **)&job.scratch, lanes * job.lane_floats, sizeof *job.scratch));
    PR_GO(pr_new(ctx, (void **)&job.tags, lanes * (size_t)job.down.n, sizeof *job.tags));
    pr_parallel(ctx, plan->H, GRAIN_ROWS, float_rows, &job);
done:
    pr_free(ctx, job.scratch);
    pr_free(ctx, job.tags);
    pr_taps_free(ctx, &job.across);
    pr_taps_free(ctx, &job.down);
    return status;
}

typedef struct map_source {
    const float *values;
    int32_t width;
} map_source;

static const float *map_row(void *user, int32_t y, float *scratch)
{
    const map_source *map = user;
    (void)scratch;
    return map->values + (size_t)y * (size_t)map->width;
}

prune_status pr_image_resize_map(prune_context *ctx, pr_filter filter, const float *in, int32_t w,
                                 int32_t h, float *out, int32_t W, int32_t H)
{
    if (w == W && h == H) {
        memmove(out, in, (size_t)w * (size_t)h * sizeof *in);
        return PRUNE_OK;
    }
    map_source map = {in, w};
    pr_float_resize plan = {
        .w = w, .h = h, .W = W, .H = H, .channels = 1, .out = out, .user = &map, .row = map_row};
    return pr_resize_float(ctx, filter, &plan);
}

/* --- bytes, Pillow's way: 22-bit weights, rounded and clipped after each pass -----------------*/
typedef struct byte_job {
    const prune_pixels *in;
    pr_taps across, down;
    int64_t stride;
    const uint8_t *middle; /* h x W x 3 */
    uint8_t *middle_out, *out;
    int32_t *sums; /* per lane: W * 3 */
} byte_job;

static uint8_t clip_fixed(int32_t sum)
{
    sum >>= FIXED_BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

static void bytes_across(void *arg, int64_t begin, int64_t end, int lane)
{
    byte_job *job = arg;
    (void)lane;
    const pr_taps *taps = &job->across;
    for (int64_t y = begin; y < end; y++) {
        const uint8_t *in = job->in->data + y * job->stride;
        uint8_t *out = job->middle_out + y * taps->outputs * 3;
        for (int32_t x = 0; x < taps->outputs; x++) {
            const int32_t *fixed = taps->fixed + (int64_t)x * taps->n;
            const uint8_t *pixel = in + 3 * (int64_t)taps->index[(int64_t)x * taps->n];
            /* Unused taps weigh 0 and their clamped index would stop advancing: leave them out. */
            int32_t used = taps->index[(int64_t)x * taps->n + taps->n - 1] -
                           taps->index[(int64_t)x * taps->n] + 1;
            if (used > taps->n) used = taps->n;
            int32_t r = 1 << (FIXED_BITS - 1), g = r, b = r;
            for (int32_t k = 0; k < used; k++, pixel += 3) {
                r += fixed[k] * pixel[0];
                g += fixed[k] * pixel[1];
                b += fixed[k] * pixel[2];
            }
            out[3 * x] = clip_fixed(r);
            out[3 * x + 1] = clip_fixed(g);
            out[3 * x + 2] = clip_fixed(b);
        }
    }
}

static void bytes_down(void *arg, int64_t begin, int64_t end, int lane)
{
    byte_job *job = arg;
    const pr_taps *taps = &job->down;
    size_t width = (size_t)job->across.outputs * 3;
    int32_t *restrict sums = job->sums + (size_t)lane * width;
    for (int64_t y = begin; y < end; y++) {
        for (size_t i = 0; i < width; i++) sums[i] = 1 << (FIXED_BITS - 1);
        for (int32_t k = 0; k < taps->n; k++) {
            int32_t weight = taps->fixed[y * taps->n + k];
            if (weight == 0) continue;
            const uint8_t *row = job->middle + (size_t)taps->index[y * taps->n + k] * width;
            for (size_t i = 0; i < width; i++) sums[i] += weight * row[i];
        }
        uint8_t *out = job->out + (size_t)y * width;
        for (size_t i = 0; i < width; i++) out[i] = clip_fixed(sums[i]);
    }
}

static void copy_rows(uint8_t *out, const prune_pixels *in, int64_t stride)
{
    size_t row = (size_t)in->width * 3;
    for (int32_t y = 0; y < in->height; y++)
        memcpy(out + (size_t)y * row, in->data + y * stride, row);
}

/* Channels stay in the caller's order. A pass over a side that keeps its size is skipped. */
static prune_status resize_pillow(prune_context *ctx, pr_filter filter, const prune_pixels *in,
                                  uint8_t *out, int32_t W, int32_t H)
{
    byte_job job = {.in = in, .stride = in->stride ? in->stride : (int64_t)in->width * 3};
    job.out = out;
    uint8_t *middle = NULL;
    prune_status status;
    PR_GO(pr_taps_create(&job.across, ctx, filter, in->width, W));
    PR_GO(pr_taps_create(&job.down, ctx, filter, in->height, H));
    if (in->height == H) {
        job.middle_out = out;
    } else {
        PR_GO(pr_new(ctx, (void **)&middle, (size_t)in->height * (size_t)W, 3));
        job.middle_out = middle;
        job.middle = middle;
    }
    if (in->width == W)
        copy_rows(job.middle_out, in, job.stride);
    else
        pr_parallel(ctx, in->height, GRAIN_ROWS, bytes_across, &job);
    if (in->height != H) {
        PR_GO(pr_new(ctx, (void **)&job.sums, (size_t)ctx->threads * (size_t)W * 3,
                     sizeof *job.sums));
        pr_parallel(ctx, H, GRAIN_ROWS, bytes_down, &job);
    }
done:
    pr_free(ctx, middle);
    pr_free(ctx, job.sums);
    pr_taps_free(ctx, &job.across);
    pr_taps_free(ctx, &job.down);
    return status;
}

/* --- pictures --------------------------------------------------------------------------------*/
const float *pr_pixels_row(void *user, int32_t y, float *scratch)
{
    const prune_pixels *pixels = user;
    int64_t stride = pixels->stride ? pixels->stride : (int64_t)pixels->width * 3;
    const uint8_t *row = pixels->data + y * stride;
    int32_t n = pixels->width * 3;
    if (pixels->order == PRUNE_RGB) {
        for (int32_t i = 0; i < n; i++) scratch[i] = (float)row[i];
    } else {
        for (int32_t i = 0; i < n; i += 3) {
            scratch[i] = (float)row[i + 2];
            scratch[i + 1] = (float)row[i + 1];
            scratch[i + 2] = (float)row[i];
        }
    }
    return scratch;
}

prune_status pr_pixels_check(const prune_pixels *pixels)
{
    if (!pixels || !pixels->data || pixels->width < 1 || pixels->height < 1)
        return pr_fail(PRUNE_E_ARGUMENT, "the picture is empty: give data, width and height");
    if ((int64_t)pixels->width * pixels->height > PR_IMAGE_MAX_PIXELS)
        return pr_fail(PRUNE_E_ARGUMENT,
                       "the picture has %dx%d pixels, more than the limit of 100 million",
                       (int)pixels->width, (int)pixels->height);
    if (pixels->stride != 0 && pixels->stride < (int64_t)pixels->width * 3)
        return pr_fail(PRUNE_E_ARGUMENT, "stride %lld is less than the %d bytes of a row",
                       (long long)pixels->stride, (int)pixels->width * 3);
    return PRUNE_OK;
}

prune_status pr_image_resize_rgb(prune_context *ctx, pr_filter filter, const prune_pixels *in,
                                 uint8_t *out, int32_t W, int32_t H)
{
    PR_TRY(pr_pixels_check(in));
    size_t count = (size_t)W * (size_t)H * 3;
    if (is_pillow(filter) || (in->width == W && in->height == H)) {
        PR_TRY(resize_pillow(ctx, is_pillow(filter) ? filter : PR_FILTER_CUBIC_PIL, in, out, W, H));
        if (in->order == PRUNE_BGR) {
            for (size_t i = 0; i < count; i += 3) {
                uint8_t blue = out[i];
                out[i] = out[i + 2];
                out[i + 2] = blue;
            }
        }
        return PRUNE_OK;
    }
    float *values = NULL;
    PR_TRY(pr_new(ctx, (void **)&values, count, sizeof *values));
    prune_pixels copy = *in;
    pr_float_resize plan = {.w = in->width,
                            .h = in->height,
                            .W = W,
                            .H = H,
                            .channels = 3,
                            .out = values,
                            .user = &copy,
                            .row = pr_pixels_row};
    prune_status status = pr_resize_float(ctx, filter, &plan);
    for (size_t i = 0; status == PRUNE_OK && i < count; i++) {
        float v = rintf(values[i]);
        out[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
    pr_free(ctx, values);
    return status;
}
