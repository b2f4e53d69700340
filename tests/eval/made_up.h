/* A made-up set of frames for tests of evaluations: truth 10 m everywhere, prediction 10 m times
 * one plus the frame's own error, so that abs_rel of frame i is error[i]. */
#ifndef TESTS_EVAL_MADE_UP_H
#define TESTS_EVAL_MADE_UP_H

#include "tests/eval/golden.h"

enum { MADE_UP_WIDTH = 4, MADE_UP_HEIGHT = 3, MADE_UP_MAX = 64 };

typedef struct made_up {
    int count;
    char names[MADE_UP_MAX][24];
    double error[MADE_UP_MAX];
    float depth[MADE_UP_WIDTH * MADE_UP_HEIGHT];
    uint8_t rgb[MADE_UP_WIDTH * MADE_UP_HEIGHT * 3];
    int broken; /* index that fails to load, -1: none */
} made_up;

static prune_status made_up_load(void *user, uint64_t index, prune_sample *sample)
{
    made_up *set = user;
    if ((int)index == set->broken) {
        /* A real failure with a message of the library's own. */
        prune_image image;
        return prune_image_read(&image, NULL, "broken.png");
    }
    *sample = (prune_sample){.name = set->names[index],
                             .group = "",
                             .width = MADE_UP_WIDTH,
                             .height = MADE_UP_HEIGHT,
                             .rgb = set->rgb,
                             .depth = set->depth,
                             .depth_width = MADE_UP_WIDTH,
                             .depth_height = MADE_UP_HEIGHT};
    return PRUNE_OK;
}

static void made_up_release(void *user, prune_sample *sample)
{
    (void)user, (void)sample;
}

static prune_status made_up_identify(void *user, uint64_t index, const char **name,
                                     const char **group)
{
    made_up *set = user;
    *name = set->names[index];
    *group = "";
    return PRUNE_OK;
}

static inline prune_samples *made_up_samples(made_up *set, prune_context *ctx, int count)
{
    memset(set, 0, sizeof *set);
    set->count = count;
    set->broken = -1;
    for (int i = 0; i < MADE_UP_WIDTH * MADE_UP_HEIGHT; i++) set->depth[i] = 10;
    for (int i = 0; i < count; i++) {
        (void)snprintf(set->names[i], sizeof set->names[i], "frame%02d", i);
        set->error[i] = 0.01 * (i + 1);
    }
    prune_sample_source source = {.struct_size = sizeof source,
                                  .user = set,
                                  .count = (uint64_t)count,
                                  .load = made_up_load,
                                  .release = made_up_release,
                                  .identify = made_up_identify};
    prune_samples *samples;
    ck_ok(prune_samples_create(&samples, ctx, &source));
    return samples;
}

/* For prune_evaluation_run: finds the frame's error by its name. */
static inline prune_status made_up_predict(void *user, const prune_sample *sample, float *values,
                                           prune_prediction *prediction)
{
    const made_up *set = user;
    int index = atoi(sample->name + 5);
    for (int i = 0; i < MADE_UP_WIDTH * MADE_UP_HEIGHT; i++)
        values[i] = (float)(10 * (1 + set->error[index]));
    prediction->output_kind = 2;
    return PRUNE_OK;
}

static inline prune_evaluation *made_up_evaluation(prune_context *ctx, const char *protocol)
{
    prune_evaluation_options options;
    prune_evaluation_options_init(&options);
    options.protocol = protocol;
    prune_evaluation *evaluation;
    ck_ok(prune_evaluation_create(&evaluation, ctx, &options));
    return evaluation;
}

#endif
