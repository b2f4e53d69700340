/* Model and samples of a run: the caller's own, else what the recipe's paths name. */
#ifndef PIPELINES_INPUTS_H
#define PIPELINES_INPUTS_H

#include "pipelines/recipe/recipe.h"

typedef struct run_inputs {
    prune_model *model;
    prune_samples *images, *validation, *test; /* the last two may be NULL */
    /* Opened here. */
    prune_model *own_model;
    prune_samples *own[5];
} run_inputs;

/* given may be NULL, and any of its members. */
prune_status run_inputs_open(run_inputs *inputs, prune_context *ctx, const prune_recipe *recipe,
                             const prune_run_inputs *given);
void run_inputs_close(run_inputs *inputs); /* after a failed open as well */

#endif
