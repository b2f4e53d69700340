/* prune_recipe_run: opens what the recipe names, runs it, reports. */
#include "pipelines/report/report.h"
#include "pipelines/run/engine.h"
#include "pipelines/run/inputs.h"
#include "pipelines/run/sweep.h"

#include <prune/sys/error.h>
#include <prune/sys/memory.h>
#include <stddef.h>
#include <string.h>

#define FIELD(member) offsetof(prune_run_options, member)
static const prune_option rows[] = {
    {"resume", PRUNE_OPTION_BOOL, FIELD(resume), "false", 0, 0, NULL,
     "go on with the run that is in the output folder, where there is one"},
};
#undef FIELD

const prune_option_table *prune_run_option_table(void)
{
    static const prune_option_table table = {"run", sizeof(prune_run_options), rows,
                                             sizeof rows / sizeof *rows};
    return &table;
}

void prune_run_options_init(prune_run_options *options)
{
    prune_options_init(prune_run_option_table(), options);
}

/* What can be said before any work begins. */
static prune_status check(const prune_recipe *recipe, const prune_compress_options *loop)
{
    int32_t index;
    char metric[32];
    double amount;
    const char *drop = recipe->goals.max_drop;
    if (!loop->output)
        return prune_error_set(PRUNE_E_ARGUMENT, "an output folder is needed (-o DIR)");
    if (!loop->images || prune_samples_count(loop->images) < 2)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "at least two pictures to tune and calibrate on are needed "
                               "(--images DIR)");
    prune_status status = prune_protocol_find(&index, loop->protocol);
    if (status == PRUNE_OK && drop) {
        status = prune_drop_parse(drop, metric, &amount);
        if (status == PRUNE_OK && loop->validation && strcmp(metric, loop->metric) != 0)
            status = prune_error_set(PRUNE_E_ARGUMENT,
                                     "max-drop is about %s but --metric %s decides; name the same",
                                     metric, loop->metric);
    }
    return status;
}

prune_status prune_recipe_run(prune_context *context, const prune_recipe *recipe,
                              const prune_run_inputs *given, const prune_run_options *options,
                              char **table)
{
    run_inputs inputs;
    json_t *report = NULL;
    prune_compress_options loop = recipe->loop;
    prune_status status = run_inputs_open(&inputs, context, recipe, given);
    loop.images = inputs.images;
    loop.validation = inputs.validation;
    loop.test = inputs.test;
    loop.command = given ? given->command : NULL;
    if (status == PRUNE_OK) status = check(recipe, &loop);
    if (status == PRUNE_OK)
        status = (recipe->sweep.key ? sweep_run : engine_run)(context, recipe, &loop, inputs.model,
                                                              options && options->resume,
                                                              given ? given->model : NULL, &report);
    if (status == PRUNE_OK && table) {
        *table = report_table(report);
        if (!*table) status = prune_error_set(PRUNE_E_MEMORY, "table: out of memory");
    }
    json_decref(report);
    run_inputs_close(&inputs);
    return status;
}
