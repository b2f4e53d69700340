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
    double scale, shift; /* what aligned them: a line in disparity, or a factor of the depth */
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
static double disparity_of(double v, const prune_prediction *prediction)
{
    if (prediction->output_kind == 1)
        return prediction->disparity_offset + prediction->disparity_scale * v;
    if (prediction->output_kind == 2) return v > 0 ? 1 / v : INFINITY;
    return v;
}

/* Where a disparity says nothing in front of the camera, the scene is as far as can be. */
static double depth_of(double disparity)
{
    return disparity > 0 ? 1 / disparity : INFINITY;
}

static void to_disparity(pixels *p, const prune_prediction *prediction)
{
    for (size_t i = 0; i < p->count; i++)
        p->prediction[i] = disparity_of(p->prediction[i], prediction);
}

static void to_depth(pixels *p)
{
    for (size_t i = 0; i < p->count; i++) p->prediction[i] = depth_of(p->prediction[i]);
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
    p->scale = ratio;
    return PRUNE_OK;
}

/* A constant prediction cannot be fitted: everything is put at the cap, as MiDaS does. */
static void fit_disparity(pixels *p)
{
    p->scale = p->shift = 0;
    (void)pr_align_affine(&p->scale, &p->shift, p->truth, p->prediction, p->count);
    for (size_t i = 0; i < p->count; i++) p->prediction[i] = p->scale * p->prediction[i] + p->shift;
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

static double clamped(double v, const pr_protocol *protocol)
{
    if (!(protocol->clamp_high > 0)) return v;
    if (v < protocol->clamp_low) v = protocol->clamp_low;
    if (v > protocol->clamp_high) v = protocol->clamp_high;
    return v;
}

/* What the alignment found on the pixels that count, for every pixel. */
static void fill_metres(float *metres, const pixels *p, const pr_protocol *protocol,
                        prune_align align, const float *values, const prune_prediction *prediction)
{
    const size_t count = (size_t)prediction->width * (size_t)prediction->height;
    for (size_t i = 0; i < count; i++) {
        double v = (double)values[i];
        if (align == PRUNE_ALIGN_AFFINE)
            v = depth_of(p->scale * disparity_of(v, prediction) + p->shift);
        else if (prediction->output_kind != 2)
            v = depth_of(disparity_of(v, prediction));
        if (align == PRUNE_ALIGN_MEDIAN) v *= p->scale;
        metres[i] = (float)clamped(v, protocol);
    }
}

static void judge_pixels(pr_judgement *out, pixels *p, const pr_protocol *protocol)
{
    pr_sums sums;
    for (size_t i = 0; i < p->count; i++) p->prediction[i] = clamped(p->prediction[i], protocol);
    pr_metrics_sum(&sums, p->truth, p->prediction, p->count);
    out->pixels = p->count;
    for (int32_t m = 0; m < protocol->metrics->count; m++)
        out->values[m] = protocol->metrics->rows[m].value(&sums);
}

/* The devkit's filling of missing predictions, where the protocol asks for it; else *out is what
 * the prediction holds. *owned (free it) or NULL. */
static prune_status fill_missing(const float **out, float **owned, prune_context *context,
                                 const pr_protocol *protocol, const prune_prediction *prediction)
{
    const size_t count = (size_t)prediction->width * (size_t)prediction->height;
    *out = prediction->values;
    *owned = NULL;
    if (!protocol->fill || prediction->output_kind != 2) return PRUNE_OK;
    *owned = prune_memory_new(context, count, sizeof **owned);
    if (!*owned) return PRUNE_E_MEMORY;
    memcpy(*owned, prediction->values, count * sizeof **owned);
    pr_devkit_fill(*owned, prediction->width, prediction->height);
    *out = *owned;
    return PRUNE_OK;
}

/* Aligns a prediction; then writes its judgement, or all its pixels in metres (either may be
 * NULL). */
static prune_status align_frame(pr_judgement *judgement, float *metres, prune_context *context,
                                const pr_protocol *protocol, prune_align wish,
                                const prune_prediction *prediction, const prune_sample *sample)
{
    prune_align align;
    prune_status status = pr_align_resolve(&align, protocol, wish, prediction->output_kind);
    if (status == PRUNE_OK) status = check_frame(prediction, sample);
    if (status != PRUNE_OK) return status;
    size_t count = (size_t)prediction->width * (size_t)prediction->height;
    pixels p = {.truth = prune_memory_new(context, count, sizeof(float)),
                .prediction = prune_memory_new(context, count, sizeof(double)),
                .scratch = prune_memory_new(context, count, sizeof(double))};
    const float *values = NULL;
    float *filled = NULL;
    status = p.truth && p.prediction && p.scratch ? PRUNE_OK : PRUNE_E_MEMORY;
    if (status == PRUNE_OK) status = fill_missing(&values, &filled, context, protocol, prediction);
    if (status == PRUNE_OK) status = gather(&p, protocol, values, sample);
    if (status == PRUNE_OK) status = align_pixels(&p, align, prediction, sample->name);
    if (status == PRUNE_OK && judgement) {
        *judgement = (pr_judgement){.align = align};
        judge_pixels(judgement, &p, protocol);
    }
    if (status == PRUNE_OK && metres) fill_metres(metres, &p, protocol, align, values, prediction);
    prune_memory_free(context, filled);
    prune_memory_free(context, p.truth);
    prune_memory_free(context, p.prediction);
    prune_memory_free(context, p.scratch);
    return status;
}

prune_status pr_protocol_judge(pr_judgement *out, prune_context *context,
                               const pr_protocol *protocol, prune_align wish,
                               const prune_prediction *prediction, const prune_sample *sample)
{
    return align_frame(out, NULL, context, protocol, wish, prediction, sample);
}

prune_status pr_protocol_metres(float *metres, prune_context *context, const pr_protocol *protocol,
                                prune_align wish, const prune_prediction *prediction,
                                const prune_sample *sample)
{
    return align_frame(NULL, metres, context, protocol, wish, prediction, sample);
}

prune_status prune_prediction_metres(float *metres, prune_context *context,
                                     const prune_evaluation_options *options,
                                     const prune_prediction *prediction, const prune_sample *sample)
{
    int32_t index;
    prune_status status = prune_protocol_find(&index, options->protocol);
    if (status != PRUNE_OK) return status;
    return pr_protocol_metres(metres, context, pr_protocol_at(index), (prune_align)options->align,
                              prediction, sample);
}
