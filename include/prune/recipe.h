/* Recipes: what `prune compress` is to do, as a file that people can read, keep and share.
 * docs/recipes.md says how to write one. Library: libprune_pipeline. */
#ifndef PRUNE_RECIPE_H
#define PRUNE_RECIPE_H

#include <prune/context.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Model, pictures, goals, a list of stages with their options, and perhaps one option to sweep. */
typedef struct prune_recipe prune_recipe;

/* Reads a recipe. Relative paths in the file are relative to the file's folder; the model "bundled"
 * is no path. Errors: PRUNE_E_IO, PRUNE_E_FORMAT: "FILE:LINE: where: what is wrong; what to do",
 * with the nearest word that exists where one is not known. Files above 1 MiB are refused. */
prune_status prune_recipe_load(prune_recipe **out, prune_context *context, const char *path);
/* The same for a text in memory, which need not end in a zero byte. name stands for the file in
 * messages; relative paths are relative to the current folder. */
prune_status prune_recipe_parse(prune_recipe **out, prune_context *context, const char *name,
                                const char *text, size_t size);

/* The recipe as YAML with comments, paths made absolute, so that it does the same wherever it is
 * put. What it does not name has its default. Reading it and asking again gives the same bytes.
 * Fails where a path or text is not UTF-8. Free with prune_text_free. */
prune_status prune_recipe_text(const prune_recipe *recipe, char **yaml);

/* An option as on the command line, which goes before what the recipe says: "output", "macs" ...
 * The recipe must still be one afterwards. */
prune_status prune_recipe_set(prune_recipe *recipe, const char *name, const char *text);
/* The network that it names: a path or "bundled"; NULL where it names none. The text lives until
 * the recipe is changed or freed. */
const char *prune_recipe_model(const prune_recipe *recipe);

void prune_recipe_free(prune_recipe *recipe); /* accepts NULL */

#ifdef __cplusplus
}
#endif
#endif
