#include "libprune/samples/augment.h"

#include <math.h>
#include <string.h>

pr_view pr_view_plain(int32_t width, int32_t height)
{
    return (pr_view){.width = width, .height = height, .gain = {1, 1, 1}, .gamma = 1};
}

static int32_t part_of(int32_t length, double part)
{
    int32_t kept = (int32_t)lround((double)length * part);
    return kept < 1 ? 1 : kept;
}

pr_view pr_view_choose(const pr_augment *augment, int32_t width, int32_t height, pr_random *random)
{
    pr_view view = pr_view_plain(width, height);
    if (!augment) return view;
    /* Every draw happens in every view, so that turning one change off leaves the others alone. */
    double part = pr_random_range(random, augment->crop, 1);
    view.width = part_of(width, part);
    view.height = part_of(height, part);
    view.left = (int32_t)pr_random_below(random, (uint32_t)(width - view.width) + 1);
    view.top = (int32_t)pr_random_below(random, (uint32_t)(height - view.height) + 1);
    bool flip = (pr_random_u32(random) >> 31) != 0;
    view.flip = augment->flip && flip;
    double stops = pr_random_range(random, -augment->exposure, augment->exposure);
    for (int c = 0; c < 3; c++) {
        double tint = pr_random_range(random, -augment->colour, augment->colour);
        view.gain[c] = (float)(exp2(stops) * (1 + tint));
    }
    view.gamma = (float)exp2(pr_random_range(random, -0.5, 0.5) * augment->exposure);
    view.noise = (float)pr_random_range(random, 0, augment->noise);
    view.noise_seed = ((uint64_t)pr_random_u32(random) << 32) | pr_random_u32(random);
    return view;
}

static void flip_rows(float *values, int32_t width, int32_t height, int32_t channels)
{
    for (int32_t y = 0; y < height; y++) {
        float *row = values + (int64_t)y * width * channels;
        for (int32_t x = 0; x < width / 2; x++) {
            float *a = row + (int64_t)x * channels, *b = row + (int64_t)(width - 1 - x) * channels;
            for (int32_t c = 0; c < channels; c++) {
                float swap = a[c];
                a[c] = b[c];
                b[c] = swap;
            }
        }
    }
}

/* Exposure, colour, gamma and noise on the light itself: out of the network's units and back. */
static void change_light(const pr_view *view, const pr_preprocess *rule, int64_t pixels,
                         float *input)
{
    bool plain = view->gamma == 1 && view->noise == 0;
    for (int c = 0; c < 3; c++) plain = plain && view->gain[c] == 1;
    if (plain) return;
    pr_random random;
    pr_random_seed(&random, view->noise_seed, 0);
    for (int64_t i = 0; i < pixels * 3; i++) {
        int c = (int)(i % 3);
        float light = view->gain[c] * (input[i] * rule->std[c] + rule->mean[c]);
        light = powf(fminf(fmaxf(light, 0), 1), view->gamma);
        if (view->noise > 0) {
            /* The sum of four uniform numbers is close enough to a bell, and far cheaper. */
            uint32_t a = pr_random_u32(&random), b = pr_random_u32(&random);
            float sum =
                (float)(a & 0xFFFF) + (float)(a >> 16) + (float)(b & 0xFFFF) + (float)(b >> 16);
            light += view->noise * (sum / 65536 - 2) * 1.7320508F;
        }
        input[i] = (fminf(fmaxf(light, 0), 1) - rule->mean[c]) / rule->std[c];
    }
}

/* The part of a depth map that one output pixel covers: columns [x0, x1), rows [y0, y1). */
typedef struct cell {
    double x0, x1, y0, y1;
} cell;

/* Depth at the cell's centre; where that is unknown, the known one of the cell nearest to it. No
 * averaging: it would invent depths between an object and what is behind it. */
static float cell_depth(const prune_sample *sample, const cell *at)
{
    int32_t w = sample->depth_width, h = sample->depth_height;
    double cx = (at->x0 + at->x1) / 2, cy = (at->y0 + at->y1) / 2;
    int32_t x = (int32_t)fmin(floor(cx), w - 1), y = (int32_t)fmin(floor(cy), h - 1);
    float centre = sample->depth[(int64_t)y * w + x];
    if (centre > 0) return centre;
    float best = 0;
    double nearest = INFINITY;
    for (int32_t v = (int32_t)ceil(at->y0 - 0.5); v + 0.5 < at->y1 && v < h; v++) {
        for (int32_t u = (int32_t)ceil(at->x0 - 0.5); u + 0.5 < at->x1 && u < w; u++) {
            float metres = sample->depth[(int64_t)v * w + u];
            double dx = u + 0.5 - cx, dy = v + 0.5 - cy;
            if (!(metres > 0) || dx * dx + dy * dy >= nearest) continue;
            nearest = dx * dx + dy * dy;
            best = metres;
        }
    }
    return best;
}

static void render_depth(const pr_view *view, const prune_sample *sample, int32_t nw, int32_t nh,
                         float *depth)
{
    if (!sample->depth) {
        memset(depth, 0, (size_t)nw * (size_t)nh * sizeof(float));
        return;
    }
    double sx = (double)sample->depth_width / sample->width;
    double sy = (double)sample->depth_height / sample->height;
    float lens = (float)view->width / (float)sample->width;
    for (int32_t y = 0; y < nh; y++) {
        cell at;
        at.y0 = (view->top + (double)view->height * y / nh) * sy;
        at.y1 = (view->top + (double)view->height * (y + 1) / nh) * sy;
        for (int32_t x = 0; x < nw; x++) {
            at.x0 = (view->left + (double)view->width * x / nw) * sx;
            at.x1 = (view->left + (double)view->width * (x + 1) / nw) * sx;
            depth[(int64_t)y * nw + x] = lens * cell_depth(sample, &at);
        }
    }
    if (view->flip) flip_rows(depth, nw, nh, 1);
}

prune_status pr_view_render(prune_context *ctx, const pr_view *view, const pr_preprocess *rule,
                            const prune_sample *sample, int32_t nw, int32_t nh, float *input,
                            float *depth)
{
    prune_pixels seen = {
        .data = sample->rgb + ((int64_t)view->top * sample->width + view->left) * 3,
        .width = view->width,
        .height = view->height,
        .stride = (int64_t)sample->width * 3,
        .order = PRUNE_RGB,
    };
    PR_TRY(pr_image_preprocess(ctx, rule, &seen, nw, nh, input));
    if (view->flip) flip_rows(input, nw, nh, 3);
    change_light(view, rule, (int64_t)nw * nh, input);
    if (depth) render_depth(view, sample, nw, nh, depth);
    return PRUNE_OK;
}
