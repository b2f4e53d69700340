/* prune compress: the whole loop. */
#include "pipelines/cli/command.h"

#include <prune/pipeline.h>
#include <prune/sys/error.h>
#include <prune/sys/parallel.h>
#include <stdio.h>
#include <string.h>

typedef struct compress_files {
    uint32_t struct_size;
    const char *output, *images, *val, *test, *data, *max_drop;
} compress_files;

#define FIELD(member) offsetof(compress_files, member)
#define ROW(name, member, help)                                                                    \
    {                                                                                              \
        name, PRUNE_OPTION_TEXT, FIELD(member), NULL, 0, 0, NULL, help                             \
    }
static const prune_option rows[] = {
    ROW("output", output, "folder for model, report and pictures (-o)"),
    ROW("images", images, "folder of pictures to tune and calibrate on; no labels needed"),
    ROW("val", val, "labelled pairs that decide (default: the original network judges)"),
    ROW("test", test, "labelled pairs that are only reported"),
    ROW("data", data, "one labelled set instead of these three: it is split by drive or name"),
    ROW("max-drop", max_drop, "how much worse the judge may find it, as abs_rel=0.01"),
};
#undef ROW
#undef FIELD
static const prune_option_table *table(void)
{
    static const prune_option_table t = {"files", sizeof(compress_files), rows,
                                         sizeof rows / sizeof *rows};
    return &t;
}

enum { T_FILES, T_LOAD, T_COMPRESS, T_TRIM, T_CUT, T_TUNE, T_QUANT, T_SAVE };

typedef struct inputs {
    prune_samples *images, *validation, *test;
    prune_samples *whole, *rest; /* of --data */
} inputs;

static prune_status split_data(cli_call *call, const compress_files *files, inputs *in)
{
    bool by_group = false;
    if (files->images || files->val || files->test)
        return cli_usage_error("--data replaces --images, --val and --test: give one or the other");
    prune_status status = prune_dataset_open(&in->whole, call->ctx, files->data, NULL);
    if (status == PRUNE_OK)
        status = prune_samples_split(&in->rest, &in->test, in->whole, 0.2, call->common->seed,
                                     &by_group);
    if (status == PRUNE_OK)
        status = prune_samples_split(&in->images, &in->validation, in->rest, 0.25,
                                     call->common->seed + 1, NULL);
    if (status == PRUNE_OK)
        prune_log_write(call->ctx, PRUNE_LOG_INFO,
                        "%s was split by %s: %llu tune, %llu validation, %llu test frames",
                        files->data, by_group ? "drive" : "name",
                        (unsigned long long)prune_samples_count(in->images),
                        (unsigned long long)prune_samples_count(in->validation),
                        (unsigned long long)prune_samples_count(in->test));
    return status;
}

static prune_status open_inputs(cli_call *call, const compress_files *files, inputs *in)
{
    if (files->data) return split_data(call, files, in);
    if (!files->images)
        return cli_usage_error("--images DIR is needed: pictures to tune and calibrate on");
    prune_status status = cli_open_images(call, files->images, &in->images);
    if (status == PRUNE_OK && files->val)
        status = prune_dataset_open(&in->validation, call->ctx, files->val, NULL);
    if (status == PRUNE_OK && files->test)
        status = prune_dataset_open(&in->test, call->ctx, files->test, NULL);
    return status;
}

static void close_inputs(inputs *in)
{
    prune_samples_free(in->images);
    prune_samples_free(in->validation);
    prune_samples_free(in->test);
    prune_samples_free(in->rest);
    prune_samples_free(in->whole);
}

static prune_status run(cli_call *call)
{
    const compress_files *files = call->options[T_FILES];
    prune_compress_options options = *(const prune_compress_options *)call->options[T_COMPRESS];
    prune_trim_options trim = *(const prune_trim_options *)call->options[T_TRIM];
    prune_model *model = NULL;
    char *text = NULL;
    inputs in = {0};
    if (!files->output) return cli_usage_error("-o DIR is needed: where should results go?");
    prune_status status = open_inputs(call, files, &in);
    if (status == PRUNE_OK)
        status = cli_open_model(call, call->arguments[0], call->options[T_LOAD], &model);
    trim.max_drop = files->max_drop;
    options.output = files->output;
    options.images = in.images;
    options.validation = in.validation;
    options.test = in.test;
    options.command = call->line;
    options.trim_options = &trim;
    options.cut_options = call->options[T_CUT];
    options.tune_options = call->options[T_TUNE];
    options.quant_options = call->options[T_QUANT];
    options.save_options = call->options[T_SAVE];
    if (status == PRUNE_OK) status = prune_compress(call->ctx, model, &options, &text);
    if (status == PRUNE_OK) {
        (void)printf("%s\nreport: %s/report.html   model: %s/model.safetensors.zst\n", text,
                     files->output, files->output);
        if (call->common->json)
            prune_log_write(call->ctx, PRUNE_LOG_INFO, "the JSON is %s/report.json", files->output);
    }
    prune_text_free(text);
    prune_model_free(model);
    close_inputs(&in);
    return status;
}

const cli_command cli_compress = {
    .name = "compress",
    .arguments = "MODEL",
    .summary = "the whole loop: trim, tune, quantize, pack, and the difference it makes",
    .example = "prune compress bundled --images scenes/image --test unseen --macs 0.6 -o out",
    .min_arguments = 1,
    .max_arguments = 1,
    .tables = {table, prune_load_option_table, prune_compress_option_table, prune_trim_option_table,
               prune_cut_option_table, prune_tune_option_table, prune_quant_option_table,
               prune_save_option_table},
    .run = run,
};
