/* Pictures of frames: image, ground truth, before, after, and error maps, all frames on the same
 * two scales. */
#include "pipelines/report/look.h"

#include <math.h>
#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PICTURES = 100 };

/* evaluation-protocols: the development kit paints 20 * e / g in doubling steps from 1/16; so the
 * steps of e / g are 0.3 %, 0.6 % and so on to 80 %. Colours: ColorBrewer's RdYlBu, which eyes that
 * do not see red or green still tell apart. */
const report_error_step report_error_steps[REPORT_ERROR_STEPS] = {
    {0.003125, {49, 54, 149}}, {0.00625, {69, 117, 180}}, {0.0125, {116, 173, 209}},
    {0.025, {171, 217, 233}},  {0.05, {224, 243, 248}},   {0.1, {254, 224, 144}},
    {0.2, {253, 174, 97}},     {0.4, {244, 109, 67}},     {0.8, {215, 48, 39}},
    {INFINITY, {165, 0, 38}},
};

/* What is drawn of one frame; all maps have the image's size. */
typedef struct sheet {
    const report_subject *s;
    char stem[24];
    prune_sample sample;
    double near, far; /* metres at the ends of the depth scale */
    json_t *entry;
} sheet;

static prune_status write_picture(const sheet *s, const char *what, const uint8_t *rgb)
{
    char name[64];
    (void)snprintf(name, sizeof name, "pictures/%s_%s.png", s->stem, what);
    char *path = prune_path_join(s->s->ctx, s->s->output, name);
    prune_status status =
        path ? prune_image_write_png(s->s->ctx, path, rgb, s->sample.width, s->sample.height)
             : PRUNE_E_MEMORY;
    if (status == PRUNE_OK) (void)json_object_set_new(s->entry, what, json_string(name));
    prune_memory_free(s->s->ctx, path);
    return status;
}

/* Points of a laser are too small to see alone. */
static bool is_sparse(const prune_sample *sample)
{
    const int64_t count = (int64_t)sample->width * sample->height;
    int64_t known = 0;
    for (int64_t i = 0; i < count; i++) known += sample->depth[i] > 0;
    return known < count / 2;
}

/* Paints one pixel, or three by three of them around it. */
static void paint(uint8_t *rgb, const prune_sample *sample, int32_t x, int32_t y, int32_t reach,
                  const uint8_t colour[3])
{
    for (int32_t v = y - reach; v <= y + reach; v++)
        for (int32_t u = x - reach; u <= x + reach; u++)
            if (v >= 0 && v < sample->height && u >= 0 && u < sample->width)
                memcpy(rgb + 3 * ((int64_t)v * sample->width + u), colour, 3);
}

/* Logarithm of depth on the shared scale; black where it is not known. */
static prune_status draw_depth(const sheet *s, const char *what, const float *metres, bool sparse)
{
    const prune_sample *sample = &s->sample;
    const size_t count = (size_t)sample->width * (size_t)sample->height;
    prune_context *ctx = s->s->ctx;
    float *logs = prune_memory_new(ctx, count, sizeof *logs);
    uint8_t *colours = prune_memory_new(ctx, count, 3), *rgb = prune_memory_zero(ctx, count, 3);
    prune_status status = logs && colours && rgb ? PRUNE_OK : PRUNE_E_MEMORY;
    if (status == PRUNE_OK) {
        for (size_t i = 0; i < count; i++)
            logs[i] = metres[i] > 0 ? logf(fminf(metres[i], 1e6f)) : NAN;
        prune_map_colorize(logs, sample->width, sample->height, (float)log(s->near),
                           (float)log(s->far), colours);
        for (int32_t y = 0; y < sample->height; y++)
            for (int32_t x = 0; x < sample->width; x++) {
                const int64_t i = (int64_t)y * sample->width + x;
                if (metres[i] > 0) paint(rgb, sample, x, y, sparse, colours + 3 * i);
            }
        status = write_picture(s, what, rgb);
    }
    prune_memory_free(ctx, logs);
    prune_memory_free(ctx, colours);
    prune_memory_free(ctx, rgb);
    return status;
}

