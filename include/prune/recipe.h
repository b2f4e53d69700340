/* Recipes: what `prune compress` is to do, as a file that people can read, keep and share.
 * docs/recipes.md says how to write one. Library: libprune_pipeline. */
#ifndef PRUNE_RECIPE_H
#define PRUNE_RECIPE_H

#include <prune/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Model, pictures, goals, a list of stages with their options, and perhaps one option to sweep. */
typedef struct prune_recipe prune_recipe;

void prune_recipe_free(prune_recipe *recipe); /* accepts NULL */

#ifdef __cplusplus
}
#endif
#endif
