/* Recipes: YAML over the option tables, read, printed, read again. */
#include "tests/fuzz/fuzz.h"

#include <prune/model.h>
#include <prune/recipe.h>
#include <string.h>

/* libyaml's nodes and events, and the option structs of every stage. */
const fuzz_bound fuzz_memory = {4096, 4 << 20};

void fuzz_one(prune_context *ctx, const uint8_t *data, size_t size)
{
    prune_recipe *recipe = NULL, *again = NULL;
    char *text = NULL, *second = NULL;
    if (!fuzz_ok(prune_recipe_parse(&recipe, ctx, "r.yaml", (const char *)data, size))) return;
    if (fuzz_ok(prune_recipe_text(recipe, &text))) {
        fuzz_require(fuzz_ok(prune_recipe_parse(&again, ctx, "again.yaml", text, strlen(text))),
                     "a printed recipe does not read back");
        fuzz_require(fuzz_ok(prune_recipe_text(again, &second)) && strcmp(text, second) == 0,
                     "a recipe changes when it is read and printed again");
    }
    prune_text_free(text);
    prune_text_free(second);
    prune_recipe_free(again);
    prune_recipe_free(recipe);
}
