/* The resize rules, as tables of taps per output position (evaluation-protocols 12b,
 * depth-anything-v2 5). Where an original computes a coordinate in float32, so do we: for wide
 * pictures the rounding is visible in the fifth digit. */
#include "libprune/image/image.h"

#include <math.h>

enum { FIXED_BITS = 22 };

static int32_t clamp_index(int64_t i, int32_t n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : (int32_t)i;
}

static void bilinear_taps(pr_taps *taps, int32_t d, float source, int32_t input)
{
    if (source < 0) source = 0;
    int32_t low = clamp_index((int64_t)source, input);
    float t = source - (float)low;
    if (t > 1) t = 1;
    taps->index[2 * d] = low;
    taps->index[2 * d + 1] = clamp_index((int64_t)low + 1, input);
    taps->weight[2 * d] = 1 - t;
    taps->weight[2 * d + 1] = t;
}

/* Keys' cubic kernel with a = -0.75 at distances 1 + t, t, 1 - t, 2 - t. */
static void cubic_taps(pr_taps *taps, int32_t d, float source, int32_t input)
{
    const float a = -0.75F;
    float base = floorf(source), t = source - base, u = 1 - t;
    float *weight = taps->weight + 4 * (int64_t)d;
    weight[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
    weight[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
    weight[2] = ((a + 2) * u - (a + 3)) * u * u + 1;
    weight[3] = 1 - weight[0] - weight[1] - weight[2];
    for (int k = 0; k < 4; k++) taps->index[4 * d + k] = clamp_index((int64_t)base - 1 + k, input);
}

static double pillow_bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

static double sinc(double x)
{
    const double pi = 3.14159265358979323846;
    if (fabs(x) < 1e-300) return 1;
    return sin(pi * x) / (pi * x);
}

static double pillow_lanczos(double x)
{
    return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

/* Pillow widens its kernel by the scale when it shrinks, normalizes the weights in double, and
 * rounds them half away from zero to 22 fractional bits. */
static void pillow_taps(pr_taps *taps, int32_t d, pr_filter filter, int32_t input, double scale,
                        double *scratch)
{
    double (*kernel)(double) = filter == PR_FILTER_LANCZOS_PIL ? pillow_lanczos : pillow_bicubic;
    double stretch = scale < 1 ? 1 : scale;
    double support = (filter == PR_FILTER_LANCZOS_PIL ? 3.0 : 2.0) * stretch;
    double centre = (d + 0.5) * scale;
    int64_t first = (int64_t)(centre - support + 0.5);
    int64_t last = (int64_t)(centre + support + 0.5);
    if (first < 0) first = 0;
    if (last > input) last = input;
    double sum = 0;
    int32_t used = (int32_t)(last - first);
    for (int32_t k = 0; k < used; k++) {
        scratch[k] = kernel(((double)(first + k) - centre + 0.5) / stretch);
        sum += scratch[k];
    }
    int64_t at = (int64_t)d * taps->n;
    for (int32_t k = 0; k < taps->n; k++) {
        double weight = 0;
        if (k < used) weight = fabs(sum) > 0 ? scratch[k] / sum : scratch[k];
        taps->index[at + k] = clamp_index(first + k, input);
        taps->weight[at + k] = (float)weight;
        taps->fixed[at + k] = (int32_t)(weight * (1 << FIXED_BITS) + (weight < 0 ? -0.5 : 0.5));
    }
}

static bool is_pillow(pr_filter filter)
{
    return filter == PR_FILTER_CUBIC_PIL || filter == PR_FILTER_LANCZOS_PIL;
}

static int32_t taps_per_output(pr_filter filter, double scale)
{
    if (filter == PR_FILTER_BILINEAR || filter == PR_FILTER_BILINEAR_CORNERS) return 2;
    if (!is_pillow(filter)) return 4;
    double support = (filter == PR_FILTER_LANCZOS_PIL ? 3.0 : 2.0) * (scale < 1 ? 1 : scale);
    return (int32_t)ceil(support) * 2 + 1;
}

/* OpenCV computes coordinates in double and rounds them to float; torch uses float throughout. */
static float source_of(pr_filter filter, int32_t d, int32_t input, int32_t output)
{
    if (filter == PR_FILTER_BILINEAR_CORNERS) {
        float scale = output > 1 ? (float)(input - 1) / (float)(output - 1) : 0;
        return scale * (float)d;
    }
    if (filter == PR_FILTER_CUBIC_TORCH) {
        float scale = (float)input / (float)output;
        return scale * ((float)d + 0.5F) - 0.5F;
    }
    double scale = 1.0 / ((double)output / input);
    return (float)((d + 0.5) * scale - 0.5);
}

static void fill_taps(pr_taps *taps, pr_filter filter, int32_t input, double *scratch)
{
    double scale = (double)input / taps->outputs;
    for (int32_t d = 0; d < taps->outputs; d++) {
        if (is_pillow(filter))
            pillow_taps(taps, d, filter, input, scale, scratch);
        else if (taps->n == 2)
            bilinear_taps(taps, d, source_of(filter, d, input, taps->outputs), input);
        else
            cubic_taps(taps, d, source_of(filter, d, input, taps->outputs), input);
    }
}

prune_status pr_taps_create(pr_taps *out, prune_context *ctx, pr_filter filter, int32_t input,
                            int32_t output)
{
    if (input < 1 || output < 1)
        return pr_fail(PRUNE_E_SHAPE, "cannot resize a side of %d to %d: both must be positive",
                       (int)input, (int)output);
    pr_taps taps = {.outputs = output};
    taps.n = taps_per_output(filter, (double)input / output);
    size_t count = (size_t)output * (size_t)taps.n;
    double *scratch = NULL;
    prune_status status;
    PR_GO(pr_new(ctx, (void **)&taps.index, count, sizeof *taps.index));
    PR_GO(pr_new(ctx, (void **)&taps.weight, count, sizeof *taps.weight));
    if (is_pillow(filter)) {
        PR_GO(pr_new(ctx, (void **)&taps.fixed, count, sizeof *taps.fixed));
        PR_GO(pr_new(ctx, (void **)&scratch, (size_t)taps.n, sizeof *scratch));
    }
    fill_taps(&taps, filter, input, scratch);
    *out = taps;
done:
    pr_free(ctx, scratch);
    if (status != PRUNE_OK) pr_taps_free(ctx, &taps);
    return status;
}

void pr_taps_free(prune_context *ctx, pr_taps *taps)
{
    pr_free(ctx, taps->index);
    pr_free(ctx, taps->weight);
    pr_free(ctx, taps->fixed);
    *taps = (pr_taps){0};
}
