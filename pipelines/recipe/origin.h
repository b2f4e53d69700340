/* What a report says about where its numbers come from. */
#ifndef PIPELINES_RECIPE_ORIGIN_H
#define PIPELINES_RECIPE_ORIGIN_H

#include "pipelines/recipe/recipe.h"

#include <prune/sys/json.h>

/* Adds "recipe", the text of prune_recipe_text (left out, with a warning in the log, where a path
 * is not UTF-8), and "inputs": [{"role", "path", "sha256"}] for the model and the samples that are
 * not NULL, with the digests of fingerprint.h. A model that came from no file is told by
 * model_digest, that of the plain FP32 safetensors it would be saved as. */
prune_status recipe_origin(const prune_recipe *recipe, const char *model_digest,
                           prune_samples *images, prune_samples *validation, prune_samples *test,
                           json_t *report);

#endif
