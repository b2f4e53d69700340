/* prune eval: a model or a folder of predictions against ground truth. */
#include "pipelines/cli/command.h"

#include <prune/eval.h>
#include <prune/sys/error.h>
#include <stdio.h>
#include <string.h>

typedef struct eval_options {
    uint32_t struct_size;
    const char *predictions;
    int32_t units;
    const char *size;
} eval_options;

static const prune_option rows[] = {
    {"predictions", PRUNE_OPTION_TEXT, offsetof(eval_options, predictions), NULL, 0, 0, NULL,
     "judge this folder of NAME.png, .npy or .f32 instead of a model"},
    {"units", PRUNE_OPTION_CHOICE, offsetof(eval_options, units), "unknown", 0, 0,
     "unknown|relative|disparity|metric", "what .npy and .f32 predictions hold"},
    {"size", PRUNE_OPTION_TEXT, offsetof(eval_options, size), NULL, 0, 0, NULL,
     "network input HEIGHTxWIDTH (default: the model's own rule)"},
};
static const prune_option_table *table(void)
{
    static const prune_option_table t = {"eval", sizeof(eval_options), rows, 3};
    return &t;
}

static prune_status judge_model(cli_call *call, prune_evaluation *evaluation,
                                prune_samples *samples)
{
    const eval_options *options = call->options[0];
    prune_session_options session;
    prune_model *model = NULL;
    prune_session_options_init(&session);
    session.precision = ((const prune_session_options *)call->options[4])->precision;
    prune_status status = cli_parse_size(options->size, &session.height, &session.width);
    if (status == PRUNE_OK)
        status = cli_open_model(call, call->arguments[0], call->options[3], &model);
    if (status == PRUNE_OK)
        status = prune_evaluation_run_model(evaluation, samples, model, &session);
    prune_model_free(model);
    return status;
}

static prune_status run(cli_call *call)
{
    const eval_options *options = call->options[0];
    const int32_t wanted = options->predictions ? 1 : 2;
    prune_samples *samples = NULL;
    prune_evaluation *evaluation = NULL;
    char *json = NULL, *text = NULL;
    if (call->count != wanted)
        return cli_usage_error(options->predictions ? "with --predictions give the DATASET alone"
                                                    : "a MODEL and a DATASET are needed");
    prune_status status =
        prune_dataset_open(&samples, call->ctx, call->arguments[wanted - 1], call->options[1]);
    if (status == PRUNE_OK)
        status = prune_evaluation_create(&evaluation, call->ctx, call->options[2]);
    if (status == PRUNE_OK)
        status = options->predictions
                     ? prune_evaluation_run_folder(evaluation, samples, options->predictions,
                                                   options->units - 1)
                     : judge_model(call, evaluation, samples);
    if (status == PRUNE_OK) status = prune_evaluation_json(evaluation, &json);
    if (status == PRUNE_OK) status = prune_evaluation_table(evaluation, &text);
    if (status == PRUNE_OK) status = cli_write_json(call, json);
    if (status == PRUNE_OK && !(call->common->json && strcmp(call->common->json, "-") == 0))
        (void)fputs(text, stdout);
    prune_text_free(json);
    prune_text_free(text);
    prune_evaluation_free(evaluation);
    prune_samples_free(samples);
    return status;
}

const cli_command cli_eval = {
    .name = "eval",
    .arguments = "MODEL DATASET | --predictions DIR DATASET",
    .summary = "measures accuracy: per image, mean and interval",
    .example = "prune eval bundled scenes --protocol eigen --align none",
    .min_arguments = 1,
    .max_arguments = 2,
    .tables = {table, prune_dataset_option_table, prune_evaluation_option_table,
               prune_load_option_table, prune_session_option_table},
    .run = run,
};
