/* The judge: labelled validation pairs, or the original network's own output on pictures that were
 * held back from everything else. */
#include "pipelines/run/run.h"

#include <math.h>
#include <prune/sys/error.h>
#include <prune/sys/memory.h>
#include <stdio.h>
#include <string.h>

struct prune_judge {
    prune_context *ctx;
    prune_samples *images;  /* for tuning */
    prune_samples *samples; /* for judging */
    prune_metric *metric;
    prune_samples *kept, *held; /* parts of `images` that this judge made; else NULL */
    bool own;                   /* samples are the original's own output */
    char text[96];
};

/* Held-back pictures with the original's output, in its own units, in place of ground truth. */
typedef struct echo {
    prune_context *ctx;
    prune_samples *pictures;
    prune_session *original;
    float **values; /* per picture; made when first asked for, kept afterwards */
} echo;

/* What is handed out as depth, with the picture's own sample in front: that is what must go back to
 * its source, ground truth and all. */
typedef struct boxed {
    prune_sample inner;
    float values[];
} boxed;

static prune_status echo_load(void *user, uint64_t index, prune_sample *sample)
{
    echo *e = user;
    prune_sample inner;
    prune_status status = prune_samples_load(e->pictures, index, &inner);
    if (status != PRUNE_OK) return status;
    const size_t size = (size_t)inner.width * (size_t)inner.height * sizeof(float);
    boxed *box = prune_memory_new(e->ctx, 1, sizeof *box + size);
    if (!box) {
        prune_samples_release(e->pictures, &inner);
        return PRUNE_E_MEMORY;
    }
    box->inner = inner;
    memcpy(box->values, e->values[index], size);
    *sample = inner;
    sample->depth = box->values;
    sample->depth_width = inner.width;
    sample->depth_height = inner.height;
    return PRUNE_OK;
}

static void echo_release(void *user, prune_sample *sample)
{
    echo *e = user;
    boxed *box = (boxed *)(void *)((char *)(uintptr_t)sample->depth - offsetof(boxed, values));
    prune_samples_release(e->pictures, &box->inner);
    prune_memory_free(e->ctx, box);
}

static prune_status echo_identify(void *user, uint64_t index, const char **name, const char **group)
{
    echo *e = user;
    return prune_samples_identify(e->pictures, index, name, group);
}

static void echo_close(void *user)
{
    echo *e = user;
    for (uint64_t i = 0; e->values && i < prune_samples_count(e->pictures); i++)
        prune_memory_free(e->ctx, e->values[i]);
    prune_memory_free(e->ctx, e->values);
    prune_memory_free(e->ctx, e);
}

static prune_status echo_fill(echo *e, const prune_model *original)
{
    prune_session *session = NULL;
    prune_status status = prune_session_create(&session, original, NULL);
    for (uint64_t i = 0; status == PRUNE_OK && i < prune_samples_count(e->pictures); i++) {
        prune_sample sample;
        status = prune_samples_load(e->pictures, i, &sample);
        if (status != PRUNE_OK) break;
        const prune_pixels pixels = {sample.rgb, sample.width, sample.height, 0, PRUNE_RGB};
        e->values[i] = prune_memory_new(e->ctx, (size_t)sample.width * (size_t)sample.height,
                                        sizeof **e->values);
        status =
            e->values[i] ? prune_session_predict(session, &pixels, e->values[i]) : PRUNE_E_MEMORY;
        prune_samples_release(e->pictures, &sample);
    }
    prune_session_free(session);
    return status;
}

static prune_status echo_create(prune_samples **out, prune_context *ctx, prune_samples *pictures,
                                const prune_model *original)
{
    echo *e = prune_memory_zero(ctx, 1, sizeof *e);
    if (!e) return PRUNE_E_MEMORY;
    *e = (echo){.ctx = ctx, .pictures = pictures};
    e->values = prune_memory_zero(ctx, prune_samples_count(pictures), sizeof *e->values);
    prune_status status = e->values ? echo_fill(e, original) : PRUNE_E_MEMORY;
    const prune_sample_source source = {.struct_size = (uint32_t)sizeof source,
                                        .user = e,
                                        .count = prune_samples_count(pictures),
                                        .load = echo_load,
                                        .release = echo_release,
                                        .close = echo_close,
                                        .identify = echo_identify};
    if (status == PRUNE_OK) status = prune_samples_create(out, ctx, &source);
    if (status != PRUNE_OK) echo_close(e);
    return status;
}

/* Mean over pictures of mean |ln z - ln z0|. Relative models have no depth to take logarithms of:
 * there |v - v0| over the mean of |v0|, which is the same to first order. */
typedef struct likeness {
    double sum;
    uint64_t frames;
} likeness;

static void likeness_reset(void *user)
{
    *(likeness *)user = (likeness){0};
}

static double log_depth(const prune_prediction *p, double value)
{
    if (p->output_kind == 1) value = p->disparity_offset + p->disparity_scale * value;
    return log(fmax(value, 1e-6));
}

