/* Pictures of frames: image, ground truth, before, after, and error maps with one colour scale. The
 * frames are the best, the median and the worst by the metric after compression, then others
 * evenly between them: not picked by hand. */
#include "pipelines/report/report.h"
#include "pipelines/run/record.h"

#include <math.h>
#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct ranked {
    uint64_t index; /* into the evaluation */
    double value;
} ranked;

static int by_value(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* What is drawn of one frame; all maps have the image's size. */
typedef struct sheet {
    record *r;
    const char *stem;
    prune_sample sample;
    float *before, *after; /* metres (up to one scale), aligned to the truth */
    json_t *entry;
} sheet;

/* Inverse depth from that of 3 m (warm) to 0 (dark); black where it is not known. */
static prune_status draw_depth(sheet *s, const char *what, const float *metres)
{
    const int64_t count = (int64_t)s->sample.width * s->sample.height;
    prune_context *ctx = s->r->ctx;
    char name[600];
    float *inverse = prune_memory_new(ctx, (size_t)count, sizeof *inverse);
    uint8_t *rgb = prune_memory_new(ctx, (size_t)count, 3);
    char *path = NULL;
    prune_status status = inverse && rgb ? PRUNE_OK : PRUNE_E_MEMORY;
    for (int64_t i = 0; status == PRUNE_OK && i < count; i++)
        inverse[i] = metres[i] > 0 ? 1.0f / fmaxf(metres[i], 1.0f) : 0.0f;
    if (status == PRUNE_OK) {
        prune_map_colorize(inverse, s->sample.width, s->sample.height, 0.33f, 0.0f, rgb);
        for (int64_t i = 0; i < count; i++)
            if (metres[i] <= 0) memset(rgb + 3 * i, 0, 3);
        (void)snprintf(name, sizeof name, "pictures/%s_%s.png", s->stem, what);
        path = prune_path_join(ctx, s->r->options->output, name);
        status = path ? prune_image_write_png(ctx, path, rgb, s->sample.width, s->sample.height)
                      : PRUNE_E_MEMORY;
        (void)json_object_set_new(s->entry, what, json_string(name));
    }
    prune_memory_free(ctx, path);
    prune_memory_free(ctx, inverse);
    prune_memory_free(ctx, rgb);
    return status;
}

/* Relative error |p - g| / g from 0 (blue) to 30 % and more (red), dots of 3x3 because ground
 * truth may be sparse; black where there is none. */
static prune_status draw_error(sheet *s, const char *what, const float *metres)
{
    const int32_t width = s->sample.width, height = s->sample.height;
    prune_context *ctx = s->r->ctx;
    uint8_t *rgb = prune_memory_zero(ctx, (size_t)width * (size_t)height, 3);
    char name[600], *path = NULL;
    if (!rgb) return PRUNE_E_MEMORY;
    for (int32_t y = 0; y < height; y++)
        for (int32_t x = 0; x < width; x++) {
            const float g = s->sample.depth[y * width + x], p = metres[y * width + x];
            if (g <= 0) continue;
            const float e = fminf(fabsf(p - g) / g / 0.3f, 1.0f);
            const uint8_t colour[3] = {(uint8_t)(60.0f + 195.0f * e),
                                       (uint8_t)(90.0f + 130.0f * (1.0f - fabsf(2 * e - 1))),
                                       (uint8_t)(60.0f + 195.0f * (1.0f - e))};
            for (int32_t dy = -1; dy <= 1; dy++)
                for (int32_t dx = -1; dx <= 1; dx++)
                    if (y + dy >= 0 && y + dy < height && x + dx >= 0 && x + dx < width)
                        memcpy(rgb + 3 * ((int64_t)(y + dy) * width + x + dx), colour, 3);
        }
    (void)snprintf(name, sizeof name, "pictures/%s_%s.png", s->stem, what);
    path = prune_path_join(ctx, s->r->options->output, name);
    prune_status status =
        path ? prune_image_write_png(ctx, path, rgb, width, height) : PRUNE_E_MEMORY;
    (void)json_object_set_new(s->entry, what, json_string(name));
    prune_memory_free(ctx, path);
    prune_memory_free(ctx, rgb);
    return status;
}

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Relative maps get scale and shift by least squares of 1/g; disparity the ratio of medians. */
static void align(const prune_prediction *p, const prune_sample *sample, float *map)
{
    const int64_t count = (int64_t)sample->width * sample->height;
    if (p->output_kind == 2) return;
    if (p->output_kind == 0) {
        double n = 0, sd = 0, sdd = 0, sy = 0, sdy = 0;
        for (int64_t i = 0; i < count; i++) {
            if (sample->depth[i] <= 0) continue;
            const double d = (double)map[i], y = 1.0 / (double)sample->depth[i];
            n += 1, sd += d, sdd += d * d, sy += y, sdy += d * y;
        }
        const double det = n * sdd - sd * sd;
        const double scale = det > 0 ? (n * sdy - sd * sy) / det : 0;
        const double shift = n > 0 ? (sy - scale * sd) / n : 0;
        for (int64_t i = 0; i < count; i++)
            map[i] = (float)(1.0 / fmax(scale * (double)map[i] + shift, 1.0 / 80));
        return;
    }
    for (int64_t i = 0; i < count; i++)
        map[i] =
            (float)(1.0 / fmax(p->disparity_offset + p->disparity_scale * (double)map[i], 1e-6));
    float *truth = malloc((size_t)count * sizeof *truth),
          *mine = malloc((size_t)count * sizeof *mine);
    int64_t n = 0;
    for (int64_t i = 0; truth && mine && i < count; i++)
        if (sample->depth[i] > 0) truth[n] = sample->depth[i], mine[n++] = map[i];
    if (n > 0) {
        qsort(truth, (size_t)n, sizeof *truth, ascending);
        qsort(mine, (size_t)n, sizeof *mine, ascending);
        const float ratio = truth[n / 2] / mine[n / 2];
        for (int64_t i = 0; i < count; i++) map[i] *= ratio;
    }
    free(truth);
    free(mine);
}

static prune_status predict(sheet *s, const prune_model *model, float **out)
{
    prune_session *session = NULL;
    prune_prediction kind = {0};
    const prune_sample *sample = &s->sample;
    const prune_pixels pixels = {sample->rgb, sample->width, sample->height, 0, PRUNE_RGB};
    *out =
        prune_memory_new(s->r->ctx, (size_t)sample->width * (size_t)sample->height, sizeof **out);
    prune_status status = *out ? prune_session_create(&session, model, NULL) : PRUNE_E_MEMORY;
    if (status == PRUNE_OK) status = prune_session_predict(session, &pixels, *out);
    if (status == PRUNE_OK) {
        prune_session_describe(session, &kind);
        align(&kind, sample, *out);
    }
    prune_session_free(session);
    return status;
}

static prune_status draw_frame(sheet *s)
{
    char name[600];
    prune_status status = predict(s, record_first(s->r)->model, &s->before);
    if (status == PRUNE_OK) status = predict(s, record_last(s->r)->model, &s->after);
    (void)snprintf(name, sizeof name, "pictures/%s_image.png", s->stem);
    char *path = prune_path_join(s->r->ctx, s->r->options->output, name);
    if (status == PRUNE_OK && path)
        status = prune_image_write_png(s->r->ctx, path, s->sample.rgb, s->sample.width,
                                       s->sample.height);
    prune_memory_free(s->r->ctx, path);
    (void)json_object_set_new(s->entry, "image", json_string(name));
    if (status == PRUNE_OK) status = draw_depth(s, "truth", s->sample.depth);
    if (status == PRUNE_OK) status = draw_depth(s, "before", s->before);
    if (status == PRUNE_OK) status = draw_depth(s, "after", s->after);
    if (status == PRUNE_OK) status = draw_error(s, "error_before", s->before);
    if (status == PRUNE_OK) status = draw_error(s, "error_after", s->after);
    prune_memory_free(s->r->ctx, s->before);
    prune_memory_free(s->r->ctx, s->after);
    return status;
}

static prune_status show_frame(record *r, const char *name, const char *rank, double value)
{
    for (uint64_t i = 0; i < prune_samples_count(r->shown); i++) {
        const char *candidate, *group;
        prune_status status = prune_samples_identify(r->shown, i, &candidate, &group);
        if (status != PRUNE_OK) return status;
        if (strcmp(candidate, name) != 0) continue;
        sheet s = {.r = r, .stem = name};
        s.entry = json_pack("{s:s, s:s, s:f}", "frame", name, "rank", rank, "value", value);
        status = prune_samples_load(r->shown, i, &s.sample);
        if (status != PRUNE_OK) return status;
        if (s.sample.depth_width == s.sample.width && s.sample.depth_height == s.sample.height)
            status = draw_frame(&s);
        prune_samples_release(r->shown, &s.sample);
        (void)json_array_append_new(r->pictures, s.entry);
        return status;
    }
    return PRUNE_OK;
}

/* Positions in the ranking: best, median, worst, then evenly. */
static uint64_t place(int32_t k, int32_t pictures, uint64_t count)
{
    if (k == 0) return 0;
    if (k == 1) return count / 2;
    if (k == 2) return count - 1;
    return (uint64_t)(k - 2) * count / (uint64_t)(pictures - 1);
}

prune_status report_pictures(record *r)
{
    static const char *const ranks[] = {"best", "median", "worst"};
    const prune_evaluation *e = record_last(r)->evaluation;
    const uint64_t count = prune_evaluation_frames(e);
    ranked *order = prune_memory_new(r->ctx, count, sizeof *order);
    char *folder = prune_path_join(r->ctx, r->options->output, "pictures");
    const char *name;
    prune_status status = order && folder ? prune_folder_create(folder) : PRUNE_E_MEMORY;
    for (uint64_t i = 0; status == PRUNE_OK && i < count; i++) {
        order[i].index = i;
        status = prune_evaluation_frame(e, i, r->options->metric, &name, &order[i].value);
    }
    r->pictures = json_array();
    if (status == PRUNE_OK) qsort(order, count, sizeof *order, by_value);
    const int32_t pictures =
        (uint64_t)r->options->pictures < count ? r->options->pictures : (int32_t)count;
    for (int32_t k = 0; status == PRUNE_OK && k < pictures; k++) {
        const ranked *chosen = &order[place(k, pictures, count)];
        double value;
        status = prune_evaluation_frame(e, chosen->index, r->options->metric, &name, &value);
        if (status == PRUNE_OK) status = show_frame(r, name, k < 3 ? ranks[k] : "between", value);
    }
    prune_memory_free(r->ctx, order);
    prune_memory_free(r->ctx, folder);
    return status;
}
