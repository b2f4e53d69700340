/* One prediction against one ground truth. */
#include "eval/protocols/protocols.h"

#include <math.h>
#include <prune/sys/error.h>
#include <prune/sys/memory.h>
#include <string.h>

/* The pixels that count. */
typedef struct pixels {
    size_t count;
    float *truth;       /* metres */
    double *prediction; /* first as disparity, then as metres */
    double *scratch;
} pixels;

static prune_status check_frame(const prune_prediction *prediction, const prune_sample *sample)
{
    if (!sample->depth)
        return prune_error_set(PRUNE_E_ARGUMENT, "%s: the frame has no ground truth", sample->name);
    if (prediction->width != sample->depth_width || prediction->height != sample->depth_height)
        return prune_error_set(
            PRUNE_E_SHAPE,
            "%s: the prediction is %dx%d, but the ground truth is %dx%d: predict "
            "at the size of the image that the ground truth belongs to",
            sample->name, (int)prediction->width, (int)prediction->height, (int)sample->depth_width,
            (int)sample->depth_height);
    size_t count = (size_t)prediction->width * (size_t)prediction->height;
    for (size_t i = 0; i < count; i++)
        if (isnan(prediction->values[i]))
            return prune_error_set(PRUNE_E_FORMAT,
                                   "%s: the prediction holds NaN at row %d, "
                                   "column %d",
                                   sample->name, (int)(i / (size_t)prediction->width),
                                   (int)(i % (size_t)prediction->width));
    return PRUNE_OK;
}

static prune_status gather(pixels *out, const pr_protocol *protocol, const float *prediction,
                           const prune_sample *sample)
{
    pr_window window;
    int32_t width = sample->depth_width, height = sample->depth_height;
    if (!protocol->crop(&window, height, width))
        return prune_error_set(PRUNE_E_SHAPE,
                               "%s: the crop of protocol %s is not defined for %dx%d: choose "
                               "another protocol",
                               sample->name, protocol->name, (int)width, (int)height);
    out->count = 0;
    for (int32_t y = window.top; y < window.bottom; y++) {
        size_t row = (size_t)y * (size_t)width;
        for (int32_t x = window.left; x < window.right; x++) {
            float g = sample->depth[row + (size_t)x];
            /* Compared in float32, as the originals do. */
            if (!(g > (float)protocol->truth_above && g < (float)protocol->truth_below)) continue;
            out->truth[out->count] = g;
            out->prediction[out->count++] = (double)prediction[row + (size_t)x];
        }
    }
    if (out->count == 0)
        return prune_error_set(
            PRUNE_E_ARGUMENT,
            "%s: the ground truth has no valid pixel under protocol %s (%s, crop "
            "%s): leave the frame out with --frames",
            sample->name, protocol->name, protocol->mask, protocol->crop_text);
    return PRUNE_OK;
}

/* The model's units to inverse depth, up to scale and (relative) shift. */
static void to_disparity(pixels *p, const prune_prediction *prediction)
{
    for (size_t i = 0; i < p->count; i++) {
        double v = p->prediction[i];
        if (prediction->output_kind == 1)
            v = prediction->disparity_offset + prediction->disparity_scale * v;
        else if (prediction->output_kind == 2)
            v = v > 0 ? 1 / v : INFINITY;
        p->prediction[i] = v;
    }
}

/* Where a disparity says nothing in front of the camera, the scene is as far as can be. */
static void to_depth(pixels *p)
{
    for (size_t i = 0; i < p->count; i++)
        p->prediction[i] = p->prediction[i] > 0 ? 1 / p->prediction[i] : INFINITY;
}

static prune_status scale_by_medians(pixels *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++) p->scratch[i] = (double)p->truth[i];
    double truth = pr_align_median(p->scratch, p->count);
    memcpy(p->scratch, p->prediction, p->count * sizeof *p->scratch);
    double prediction = pr_align_median(p->scratch, p->count);
    double ratio = truth / prediction;
    if (!(ratio > 0) || isinf(ratio))
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "%s: the prediction's median is %g, nothing to scale by: is the "
                               "output really depth or disparity?",
                               name, prediction);
    for (size_t i = 0; i < p->count; i++) p->prediction[i] *= ratio;
    return PRUNE_OK;
}

