/* The loop as options, for callers who hold models and samples: a recipe made from structs. */
#include "pipelines/recipe/recipe.h"

#include <prune/sys/parallel.h>
#include <stddef.h>

#define FIELD(member) offsetof(prune_compress_options, member)
static const prune_option rows[] = {
    {"output", PRUNE_OPTION_TEXT, FIELD(output), NULL, 0, 0, NULL,
     "folder for model, report and pictures (-o)"},
    {"protocol", PRUNE_OPTION_TEXT, FIELD(protocol), "eigen", 0, 0, NULL,
     "how accuracy is measured: eigen, eigen-benchmark, kitti-devkit, affine"},
    {"align", PRUNE_OPTION_TEXT, FIELD(align), "default", 0, 0, NULL,
     "none, median or affine; default: what suits the model's output"},
    {"metric", PRUNE_OPTION_TEXT, FIELD(metric), "abs_rel", 0, 0, NULL,
     "metric that decides, where validation pairs are given"},
    {"trim", PRUNE_OPTION_BOOL, FIELD(trim), "true", 0, 0, NULL, "cut heads, neurons, channels"},
    {"tune", PRUNE_OPTION_BOOL, FIELD(tune), "true", 0, 0, NULL, "tune what is left"},
    {"quantize", PRUNE_OPTION_BOOL, FIELD(quantize), "true", 0, 0, NULL, "compute in INT8"},
    {"pictures", PRUNE_OPTION_INT, FIELD(pictures), "3", 0, 100, NULL,
     "frames to show: best, median and worst first"},
    {"bench-seconds", PRUNE_OPTION_FLOAT, FIELD(bench_seconds), "10", 0.1, 3600, NULL,
     "how long to measure latency; the models take turns"},
    {"seed", PRUNE_OPTION_UINT64, FIELD(seed), "0", 0, 1.8446744073709552e19, NULL,
     "of everything random"},
};
#undef FIELD

const prune_option_table *prune_compress_option_table(void)
{
    static const prune_option_table table = {"compress", sizeof(prune_compress_options), rows,
                                             sizeof rows / sizeof *rows};
    return &table;
}

void prune_compress_options_init(prune_compress_options *options)
{
    prune_options_init(prune_compress_option_table(), options);
}

static bool wants_trim(const prune_compress_options *o)
{
    const prune_trim_options *t = o->trim_options;
    return o->trim && (t->macs > 0 || t->params > 0 || t->bytes > 0 || t->max_drop ||
                       o->cut_options->heads > 0 || o->cut_options->neurons > 0);
}

static prune_status add_trim(prune_recipe *recipe, const prune_compress_options *o)
{
    recipe_stage *s = NULL;
    recipe->goals.macs = o->trim_options->macs;
    recipe->goals.params = o->trim_options->params;
    recipe->goals.bytes = o->trim_options->bytes;
    prune_status status = recipe_append(recipe, RECIPE_TRIM, &s);
    if (status != PRUNE_OK) return status;
    s->trim = *o->trim_options;
    s->trim.tune = s->trim.tune && o->tune;
    s->cut = *o->cut_options;
    s->tune = *o->tune_options;
    return PRUNE_OK;
}

/* The recipe that these options are. */
static prune_status make_recipe(prune_context *ctx, const prune_compress_options *o,
                                prune_recipe **out)
{
    prune_recipe *recipe = NULL;
    recipe_stage *s = NULL;
    prune_status status = recipe_create(&recipe, ctx, "options");
    if (status != PRUNE_OK) return status;
    recipe->loop = *o;
    recipe->save = *o->save_options;
    recipe->goals.max_drop = o->trim_options->max_drop;
    if (wants_trim(o))
        status = add_trim(recipe, o);
    else if (o->trim)
        prune_log_write(ctx, PRUNE_LOG_INFO,
                        "nothing is trimmed: no --macs, --params, --bytes or --max-drop");
    if (status == PRUNE_OK && o->tune) {
        status = recipe_append(recipe, RECIPE_TUNE, &s);
        if (status == PRUNE_OK) s->tune = *o->tune_options;
    }
    if (status == PRUNE_OK && o->quantize) {
        status = recipe_append(recipe, RECIPE_QUANTIZE, &s);
        if (status == PRUNE_OK) s->quant = *o->quant_options;
    }
    if (status == PRUNE_OK)
        *out = recipe;
    else
        prune_recipe_free(recipe);
    return status;
}

prune_status prune_compress(prune_context *context, prune_model *model,
                            const prune_compress_options *options, char **table)
{
    prune_recipe *recipe = NULL;
    prune_run_inputs inputs = {.struct_size = (uint32_t)sizeof inputs,
                               .model = model,
                               .images = options->images,
                               .validation = options->validation,
                               .test = options->test,
                               .command = options->command};
    prune_run_options run;
    prune_run_options_init(&run);
    run.resume = options->resume;
    prune_status status = make_recipe(context, options, &recipe);
    if (status == PRUNE_OK) status = prune_recipe_run(context, recipe, &inputs, &run, table);
    prune_recipe_free(recipe);
    return status;
}
