/* A tiny model and made-up labelled pictures for the tests of this room. */
#ifndef TESTS_TRAIN_SCENE_H
#define TESTS_TRAIN_SCENE_H

#include "libprune/graph/graph.h"
#include "tests/support/support.h"

#include <prune/samples.h>
#include <prune/tune.h>
#include <stdio.h>

enum { SCENE_W = 56, SCENE_H = 28, SCENE_COUNT = 12 };

typedef struct scene {
    bool labelled;
    uint64_t count;
    char names[SCENE_COUNT][16];
    uint8_t rgb[SCENE_COUNT][SCENE_H * SCENE_W * 3];
    float depth[SCENE_COUNT][SCENE_H * SCENE_W];
} scene;

static inline prune_status scene_load(void *user, uint64_t index, prune_sample *sample)
{
    scene *all = user;
    *sample = (prune_sample){.name = all->names[index],
                             .group = "",
                             .width = SCENE_W,
                             .height = SCENE_H,
                             .rgb = all->rgb[index]};
    if (all->labelled) {
        sample->depth = all->depth[index];
        sample->depth_width = SCENE_W;
        sample->depth_height = SCENE_H;
    }
    return PRUNE_OK;
}

static inline void scene_release(void *user, prune_sample *sample)
{
    (void)user;
    (void)sample;
}

static inline prune_status scene_identify(void *user, uint64_t index, const char **name,
                                          const char **group)
{
    *name = ((scene *)user)->names[index];
    *group = "";
    return PRUNE_OK;
}

/* A ground that recedes, and a bright box in front of it whose blue tells its distance. */
static inline void scene_make(scene *all, uint64_t count, bool labelled)
{
    all->labelled = labelled;
    all->count = count;
    for (uint64_t k = 0; k < count; k++) {
        (void)snprintf(all->names[k], sizeof all->names[k], "frame%02d", (int)k);
        int left = (int)(k * 7 % 36), near = (int)(k % 3);
        for (int y = 0; y < SCENE_H; y++) {
            for (int x = 0; x < SCENE_W; x++) {
                int i = y * SCENE_W + x;
                bool box = x >= left && x < left + 20 && y >= 6 && y < 20;
                all->depth[k][i] = box ? 5.0F + 3 * (float)near : 40 - (float)y;
                if (y == 0) all->depth[k][i] = 0;
                all->rgb[k][3 * i] = (uint8_t)(box ? 220 : 3 * y);
                all->rgb[k][3 * i + 1] = (uint8_t)(box ? 200 : 60 + 3 * y);
                all->rgb[k][3 * i + 2] = (uint8_t)(box ? 80 * near : 90);
            }
        }
    }
}

static inline prune_samples *scene_samples(prune_context *ctx, scene *all)
{
    prune_sample_source source = {.struct_size = (uint32_t)sizeof source,
                                  .user = all,
                                  .count = all->count,
                                  .load = scene_load,
                                  .release = scene_release,
                                  .identify = scene_identify};
    prune_samples *samples = NULL;
    ck_ok(prune_samples_create(&samples, ctx, &source));
    return samples;
}

static inline prune_model *tiny_model(prune_context *ctx, double max_depth, uint64_t seed)
{
    prune_new_options options;
    prune_new_options_init(&options);
    options.width = 24;
    options.blocks = 4;
    options.heads = 2;
    options.hidden = 48;
    options.neck = "8,8,8,8";
    options.fusion = 8;
    options.head = 8;
    options.input_height = SCENE_H;
    options.input_width = SCENE_W;
    options.max_depth = max_depth;
    options.seed = seed;
    prune_model *model = NULL;
    ck_ok(prune_model_new(&model, ctx, &options));
    return model;
}

static inline bool same_weights(const prune_model *a, const prune_model *b)
{
    if (a->n_params != b->n_params) return false;
    for (int32_t p = 0; p < a->n_params; p++) {
        const pr_tensor *x = &a->params[p].tensor, *y = &b->params[p].tensor;
        if (x->dtype != y->dtype || !pr_shape_equal(&x->shape, &y->shape) ||
            memcmp(x->data, y->data, pr_tensor_bytes(x)) != 0)
            return false;
    }
    return true;
}

#endif