/* A constant prediction cannot be fitted: everything is put at the cap, as MiDaS does. */
static void fit_disparity(pixels *p)
{
    double scale = 0, shift = 0;
    (void)pr_align_affine(&scale, &shift, p->truth, p->prediction, p->count);
    for (size_t i = 0; i < p->count; i++) p->prediction[i] = scale * p->prediction[i] + shift;
}

static prune_status align_pixels(pixels *p, prune_align align, const prune_prediction *prediction,
                                 const char *name)
{
    if (align == PRUNE_ALIGN_AFFINE) {
        to_disparity(p, prediction);
        for (size_t i = 0; i < p->count; i++)
            if (isinf(p->prediction[i]))
                return prune_error_set(PRUNE_E_FORMAT,
                                       "%s: the prediction has no finite inverse depth everywhere, "
                                       "so no line can be fitted",
                                       name);
        fit_disparity(p);
        to_depth(p);
        return PRUNE_OK;
    }
    if (prediction->output_kind != 2) {
        to_disparity(p, prediction);
        to_depth(p);
    }
    return align == PRUNE_ALIGN_MEDIAN ? scale_by_medians(p, name) : PRUNE_OK;
}

static void clamp_pixels(pixels *p, const pr_protocol *protocol)
{
    if (!(protocol->clamp_high > 0)) return;
    for (size_t i = 0; i < p->count; i++) {
        double v = p->prediction[i];
        if (v < protocol->clamp_low) v = protocol->clamp_low;
        if (v > protocol->clamp_high) v = protocol->clamp_high;
        p->prediction[i] = v;
    }
}

static prune_status judge_pixels(pr_judgement *out, pixels *p, const pr_protocol *protocol,
                                 const float *values, const prune_prediction *prediction,
                                 const prune_sample *sample)
{
    prune_status status = gather(p, protocol, values, sample);
    if (status == PRUNE_OK) status = align_pixels(p, out->align, prediction, sample->name);
    if (status != PRUNE_OK) return status;
    clamp_pixels(p, protocol);
    pr_sums sums;
    pr_metrics_sum(&sums, p->truth, p->prediction, p->count);
    out->pixels = p->count;
    for (int32_t m = 0; m < protocol->metrics->count; m++)
        out->values[m] = protocol->metrics->rows[m].value(&sums);
    return PRUNE_OK;
}

prune_status pr_protocol_judge(pr_judgement *out, prune_context *context,
                               const pr_protocol *protocol, prune_align wish,
                               const prune_prediction *prediction, const prune_sample *sample)
{
    pr_judgement result = {0};
    prune_status status = pr_align_resolve(&result.align, protocol, wish, prediction->output_kind);
    if (status == PRUNE_OK) status = check_frame(prediction, sample);
    if (status != PRUNE_OK) return status;
    size_t count = (size_t)prediction->width * (size_t)prediction->height;
    pixels p = {.truth = prune_memory_new(context, count, sizeof(float)),
                .prediction = prune_memory_new(context, count, sizeof(double)),
                .scratch = prune_memory_new(context, count, sizeof(double))};
    float *filled = protocol->fill && prediction->output_kind == 2
                        ? prune_memory_new(context, count, sizeof(float))
                        : NULL;
    const float *values = prediction->values;
    status = p.truth && p.prediction && p.scratch ? PRUNE_OK : PRUNE_E_MEMORY;
    if (status == PRUNE_OK && protocol->fill && prediction->output_kind == 2) {
        if (filled) {
            memcpy(filled, values, count * sizeof *filled);
            pr_devkit_fill(filled, prediction->width, prediction->height);
            values = filled;
        } else {
            status = PRUNE_E_MEMORY;
        }
    }
    if (status == PRUNE_OK)
        status = judge_pixels(&result, &p, protocol, values, prediction, sample);
    if (status == PRUNE_OK) *out = result;
    prune_memory_free(context, filled);
    prune_memory_free(context, p.truth);
    prune_memory_free(context, p.prediction);
    prune_memory_free(context, p.scratch);
    return status;
}