static const uint8_t *error_colour(double error)
{
    int k = 0;
    while (k + 1 < REPORT_ERROR_STEPS && !(error < report_error_steps[k].below)) k++;
    return report_error_steps[k].rgb;
}

static prune_status draw_error(const sheet *s, const char *what, const float *metres, bool sparse)
{
    const prune_sample *sample = &s->sample;
    uint8_t *rgb = prune_memory_zero(s->s->ctx, (size_t)sample->width * (size_t)sample->height, 3);
    if (!rgb) return PRUNE_E_MEMORY;
    for (int32_t y = 0; y < sample->height; y++)
        for (int32_t x = 0; x < sample->width; x++) {
            const int64_t i = (int64_t)y * sample->width + x;
            const double g = (double)sample->depth[i];
            if (g > 0)
                paint(rgb, sample, x, y, sparse, error_colour(fabs((double)metres[i] - g) / g));
        }
    prune_status status = write_picture(s, what, rgb);
    prune_memory_free(s->s->ctx, rgb);
    return status;
}

/* Depth and error of one of the two. */
static prune_status draw_source(const sheet *s, report_source *source, const char *depth,
                                const char *error, bool sparse)
{
    prune_context *ctx = s->s->ctx;
    prune_prediction prediction;
    float *values = NULL;
    prune_status status = report_source_predict(source, ctx, &s->sample, &values, &prediction);
    float *metres =
        prune_memory_new(ctx, (size_t)s->sample.width * (size_t)s->sample.height, sizeof *metres);
    if (status == PRUNE_OK && !metres) status = PRUNE_E_MEMORY;
    if (status == PRUNE_OK)
        status = prune_prediction_metres(metres, ctx, s->s->options, &prediction, &s->sample);
    if (status == PRUNE_OK) status = draw_depth(s, depth, metres, false);
    if (status == PRUNE_OK) status = draw_error(s, error, metres, sparse);
    prune_memory_free(ctx, values);
    prune_memory_free(ctx, metres);
    return status;
}

static prune_status draw_frame(const sheet *s)
{
    const bool sparse = is_sparse(&s->sample);
    prune_status status = write_picture(s, "image", s->sample.rgb);
    if (status == PRUNE_OK) status = draw_depth(s, "truth", s->sample.depth, sparse);
    if (status == PRUNE_OK) status = draw_source(s, s->s->before, "before", "error_before", sparse);
    if (status == PRUNE_OK) status = draw_source(s, s->s->after, "after", "error_after", sparse);
    return status;
}

/* The sample that an evaluation calls by this name: usually at the same place. */
static prune_status find_sample(const report_subject *s, uint64_t likely, const char *name,
                                prune_sample *sample)
{
    const uint64_t count = prune_samples_count(s->samples);
    for (uint64_t k = 0; k < count; k++) {
        const char *found, *group;
        const uint64_t i = (likely + k) % count;
        prune_status status = prune_samples_identify(s->samples, i, &found, &group);
        if (status != PRUNE_OK) return status;
        if (strcmp(found, name) == 0) return prune_samples_load(s->samples, i, sample);
    }
    return prune_error_set(PRUNE_E_ARGUMENT, "frame %s was judged, but is not among the samples",
                           name);
}

