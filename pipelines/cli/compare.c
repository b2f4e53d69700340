/* prune compare: the before/after page for any two models or folders of predictions. */
#include "pipelines/cli/command.h"

#include <prune/pipeline.h>
#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct compare_files {
    uint32_t struct_size;
    const char *data;
    int32_t units;
} compare_files;

static const prune_option rows[] = {
    {"data", PRUNE_OPTION_TEXT, offsetof(compare_files, data), NULL, 0, 0, NULL,
     "labelled pairs to compare on"},
    {"units", PRUNE_OPTION_CHOICE, offsetof(compare_files, units), "unknown", 0, 0,
     "unknown|relative|disparity|metric", "what .npy and .f32 predictions hold"},
};
static const prune_option_table *table(void)
{
    static const prune_option_table t = {"files", sizeof(compare_files), rows,
                                         sizeof rows / sizeof *rows};
    return &t;
}

enum { T_FILES, T_COMPARE, T_DATASET, T_LOAD };

/* A folder that holds depth maps and nothing that describes a model is one of predictions. */
static prune_status is_predictions(bool *yes, prune_context *ctx, const char *path)
{
    prune_file_list list = {0};
    *yes = false;
    if (strcmp(path, "bundled") == 0 || !prune_path_is_folder(path)) return PRUNE_OK;
    prune_status status = prune_folder_list(&list, ctx, path);
    bool maps = false, model = false;
    for (size_t i = 0; status == PRUNE_OK && i < list.count; i++) {
        const char *dot = strrchr(list.names[i], '.');
        maps = maps || (dot && (strcmp(dot, ".png") == 0 || strcmp(dot, ".npy") == 0 ||
                                strcmp(dot, ".f32") == 0));
        model = model || (dot && (strcmp(dot, ".pth") == 0 || strcmp(dot, ".safetensors") == 0));
    }
    *yes = maps && !model;
    prune_file_list_free(ctx, &list);
    return status;
}

static prune_status open_contestant(cli_call *call, int32_t index, prune_contestant *who,
                                    prune_model **model)
{
    const compare_files *files = call->options[T_FILES];
    const char *path = call->arguments[index];
    struct stat info;
    bool predictions = false;
    *who = (prune_contestant){.struct_size = (uint32_t)sizeof *who, .name = path, .units = -1};
    prune_status status = is_predictions(&predictions, call->ctx, path);
    if (status != PRUNE_OK) return status;
    if (predictions) {
        who->predictions = path;
        who->units = files->units - 1;
        return PRUNE_OK;
    }
    status = cli_open_model(call, path, call->options[T_LOAD], model);
    who->model = *model;
    if (status == PRUNE_OK && stat(path, &info) == 0 && S_ISREG(info.st_mode))
        who->file_bytes = (uint64_t)info.st_size;
    return status;
}

static prune_status run(cli_call *call)
{
    const compare_files *files = call->options[T_FILES];
    prune_compare_options options = *(const prune_compare_options *)call->options[T_COMPARE];
    prune_contestant who[2] = {{0}, {0}};
    prune_model *models[2] = {NULL, NULL};
    prune_samples *samples = NULL;
    char *text = NULL;
    if (!options.output) return cli_usage_error("-o DIR is needed: where should results go?");
    if (!files->data) return cli_usage_error("--data DATASET is needed: pairs to compare on");
    prune_status status =
        prune_dataset_open(&samples, call->ctx, files->data, call->options[T_DATASET]);
    for (int32_t i = 0; status == PRUNE_OK && i < 2; i++)
        status = open_contestant(call, i, &who[i], &models[i]);
    options.samples = samples;
    options.data = files->data;
    options.command = call->line;
    options.seed = call->common->seed;
    if (status == PRUNE_OK) status = prune_compare(call->ctx, &who[0], &who[1], &options, &text);
    if (status == PRUNE_OK) (void)printf("%s\nreport: %s/report.html\n", text, options.output);
    prune_text_free(text);
    prune_model_free(models[0]);
    prune_model_free(models[1]);
    prune_samples_free(samples);
    return status;
}

const cli_command cli_compare = {
    .name = "compare",
    .arguments = "A B",
    .summary = "two models or folders of predictions on the same frames: table, page, pictures",
    .example = "prune compare bundled small.safetensors.zst --data scenes -o both",
    .min_arguments = 2,
    .max_arguments = 2,
    .tables = {table, prune_compare_option_table, prune_dataset_option_table,
               prune_load_option_table},
    .run = run,
};
