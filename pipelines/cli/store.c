/* prune new, pack, unpack: models into files. */
#include "pipelines/cli/command.h"

#include <prune/sys/error.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct store_options {
    uint32_t struct_size;
    const char *output;
} store_options;

static const prune_option rows[] = {
    {"output", PRUNE_OPTION_TEXT, offsetof(store_options, output), NULL, 0, 0, NULL,
     "file to write (-o)"},
};
static const prune_option_table *table(void)
{
    static const prune_option_table t = {"output", sizeof(store_options), rows, 1};
    return &t;
}

static long long file_size(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (long long)info.st_size : 0;
}

static prune_status store(cli_call *call, const prune_model *model, const char *output,
                          const prune_save_options *save)
{
    if (!output) return cli_usage_error("-o FILE is needed: where should the model go?");
    prune_status status = prune_model_save(model, output, save);
    if (status != PRUNE_OK) return status;
    prune_model_info info = {.struct_size = (uint32_t)sizeof info};
    status = prune_model_describe(model, 0, 0, &info);
    if (status != PRUNE_OK) return status;
    char json[512];
    (void)snprintf(json, sizeof json,
                   "{\"file_bytes\": %lld, \"parameters\": %llu, \"macs\": %llu, \"bytes\": %llu}",
                   file_size(output), (unsigned long long)info.parameters,
                   (unsigned long long)info.macs, (unsigned long long)info.bytes);
    (void)printf("%s: %lld bytes, %.3f M parameters, %.3f GMACs\n", output, file_size(output),
                 (double)info.parameters / 1e6, (double)info.macs / 1e9);
    return cli_write_json(call, json);
}

static prune_status run_new(cli_call *call)
{
    prune_model *model = NULL;
    const store_options *options = call->options[0];
    prune_status status = prune_model_new(&model, call->ctx, call->options[1]);
    if (status == PRUNE_OK) status = store(call, model, options->output, call->options[2]);
    prune_model_free(model);
    return status;
}

static prune_status run_store(cli_call *call, int32_t container)
{
    prune_model *model = NULL;
    const store_options *options = call->options[0];
    prune_save_options save = *(const prune_save_options *)call->options[2];
    if (save.container == 0) save.container = container;
    prune_status status = cli_open_model(call, call->arguments[0], call->options[1], &model);
    if (status == PRUNE_OK) status = store(call, model, options->output, &save);
    prune_model_free(model);
    return status;
}

static prune_status run_pack(cli_call *call)
{
    return run_store(call, 1);
}

static prune_status run_unpack(cli_call *call)
{
    return run_store(call, 2);
}

const cli_command cli_new = {
    .name = "new",
    .arguments = "",
    .summary = "makes a network with random weights, to be trained with prune tune",
    .example = "prune new --width 128 --blocks 8 --heads 4 -o fresh.safetensors",
    .tables = {table, prune_new_option_table, prune_save_option_table},
    .run = run_new,
};

const cli_command cli_pack = {
    .name = "pack",
    .arguments = "MODEL",
    .summary = "writes a model as zstd-compressed safetensors, INT8 layers as integers",
    .example = "prune pack model.safetensors --storage fp16 -o model.safetensors.zst",
    .min_arguments = 1,
    .max_arguments = 1,
    .tables = {table, prune_load_option_table, prune_save_option_table},
    .run = run_pack,
};

const cli_command cli_unpack = {
    .name = "unpack",
    .arguments = "MODEL",
    .summary = "writes a model as plain safetensors",
    .example = "prune unpack model.safetensors.zst -o model.safetensors",
    .min_arguments = 1,
    .max_arguments = 1,
    .tables = {table, prune_load_option_table, prune_save_option_table},
    .run = run_unpack,
};
