/* Snapshots of a tuning run, read into the tuner of a model with one small layer. */
#include "libprune/train/tuner.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

enum { SIDE = 8 };

const fuzz_bound fuzz_memory = {64, 1 << 16};

static pr_tuner tuner;
static prune_model *original; /* looked at by the tuner to the end */
static prune_samples *samples;
static const uint8_t rgb[SIDE * SIDE * 3] = {1, 2, 3};
static float depth[SIDE * SIDE];
static const char *const names[] = {"a", "b", "c", "d"};

static prune_status load(void *user, uint64_t index, prune_sample *sample)
{
    (void)user;
    *sample = (prune_sample){.name = names[index],
                             .group = "",
                             .width = SIDE,
                             .height = SIDE,
                             .rgb = rgb,
                             .depth = depth,
                             .depth_width = SIDE,
                             .depth_height = SIDE};
    return PRUNE_OK;
}

static void release(void *user, prune_sample *sample)
{
    (void)user, (void)sample;
}

static prune_status identify(void *user, uint64_t index, const char **name, const char **group)
{
    (void)user;
    *name = names[index];
    *group = "";
    return PRUNE_OK;
}

static prune_model *make_model(prune_context *ctx)
{
    prune_model *model = NULL;
    const pr_attrs attrs = pr_attrs_default();
    const pr_shape shape = pr_shape4(1, 1, 1, 3);
    int32_t image, head;
    pr_tensor weight;
    fuzz_require(pr_model_create(&model, ctx) == PRUNE_OK, "no model");
    model->meta.preprocess = (pr_preprocess){.width = SIDE,
                                             .height = SIDE,
                                             .multiple = 1,
                                             .std = {1, 1, 1},
                                             .filter = PR_FILTER_BILINEAR};
    model->meta.output_kind = PR_OUTPUT_METRIC;
    model->meta.max_depth = 80;
    fuzz_require(
        pr_model_add_node(model, &image, PR_OP_INPUT, "image", NULL, 0, &attrs) == PRUNE_OK &&
            pr_model_add_node(model, &head, PR_OP_CONV, "head", &image, 1, &attrs) == PRUNE_OK &&
            pr_tensor_zeros(&weight, ctx, PR_F32, &shape) == PRUNE_OK &&
            pr_model_add_param(model, head, 0, weight) == PRUNE_OK &&
            pr_model_add_output(model, "depth", head) == PRUNE_OK,
        "no model");
    return model;
}

/* $PRUNE_FUZZ_SEED names a file to which the fresh tuner's snapshot goes: the seed of the corpus.
 */
static void open_tuner(prune_context *ctx)
{
    const prune_sample_source source = {.struct_size = sizeof source,
                                        .count = 4,
                                        .load = load,
                                        .release = release,
                                        .identify = identify};
    prune_tune_options options;
    prune_tune_options_init(&options);
    options.batch = 1;
    original = make_model(ctx);
    for (int i = 0; i < SIDE * SIDE; i++) depth[i] = 1.0f + (float)i;
    fuzz_require(prune_samples_create(&samples, ctx, &source) == PRUNE_OK &&
                     fuzz_ok(pr_tuner_open(&tuner, original, NULL, samples, &options)),
                 "no tuner");
    const char *seed = getenv("PRUNE_FUZZ_SEED");
    if (seed) fuzz_require(pr_snapshot_write(&tuner, seed) == PRUNE_OK, "no seed");
}

void fuzz_one(prune_context *ctx, const uint8_t *data, size_t size)
{
    if (!tuner.ctx) {
        open_tuner(ctx);
        return;
    }
    uint64_t step = tuner.adamw.step;
    if (!fuzz_ok(pr_snapshot_read(&tuner, fuzz_file(data, size))))
        fuzz_require(tuner.adamw.step == step, "a refused snapshot changed the step");
    /* The best model is kept between inputs; drop it, so that memory is counted per input. */
    if (tuner.best) prune_model_free(tuner.best);
    tuner.best = NULL;
}
