/* prune compress: the whole loop, from a recipe or from the command line. */
#include "pipelines/cli/command.h"
#include "pipelines/recipe/recipe.h"

#include <prune/pipeline.h>
#include <prune/sys/error.h>
#include <prune/sys/parallel.h>
#include <stdio.h>
#include <string.h>

typedef struct compress_words {
    uint32_t struct_size;
    const char *recipe, *sweep;
    bool print_recipe;
} compress_words;

#define FIELD(member) offsetof(compress_words, member)
static const prune_option rows[] = {
    {"recipe", PRUNE_OPTION_TEXT, FIELD(recipe), NULL, 0, 0, NULL,
     "YAML file that says what to do (docs/recipes.md); options beside it go before it"},
    {"print-recipe", PRUNE_OPTION_BOOL, FIELD(print_recipe), "false", 0, 0, NULL,
     "print the recipe of this command line and do nothing"},
    {"sweep", PRUNE_OPTION_TEXT, FIELD(sweep), NULL, 0, 0, NULL,
     "one option with several values, a run each: macs=0.8,0.6,0.4"},
};
#undef FIELD
static const prune_option_table *table(void)
{
    static const prune_option_table t = {"the recipe", sizeof(compress_words), rows,
                                         sizeof rows / sizeof *rows};
    return &t;
}

enum { T_WORDS, T_RUN };

/* --- the recipe ------------------------------------------------------------------------------*/
static prune_status apply_words(cli_call *call, prune_recipe *recipe)
{
    const compress_words *words = call->options[T_WORDS];
    prune_status status = PRUNE_OK;
    bool minutes = false;
    if (call->count) status = recipe_override(recipe, "model", call->arguments[0]);
    for (int32_t i = 0; status == PRUNE_OK && i < call->n_given; i++) {
        const char *name = call->given[i].name;
        const bool elsewhere =
            prune_options_find(table(), name) ||
            prune_options_find(prune_run_option_table(), name) ||
            (prune_options_find(cli_common_option_table(), name) && strcmp(name, "seed") != 0);
        if (!elsewhere) status = recipe_override(recipe, name, call->given[i].text);
        minutes = minutes || strcmp(name, "minutes") == 0;
    }
    if (status == PRUNE_OK && minutes) status = recipe_share_minutes(recipe);
    if (status == PRUNE_OK && words->sweep) status = recipe_override_sweep(recipe, words->sweep);
    return status == PRUNE_OK ? recipe_check(recipe) : status;
}

static prune_status make_recipe(cli_call *call, prune_recipe **out)
{
    const compress_words *words = call->options[T_WORDS];
    prune_recipe *recipe = NULL;
    prune_status status = words->recipe ? prune_recipe_load(&recipe, call->ctx, words->recipe)
                                        : recipe_from_command(&recipe, call->ctx);
    if (status == PRUNE_OK) status = apply_words(call, recipe);
    if (status == PRUNE_OK)
        *out = recipe;
    else
        prune_recipe_free(recipe);
    return status;
}

static prune_status print_recipe(const prune_recipe *recipe)
{
    char *yaml = NULL;
    prune_status status = prune_recipe_text(recipe, &yaml);
    if (status == PRUNE_OK && fputs(yaml, stdout) < 0)
        status = prune_error_set(PRUNE_E_IO, "cannot write to standard output");
    prune_text_free(yaml);
    return status;
}

/* --- the run ---------------------------------------------------------------------------------*/
static prune_status run_recipe(cli_call *call, const prune_recipe *recipe)
{
    prune_run_inputs inputs = {.struct_size = (uint32_t)sizeof inputs, .command = call->line};
    const char *output = recipe->loop.output, *model = recipe->inputs.model;
    char *text = NULL;
    if (!output) return cli_usage_error("-o DIR is needed: where should results go?");
    if (!model) return cli_usage_error("MODEL is needed: what is to be compressed?");
    if (!recipe->inputs.images && !recipe->inputs.data)
        return cli_usage_error("--images DIR is needed: pictures to tune and calibrate on");
    prune_status status = cli_open_model(call, model, &recipe->load, &inputs.model);
    if (status == PRUNE_OK)
        status = prune_recipe_run(call->ctx, recipe, &inputs, call->options[T_RUN], &text);
    if (status == PRUNE_OK) {
        (void)printf("%s\nreport: %s/report.html   model: %s/model.safetensors.zst\n", text, output,
                     output);
        if (call->common->json)
            prune_log_write(call->ctx, PRUNE_LOG_INFO, "the JSON is %s/report.json", output);
    }
    prune_text_free(text);
    prune_model_free(inputs.model);
    return status;
}

static prune_status run(cli_call *call)
{
    const compress_words *words = call->options[T_WORDS];
    prune_recipe *recipe = NULL;
    prune_status status = make_recipe(call, &recipe);
    if (status == PRUNE_OK)
        status = words->print_recipe ? print_recipe(recipe) : run_recipe(call, recipe);
    prune_recipe_free(recipe);
    return status;
}

/* The loop's own trim, tune and quantize are how a command line leaves stages out. */
static bool hides(const prune_option_table *of, const char *name)
{
    return of != prune_compress_option_table() && recipe_why_not(of, name) != NULL;
}

const cli_command cli_compress = {
    .name = "compress",
    .arguments = "[MODEL]",
    .summary = "the whole loop: trim, tune, quantize, pack, and the difference it makes",
    .example = "prune compress bundled --images scenes/image --test unseen --macs 0.6 -o out\n"
               "  prune compress --recipe recipe.yaml -o out",
    .min_arguments = 0,
    .max_arguments = 1,
    .tables = {[T_WORDS] = table,
               [T_RUN] = prune_run_option_table,
               recipe_input_table,
               prune_compress_option_table,
               prune_goal_option_table,
               prune_load_option_table,
               prune_trim_option_table,
               prune_cut_option_table,
               prune_tune_option_table,
               prune_quant_option_table,
               prune_save_option_table},
    .run = run,
    .hides = hides,
};
