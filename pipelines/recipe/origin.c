#include "pipelines/recipe/origin.h"

#include "pipelines/recipe/fingerprint.h"

#include <prune/sys/error.h>
#include <prune/sys/parallel.h>
#include <stdio.h>
#include <string.h>

/* Takes what is not UTF-8 for "?", so that there is always a text. */
static json_t *any_text(const char *text)
{
    char clean[4096];
    json_t *json = json_string(text);
    if (json) return json;
    (void)snprintf(clean, sizeof clean, "%s", text);
    for (char *c = clean; *c; c++)
        if ((unsigned char)*c >= 0x80) *c = '?';
    return json_string(clean);
}

static void add_input(json_t *inputs, const char *role, const char *path, const char *digest)
{
    json_t *row = json_object();
    (void)json_object_set_new(row, "role", json_string(role));
    (void)json_object_set_new(row, "path", any_text(path));
    (void)json_object_set_new(row, "sha256", json_string(digest));
    (void)json_array_append_new(inputs, row);
}

static prune_status add_model(json_t *inputs, const prune_recipe *recipe, const char *digest)
{
    const char *path = recipe->inputs.model;
    char own[65];
    if (!path || strcmp(path, "bundled") == 0) {
        add_input(inputs, "model",
                  path ? "bundled (SHA-256 as plain FP32 safetensors)"
                       : "given by the program (SHA-256 as plain FP32 safetensors)",
                  digest);
        return PRUNE_OK;
    }
    const prune_status status = fingerprint_path(recipe->ctx, path, own);
    if (status == PRUNE_OK) add_input(inputs, "model", path, own);
    return status;
}

static prune_status add_samples(json_t *inputs, const prune_recipe *recipe, const char *role,
                                const char *path, prune_samples *samples)
{
    char digest[65];
    if (!samples) return PRUNE_OK;
    const prune_status status = fingerprint_samples(recipe->ctx, samples, digest);
    if (recipe->inputs.data) path = recipe->inputs.data;
    if (status == PRUNE_OK) add_input(inputs, role, path ? path : "given by the program", digest);
    return status;
}

static void add_text(json_t *report, const prune_recipe *recipe)
{
    char *yaml = NULL;
    if (prune_recipe_text(recipe, &yaml) == PRUNE_OK)
        (void)json_object_set_new(report, "recipe", json_string(yaml));
    else
        prune_log_write(recipe->ctx, PRUNE_LOG_WARNING, "the report is without its recipe: %s",
                        prune_last_error());
    prune_text_free(yaml);
}

prune_status recipe_origin(const prune_recipe *recipe, const char *model_digest,
                           prune_samples *images, prune_samples *validation, prune_samples *test,
                           json_t *report)
{
    const recipe_inputs *paths = &recipe->inputs;
    json_t *inputs = json_array();
    prune_status status = add_model(inputs, recipe, model_digest);
    if (status == PRUNE_OK) status = add_samples(inputs, recipe, "images", paths->images, images);
    if (status == PRUNE_OK) status = add_samples(inputs, recipe, "val", paths->val, validation);
    if (status == PRUNE_OK) status = add_samples(inputs, recipe, "test", paths->test, test);
    if (status == PRUNE_OK) add_text(report, recipe);
    if (json_object_set_new(report, "inputs", inputs) != 0 && status == PRUNE_OK)
        status = prune_error_set(PRUNE_E_MEMORY, "out of memory");
    return status;
}
