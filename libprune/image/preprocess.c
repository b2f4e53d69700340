/* Picture to network input, by the rule that the model carries. */
#include "libprune/image/resample.h"

#include <math.h>

/* A strip of 1 x 100 million pixels would ask for more than an int holds; no network takes a side
 * of 100 million either, and refuses it in its own words. */
static const double longest_side = 1e8;

static int32_t round_to_multiple(double side, int32_t multiple)
{
    double steps = rint(fmin(side, longest_side) / multiple); /* half to even, as Python's round */
    return (int32_t)(steps < 1 ? 1 : steps) * multiple;
}

static int32_t lower_bound_side(double side, int32_t bound, int32_t multiple)
{
    int32_t rounded = round_to_multiple(side, multiple);
    return rounded >= bound ? rounded
                            : (int32_t)ceil(fmin(side, longest_side) / multiple) * multiple;
}

void pr_image_network_size(const pr_preprocess *rule, int32_t w, int32_t h, int32_t *nw,
                           int32_t *nh)
{
    int32_t multiple = rule->multiple > 0 ? rule->multiple : 1;
    double sw = (double)rule->width / w, sh = (double)rule->height / h;
    if (rule->fit == PR_FIT_LOWER_BOUND) {
        double scale = sw > sh ? sw : sh;
        *nw = lower_bound_side(scale * w, rule->width, multiple);
        *nh = lower_bound_side(scale * h, rule->height, multiple);
    } else if (rule->fit == PR_FIT_MINIMAL) {
        double scale = fabs(1 - sw) < fabs(1 - sh) ? sw : sh;
        *nw = round_to_multiple(scale * w, multiple);
        *nh = round_to_multiple(scale * h, multiple);
    } else {
        *nw = rule->width;
        *nh = rule->height;
    }
}

typedef struct input_job {
    prune_pixels pixels;
    int32_t width; /* of a row of out */
    float scale[3], shift[3];
    float *out;
} input_job;

static void normalize_row(void *user, float *row)
{
    const input_job *job = user;
    for (int32_t i = 0; i < job->width * 3; i += 3) {
        row[i] = row[i] * job->scale[0] + job->shift[0];
        row[i + 1] = row[i + 1] * job->scale[1] + job->shift[1];
        row[i + 2] = row[i + 2] * job->scale[2] + job->shift[2];
    }
}

static const float *input_row(void *user, int32_t y, float *scratch)
{
    input_job *job = user;
    return pr_pixels_row(&job->pixels, y, scratch);
}

/* No change of size: bytes straight to floats. */
static void convert_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    input_job *job = arg;
    (void)lane;
    for (int64_t y = begin; y < end; y++) {
        float *row = job->out + (size_t)y * (size_t)job->width * 3;
        (void)pr_pixels_row(&job->pixels, (int32_t)y, row);
        normalize_row(job, row);
    }
}

prune_status pr_image_preprocess(prune_context *ctx, const pr_preprocess *rule,
                                 const prune_pixels *pixels, int32_t nw, int32_t nh, float *out)
{
    PR_TRY(pr_pixels_check(pixels));
    if (nw < 1 || nh < 1)
        return pr_fail(PRUNE_E_SHAPE, "a network input of %dx%d makes no sense", (int)nw, (int)nh);
    input_job job = {.pixels = *pixels, .width = nw, .out = out};
    for (int c = 0; c < 3; c++) {
        job.scale[c] = 1 / (255 * rule->std[c]);
        job.shift[c] = -rule->mean[c] / rule->std[c];
    }
    pr_filter filter = (pr_filter)rule->filter;
    bool same = pixels->width == nw && pixels->height == nh;
    uint8_t *resized = NULL;
    if (!same && (filter == PR_FILTER_CUBIC_PIL || filter == PR_FILTER_LANCZOS_PIL)) {
        PR_TRY(pr_new(ctx, (void **)&resized, (size_t)nw * (size_t)nh, 3));
        prune_status status = pr_image_resize_rgb(ctx, filter, pixels, resized, nw, nh);
        if (status != PRUNE_OK) {
            pr_free(ctx, resized);
            return status;
        }
        job.pixels = (prune_pixels){resized, nw, nh, 0, PRUNE_RGB};
        same = true;
    }
    if (same) {
        pr_parallel(ctx, nh, 16, convert_rows, &job);
        pr_free(ctx, resized);
        return PRUNE_OK;
    }
    pr_float_resize plan = {.w = pixels->width,
                            .h = pixels->height,
                            .W = nw,
                            .H = nh,
                            .channels = 3,
                            .out = out,
                            .user = &job,
                            .row = input_row,
                            .finish = normalize_row};
    return pr_resize_float(ctx, filter, &plan);
}