static prune_status likeness_add(void *user, const prune_prediction *p, const prune_sample *sample)
{
    likeness *l = user;
    const int64_t count = (int64_t)p->width * p->height;
    double error = 0, size = 0;
    for (int64_t i = 0; i < count; i++) {
        const double a = (double)p->values[i], b = (double)sample->depth[i];
        if (!isfinite(a))
            return prune_error_set(PRUNE_E_FORMAT, "%s: a prediction is not a number",
                                   sample->name);
        error += p->output_kind == 0 ? fabs(a - b) : fabs(log_depth(p, a) - log_depth(p, b));
        size += p->output_kind == 0 ? fabs(b) : 1.0;
    }
    l->sum += error / fmax(size, 1e-12);
    l->frames++;
    return PRUNE_OK;
}

static prune_status likeness_value(void *user, double *value)
{
    const likeness *l = user;
    *value = l->frames > 0 ? l->sum / (double)l->frames : 0.0;
    return PRUNE_OK;
}

/* One at a time in a process would do, but two judges must not share sums. */
static prune_metric *likeness_create(prune_context *ctx)
{
    struct both {
        prune_metric metric;
        likeness sums;
    } *both = prune_memory_zero(ctx, 1, sizeof *both);
    if (!both) return NULL;
    both->metric = (prune_metric){.struct_size = (uint32_t)sizeof both->metric,
                                  .user = &both->sums,
                                  .name = "log_depth_error",
                                  .reset = likeness_reset,
                                  .add = likeness_add,
                                  .value = likeness_value};
    return &both->metric;
}

static prune_status judge_by_original(prune_judge *judge, const prune_model *original,
                                      prune_samples *images)
{
    const double count = (double)prune_samples_count(images);
    const double share = fmin(0.2, 16.0 / count);
    prune_status status = prune_samples_split(&judge->kept, &judge->held, images, share, 0, NULL);
    if (status != PRUNE_OK)
        return prune_error_within(status, "holding back pictures for the original network to "
                                          "judge (give labelled pairs instead)");
    judge->own = true;
    judge->images = judge->kept;
    judge->metric = likeness_create(judge->ctx);
    (void)snprintf(judge->text, sizeof judge->text,
                   "log-depth error against the original network, %llu pictures held back",
                   (unsigned long long)prune_samples_count(judge->held));
    return judge->metric ? echo_create(&judge->samples, judge->ctx, judge->held, original)
                         : PRUNE_E_MEMORY;
}

prune_status prune_judge_create(prune_judge **out, prune_context *context,
                                const prune_model *original, prune_samples *images,
                                prune_samples *validation, const char *protocol, const char *metric,
                                const char *align)
{
    prune_judge *judge = prune_memory_zero(context, 1, sizeof *judge);
    prune_status status;
    if (!judge) return PRUNE_E_MEMORY;
    judge->ctx = context;
    judge->images = images;
    if (validation) {
        judge->samples = validation;
        status = prune_protocol_metric(&judge->metric, context, protocol, metric, align);
        (void)snprintf(judge->text, sizeof judge->text, "%s on %llu labelled validation frames",
                       metric, (unsigned long long)prune_samples_count(validation));
    } else {
        status = judge_by_original(judge, original, images);
    }
    if (status != PRUNE_OK) {
        prune_judge_free(judge);
        return status;
    }
    *out = judge;
    return PRUNE_OK;
}

void prune_judge_free(prune_judge *judge)
{
    if (!judge) return;
    if (judge->own) {
        prune_samples_free(judge->samples);
        prune_memory_free(judge->ctx, judge->metric);
    } else {
        prune_metric_free(judge->metric);
    }
    prune_samples_free(judge->kept);
    prune_samples_free(judge->held);
    prune_memory_free(judge->ctx, judge);
}

prune_status prune_judge_score(prune_judge *judge, const prune_model *model, double *score)
{
    prune_session *session = NULL;
    prune_status status = prune_session_create(&session, model, NULL);
    judge->metric->reset(judge->metric->user);
    for (uint64_t i = 0; status == PRUNE_OK && i < prune_samples_count(judge->samples); i++)
        status = run_add_frame(judge->ctx, session, judge->samples, i, judge->metric);
    if (status == PRUNE_OK) status = judge->metric->value(judge->metric->user, score);
    prune_session_free(session);
    return status;
}

prune_status run_add_frame(prune_context *ctx, prune_session *session, prune_samples *samples,
                           uint64_t index, prune_metric *metric)
{
    prune_sample sample;
    prune_prediction prediction = {0};
    prune_status status = prune_samples_load(samples, index, &sample);
    if (status != PRUNE_OK) return status;
    float *values =
        prune_memory_new(ctx, (size_t)sample.width * (size_t)sample.height, sizeof *values);
    const prune_pixels pixels = {sample.rgb, sample.width, sample.height, 0, PRUNE_RGB};
    status = values ? prune_session_predict(session, &pixels, values) : PRUNE_E_MEMORY;
    prune_session_describe(session, &prediction);
    prediction.width = sample.width;
    prediction.height = sample.height;
    prediction.values = values;
    if (status == PRUNE_OK) status = metric->add(metric->user, &prediction, &sample);
    prune_memory_free(ctx, values);
    prune_samples_release(samples, &sample);
    return status;
}

const char *prune_judge_describe(const prune_judge *judge)
{
    return judge->text;
}

prune_samples *prune_judge_samples(const prune_judge *judge)
{
    return judge->samples;
}

prune_metric *prune_judge_metric(const prune_judge *judge)
{
    return judge->metric;
}

prune_samples *prune_judge_images(const prune_judge *judge)
{
    return judge->images;
}
