/* A small loop with everything in it - rounds, repeats, tuning before and after INT8 - and what two
 * runs of it must have in common. */
#ifndef TESTS_PIPELINES_RUN_LOOP_H
#define TESTS_PIPELINES_RUN_LOOP_H

#include "libprune/passes/shapes.h"
#include "pipelines/recipe/recipe.h"
#include "tests/pipelines/scene.h"

#include <jansson.h>
#include <prune/sys/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static inline void loop_tune(prune_tune_options *tune, int32_t steps)
{
    tune->steps = steps;
    tune->batch = 2;
    tune->warmup = 1;
    tune->judge_every = 2;
    tune->snapshot_every = 1;
    tune->learning_rate = 1e-4;
    tune->augment = false;
}

static inline void loop_trim(recipe_stage *s, double macs, int32_t rounds)
{
    s->trim.macs = macs;
    s->trim.rounds = rounds;
    s->cut.granularity = 1;
    s->cut.images = 4;
    s->cut.views = 2;
    s->cut.judges = 2;
    s->cut.positions = 40;
    loop_tune(&s->tune, 2);
}

/* trim (two rounds), tune, trim, tune, quantize, tune. */
static inline prune_recipe *loop_recipe(prune_context *ctx, const char *folder)
{
    static const recipe_kind kinds[] = {RECIPE_TRIM, RECIPE_TUNE,     RECIPE_TRIM,
                                        RECIPE_TUNE, RECIPE_QUANTIZE, RECIPE_TUNE};
    prune_recipe *recipe;
    ck_ok(recipe_create(&recipe, ctx, "loop"));
    recipe->loop.output = recipe_keep(recipe, folder);
    recipe->loop.bench_seconds = 0.1;
    recipe->loop.align = "none";
    recipe->loop.pictures = 1;
    recipe->save.level = 3;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        recipe_stage *s;
        ck_ok(recipe_append(recipe, kinds[i], &s));
        if (kinds[i] == RECIPE_TRIM) loop_trim(s, i == 0 ? 0.85 : 0.75, i == 0 ? 2 : 1);
        loop_tune(&s->tune, i == 0 ? 2 : 6);
        s->quant.views = 4;
        s->quant.scan_images = 2;
    }
    return recipe;
}

static inline prune_model *loop_model(prune_context *ctx)
{
    prune_model *model = net_vit(ctx);
    ck_ok(pr_model_set_origin(model)); /* as every loaded model has it */
    return model;
}

/* Tune pictures of which one cannot be read: the load that brings `left` to 0 fails, once. */
typedef struct loop_faulty {
    prune_samples *whole;
    int left; /* negative: all is well */
} loop_faulty;

static inline prune_status loop_faulty_load(void *user, uint64_t index, prune_sample *sample)
{
    loop_faulty *f = user;
    if (f->left >= 0 && f->left-- == 0)
        return prune_error_set(PRUNE_E_IO, "images/0000000004.png: Input/output error");
    return prune_samples_load(f->whole, index, sample);
}

static inline void loop_faulty_release(void *user, prune_sample *sample)
{
    prune_samples_release(((loop_faulty *)user)->whole, sample);
}

static inline prune_status loop_faulty_identify(void *user, uint64_t index, const char **name,
                                                const char **group)
{
    return prune_samples_identify(((loop_faulty *)user)->whole, index, name, group);
}

static inline prune_samples *loop_faulty_samples(loop_faulty *f, prune_context *ctx, int left)
{
    const prune_sample_source source = {.struct_size = (uint32_t)sizeof source,
                                        .user = f,
                                        .count = 8,
                                        .load = loop_faulty_load,
                                        .release = loop_faulty_release,
                                        .identify = loop_faulty_identify};
    prune_samples *samples;
    *f = (loop_faulty){scene_samples(ctx, 8, 1), left};
    ck_ok(prune_samples_create(&samples, ctx, &source));
    return samples;
}

static int loop_image_fails = -1; /* which load of a tune picture fails; -1: none */