static prune_status load_choice(const report_subject *s, const report_choice *choice,
                                const char **name, prune_sample *sample)
{
    double unused;
    prune_status status =
        prune_evaluation_frame(s->judged_after, choice->index, s->metric, name, &unused);
    if (status == PRUNE_OK) status = find_sample(s, choice->index, *name, sample);
    if (status != PRUNE_OK) return status;
    if (sample->depth && sample->depth_width == sample->width &&
        sample->depth_height == sample->height)
        return PRUNE_OK;
    status = prune_error_set(PRUNE_E_SHAPE, "%s: image and ground truth differ in size", *name);
    prune_samples_release(s->samples, sample);
    return status;
}

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Widens [near, far] to what all but 2 % at either end of this truth needs. */
static prune_status widen_scale(prune_context *ctx, const prune_sample *sample, double *near,
                                double *far)
{
    const int64_t count = (int64_t)sample->width * sample->height;
    float *known = prune_memory_new(ctx, (size_t)count, sizeof *known);
    int64_t n = 0;
    if (!known) return PRUNE_E_MEMORY;
    for (int64_t i = 0; i < count; i++)
        if (sample->depth[i] > 0) known[n++] = sample->depth[i];
    if (n > 0) {
        qsort(known, (size_t)n, sizeof *known, ascending);
        *near = fmin(*near, (double)known[n / 50]);
        *far = fmax(*far, (double)known[n - 1 - n / 50]);
    }
    prune_memory_free(ctx, known);
    return PRUNE_OK;
}

/* Ends of the depth scale that all frames share. */
static prune_status find_scale(const report_subject *s, const report_choice *choices, int32_t count,
                               double *near, double *far)
{
    prune_status status = PRUNE_OK;
    *near = INFINITY;
    *far = 0;
    for (int32_t k = 0; status == PRUNE_OK && k < count; k++) {
        const char *name;
        prune_sample sample;
        status = load_choice(s, &choices[k], &name, &sample);
        if (status != PRUNE_OK) break;
        status = widen_scale(s->ctx, &sample, near, far);
        prune_samples_release(s->samples, &sample);
    }
    /* Round ends read better; a scale needs some width. */
    *near = *near >= 2 ? floor(*near) : fmax(0.1, floor(*near * 10) / 10);
    *far = fmax(ceil(*far), 2 * *near);
    return status;
}

static prune_status show_frame(const report_subject *s, const report_choice *choice, int32_t number,
                               double near, double far, json_t *list)
{
    sheet drawn = {.s = s, .near = near, .far = far};
    const char *name;
    prune_status status = load_choice(s, choice, &name, &drawn.sample);
    if (status != PRUNE_OK) return status;
    (void)snprintf(drawn.stem, sizeof drawn.stem, "%d", (int)number);
    drawn.entry = json_pack("{s:s, s:s, s:s, s:f, s:f}", "frame", name, "rank", choice->rank,
                            "metric", s->metric, "value", choice->value, "change", choice->change);
    status = drawn.entry ? draw_frame(&drawn) : PRUNE_E_MEMORY;
    if (status == PRUNE_OK) (void)json_array_append(list, drawn.entry);
    json_decref(drawn.entry);
    prune_samples_release(s->samples, &drawn.sample);
    return status;
}

prune_status report_pictures(const report_subject *s, json_t *report)
{
    report_choice choices[MOST_PICTURES];
    int32_t count = s->pictures < MOST_PICTURES ? s->pictures : MOST_PICTURES;
    double near = 1, far = 80;
    char *folder = prune_path_join(s->ctx, s->output, "pictures");
    prune_status status = folder ? prune_folder_create(folder) : PRUNE_E_MEMORY;
    json_t *list = json_array();
    if (status == PRUNE_OK) status = report_choose(choices, &count, s);
    if (status == PRUNE_OK) status = find_scale(s, choices, count, &near, &far);
    for (int32_t k = 0; status == PRUNE_OK && k < count; k++)
        status = show_frame(s, &choices[k], k + 1, near, far, list);
    if (status == PRUNE_OK) {
        (void)json_object_set(report, "pictures", list);
        (void)json_object_set_new(report, "picture_scales",
                                  json_pack("{s:[f,f]}", "depth_m", near, far));
    }
    json_decref(list);
    prune_memory_free(s->ctx, folder);
    return status;
}
