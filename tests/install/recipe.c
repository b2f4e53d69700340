/* Reads a recipe, says what it understood, and runs it: docs/c-api.md shows this program. */
#include <prune/pipeline.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    prune_context *context = NULL;
    prune_recipe *recipe = NULL;
    char *text = NULL;
    if (argc != 2 || prune_context_create(&context, NULL) != PRUNE_OK) return 2;
    prune_status status = prune_recipe_load(&recipe, context, argv[1]);
    if (status == PRUNE_OK) status = prune_recipe_text(recipe, &text);
    if (status == PRUNE_OK) (void)fputs(text, stdout);
    prune_text_free(text);
    text = NULL;
    if (status == PRUNE_OK) status = prune_recipe_run(context, recipe, NULL, NULL, &text);
    if (status == PRUNE_OK) (void)fputs(text, stdout);
    if (status != PRUNE_OK) (void)fprintf(stderr, "%s\n", prune_last_error());
    prune_text_free(text);
    prune_recipe_free(recipe);
    prune_context_free(context);
    return status != PRUNE_OK;
}
