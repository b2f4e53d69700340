#include "pipelines/run/inputs.h"

#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <prune/sys/parallel.h>
#include <string.h>

enum { WHOLE, REST, IMAGES, VALIDATION, TEST };

/* A data set where the folder looks like one, else plain pictures. */
static prune_status open_images(prune_samples **out, prune_context *ctx, const char *path)
{
    char *pairs = prune_path_join(ctx, path, "groundtruth_depth");
    if (!pairs) return PRUNE_E_MEMORY;
    const bool labelled = prune_path_exists(pairs);
    prune_memory_free(ctx, pairs);
    return labelled ? prune_dataset_open(out, ctx, path, NULL) : prune_samples_open(out, ctx, path);
}

/* One labelled set: a fifth tests, a quarter of the rest decides, the others are tuned on. */
static prune_status split_data(run_inputs *in, prune_context *ctx, const char *path, uint64_t seed)
{
    bool by_group = false;
    prune_samples **own = in->own;
    prune_status status = prune_dataset_open(&own[WHOLE], ctx, path, NULL);
    if (status == PRUNE_OK)
        status = prune_samples_split(&own[REST], &own[TEST], own[WHOLE], 0.2, seed, &by_group);
    if (status == PRUNE_OK)
        status =
            prune_samples_split(&own[IMAGES], &own[VALIDATION], own[REST], 0.25, seed + 1, NULL);
    if (status == PRUNE_OK)
        prune_log_write(
            ctx, PRUNE_LOG_INFO, "%s was split by %s: %llu tune, %llu validation, %llu test frames",
            path, by_group ? "drive" : "name", (unsigned long long)prune_samples_count(own[IMAGES]),
            (unsigned long long)prune_samples_count(own[VALIDATION]),
            (unsigned long long)prune_samples_count(own[TEST]));
    return status;
}

static prune_status open_samples(run_inputs *in, prune_context *ctx, const prune_recipe *recipe)
{
    const recipe_inputs *paths = &recipe->inputs;
    if (paths->data && (paths->images || paths->val || paths->test))
        return prune_error_set(PRUNE_E_ARGUMENT, "--data replaces --images, --val and --test: give "
                                                 "one or the other");
    if (paths->data) return split_data(in, ctx, paths->data, recipe->loop.seed);
    prune_status status = PRUNE_OK;
    if (paths->images) status = open_images(&in->own[IMAGES], ctx, paths->images);
    if (status == PRUNE_OK && paths->val)
        status = prune_dataset_open(&in->own[VALIDATION], ctx, paths->val, NULL);
    if (status == PRUNE_OK && paths->test)
        status = prune_dataset_open(&in->own[TEST], ctx, paths->test, NULL);
    return status;
}

static prune_status open_model(run_inputs *in, prune_context *ctx, const prune_recipe *recipe)
{
    const char *path = recipe->inputs.model;
    if (!path) return prune_error_set(PRUNE_E_ARGUMENT, "%s: it names no model", recipe->name);
    if (strcmp(path, "bundled") == 0)
        return prune_error_set(PRUNE_E_UNSUPPORTED,
                               "the bundled model is part of the program `prune`; give the path of "
                               "a model");
    return prune_model_load(&in->own_model, ctx, path, &recipe->load);
}

prune_status run_inputs_open(run_inputs *in, prune_context *ctx, const prune_recipe *recipe,
                             const prune_run_inputs *given)
{
    static const prune_run_inputs nothing = {0};
    prune_status status = PRUNE_OK;
    if (!given) given = &nothing;
    *in = (run_inputs){0};
    if (!given->images) status = open_samples(in, ctx, recipe);
    if (status == PRUNE_OK && !given->model) status = open_model(in, ctx, recipe);
    in->model = given->model ? given->model : in->own_model;
    in->images = given->images ? given->images : in->own[IMAGES];
    in->validation = given->images ? given->validation : in->own[VALIDATION];
    in->test = given->images ? given->test : in->own[TEST];
    return status;
}

void run_inputs_close(run_inputs *in)
{
    for (int i = TEST; i >= WHOLE; i--) prune_samples_free(in->own[i]);
    prune_model_free(in->own_model);
}