/* Runs a recipe on the small model in a context of its own. */
static inline prune_status loop_run(const char *folder, bool resume,
                                    void (*change)(prune_recipe *recipe), int32_t threads)
{
    prune_context *ctx = test_context(threads);
    prune_recipe *recipe = loop_recipe(ctx, folder);
    loop_faulty pictures;
    prune_run_inputs inputs = {.struct_size = (uint32_t)sizeof inputs,
                               .model = loop_model(ctx),
                               .images = loop_faulty_samples(&pictures, ctx, loop_image_fails),
                               .test = scene_samples(ctx, 5, 2)};
    prune_run_options options;
    prune_run_options_init(&options);
    options.resume = resume;
    if (change) change(recipe);
    const prune_status status = prune_recipe_run(ctx, recipe, &inputs, &options, NULL);
    prune_model_free(inputs.model);
    prune_samples_free(inputs.images);
    prune_samples_free(pictures.whole);
    prune_samples_free(inputs.test);
    prune_recipe_free(recipe);
    prune_context_free(ctx);
    return status;
}

static inline char *loop_read(const char *folder, const char *name, size_t *size)
{
    char path[700];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s is missing", path);
    char *bytes = malloc(1 << 24);
    ck_assert_ptr_nonnull(bytes);
    *size = fread(bytes, 1, (1 << 24) - 1, file);
    bytes[*size] = '\0';
    (void)fclose(file);
    return bytes;
}

static inline void loop_same_file(const char *a, const char *b, const char *name)
{
    size_t sizes[2];
    char *x = loop_read(a, name, &sizes[0]), *y = loop_read(b, name, &sizes[1]);
    ck_assert_msg(sizes[0] == sizes[1] && memcmp(x, y, sizes[0]) == 0, "%s differs in %s and %s",
                  name, a, b);
    free(x), free(y);
}

/* report.json without what is measured by a clock or says where it lies. */
static inline char *loop_figures(const char *folder)
{
    size_t size, i;
    json_t *row;
    char *text = loop_read(folder, "report.json", &size);
    json_t *root = json_loads(text, 0, NULL);
    free(text);
    ck_assert_ptr_nonnull(root);
    json_array_foreach(json_object_get(root, "stages"), i, row)
    {
        (void)json_object_del(row, "seconds");
        (void)json_object_del(row, "latency_ms");
        (void)json_object_del(row, "energy_mj");
    }
    (void)json_object_del(root, "peak_memory");
    (void)json_object_del(root, "recipe"); /* names the folder */
    json_array_foreach(json_object_get(json_object_get(root, "sweep"), "points"), i, row)
    {
        (void)json_object_del(row, "latency_ms");
        (void)json_object_del(row, "energy_mj");
    }
    text = json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS);
    json_decref(root);
    return text;
}

/* A tuning that changes nothing would prove nothing. */
static inline void loop_expect_tuned(const char *folder)
{
    size_t size, i, improved = 0;
    const json_t *row;
    char *text = loop_read(folder, "report.json", &size);
    json_t *root = json_loads(text, 0, NULL);
    json_array_foreach(json_object_get(root, "stages"), i, row) improved +=
        json_is_true(json_object_get(json_object_get(row, "tune"), "improved"));
    ck_assert_uint_ge(improved, 2);
    json_decref(root);
    free(text);
}

/* The promise: the same files and figures, byte for byte. */
static inline void loop_expect_same(const char *a, const char *b)
{
    static const char *const files[] = {
        "model.safetensors.zst",           "stages/01-trimmed.safetensors",
        "stages/02-tuned.safetensors",     "stages/03-trimmed-2.safetensors",
        "stages/04-tuned-2.safetensors",   "stages/05-int8.safetensors",
        "stages/06-tuned-int8.safetensors"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) loop_same_file(a, b, files[i]);
    char *x = loop_figures(a), *y = loop_figures(b);
    for (size_t i = 0; x[i] || y[i]; i++)
        ck_assert_msg(x[i] == y[i], "figures differ: %.200s | %.200s", x + (i > 100 ? i - 100 : 0),
                      y + (i > 100 ? i - 100 : 0));
    free(x), free(y);
}

#endif
