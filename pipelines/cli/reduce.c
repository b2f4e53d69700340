/* prune trim, tune, quantize: one stage each, model in, model out. */
#include "pipelines/cli/command.h"

#include <prune/pipeline.h>
#include <prune/sys/error.h>
#include <prune/sys/parallel.h>
#include <stdio.h>
#include <string.h>

/* Pictures, pairs and files: the same for every stage. */
typedef struct stage_options {
    uint32_t struct_size;
    const char *output, *images, *val, *teacher, *protocol, *align, *metric, *max_drop;
} stage_options;

#define FIELD(member) offsetof(stage_options, member)
#define ROW(name, member, value, help)                                                             \
    {                                                                                              \
        name, PRUNE_OPTION_TEXT, FIELD(member), value, 0, 0, NULL, help                            \
    }
static const prune_option rows[] = {
    ROW("output", output, NULL, "file to write (-o)"),
    ROW("images", images, NULL, "folder of pictures, or a labelled data set, to work on"),
    ROW("val", val, NULL, "labelled pairs that decide (default: the original network judges)"),
    ROW("teacher", teacher, NULL, "network whose output is to be kept (default: MODEL itself)"),
    ROW("protocol", protocol, "eigen", "protocol of the judge's metric"),
    ROW("align", align, "default", "none, median, affine or default"),
    ROW("metric", metric, "abs_rel", "metric that decides"),
    ROW("max-drop", max_drop, NULL, "how much worse the judge may find it, as abs_rel=0.01"),
};
#undef ROW
#undef FIELD
static const prune_option_table *table(void)
{
    static const prune_option_table t = {"files and judge", sizeof(stage_options), rows,
                                         sizeof rows / sizeof *rows};
    return &t;
}

typedef struct stage_call {
    cli_call *call;
    const stage_options *options;
    prune_model *model, *teacher;
    prune_samples *images, *validation;
    prune_judge *judge;
    char *report;
} stage_call;

static prune_status open_all(stage_call *s, bool needs_images)
{
    const stage_options *o = s->options;
    prune_context *ctx = s->call->ctx;
    if (!o->output) return cli_usage_error("-o FILE is needed: where should the model go?");
    if (!o->images && needs_images)
        return cli_usage_error("--images DIR is needed: pictures to work on");
    prune_status status =
        cli_open_model(s->call, s->call->arguments[0], s->call->options[1], &s->model);
    if (status == PRUNE_OK)
        status = o->teacher ? cli_open_model(s->call, o->teacher, NULL, &s->teacher)
                            : prune_model_clone(&s->teacher, s->model);
    if (status == PRUNE_OK && o->images) status = cli_open_images(s->call, o->images, &s->images);
    if (status == PRUNE_OK && o->val)
        status = prune_dataset_open(&s->validation, ctx, o->val, NULL);
    return status;
}

static prune_status make_judge(stage_call *s)
{
    const stage_options *o = s->options;
    return prune_judge_create(&s->judge, s->call->ctx, s->teacher, s->images, s->validation,
                              o->protocol, o->metric, o->align);
}

static prune_status store(stage_call *s, const prune_save_options *save)
{
    prune_model_info info = {.struct_size = (uint32_t)sizeof info};
    prune_status status = prune_model_save(s->model, s->options->output, save);
    if (status == PRUNE_OK) status = prune_model_describe(s->model, 0, 0, &info);
    if (status == PRUNE_OK)
        (void)printf("%s: %.3f M parameters, %.3f GMACs, %d INT8 layers, %d in BF16\n",
                     s->options->output, (double)info.parameters / 1e6, (double)info.macs / 1e9,
                     info.int8_layers, info.bf16_layers);
    if (status == PRUNE_OK && s->report) status = cli_write_json(s->call, s->report);
    return status;
}

static void close_all(stage_call *s)
{
    prune_text_free(s->report);
    prune_judge_free(s->judge);
    prune_samples_free(s->validation);
    prune_samples_free(s->images);
    prune_model_free(s->teacher);
    prune_model_free(s->model);
}

static prune_status run_trim(cli_call *call)
{
    stage_call s = {.call = call, .options = call->options[0]};
    prune_trim_options trim = *(const prune_trim_options *)call->options[2];
    prune_tune_options tune = *(const prune_tune_options *)call->options[4];
    trim.max_drop = s.options->max_drop;
    prune_status status = open_all(&s, true);
    /* Nobody needs to judge where there is no floor: then no pictures are held back. */
    if (status == PRUNE_OK && (s.options->val || s.options->max_drop)) status = make_judge(&s);
    if (status == PRUNE_OK)
        status = prune_model_trim(call->ctx, s.model, s.teacher,
                                  s.judge ? prune_judge_images(s.judge) : s.images, s.judge, &trim,
                                  call->options[3], &tune, &s.report);
    if (status == PRUNE_OK) status = store(&s, call->options[5]);
    close_all(&s);
    return status;
}

static prune_status run_tune(cli_call *call)
{
    stage_call s = {.call = call, .options = call->options[0]};
    prune_tune_options tune = *(const prune_tune_options *)call->options[2];
    prune_tune_report report = {.struct_size = (uint32_t)sizeof report};
    char json[320];
    prune_status status = open_all(&s, true);
    if (status == PRUNE_OK && s.options->val) status = make_judge(&s);
    if (s.judge) tune.judge = prune_judge_samples(s.judge);
    if (s.judge) tune.metric = prune_judge_metric(s.judge);
    tune.report = &report;
    /* Without --teacher the network learns from ground truth, not from itself. */
    if (status == PRUNE_OK)
        status = prune_model_tune(s.model, s.options->teacher ? s.teacher : NULL, s.images, &tune);
    if (status == PRUNE_OK) {
        (void)printf("%llu steps in %.0f s, loss %.4f to %.4f; %s: %.4f to %.4f%s\n",
                     (unsigned long long)report.steps, report.seconds, report.loss_first,
                     report.loss_last, report.judged_by ? report.judged_by : "judge",
                     report.score_before, report.score_after,
                     report.improved ? "" : ", not better: the model is as it was");
        (void)snprintf(json, sizeof json,
                       "{\"steps\": %llu, \"seconds\": %.3f, \"loss_first\": %.9g, \"loss_last\": "
                       "%.9g, \"score_before\": %.9g, \"score_after\": %.9g, \"improved\": %s}",
                       (unsigned long long)report.steps, report.seconds, report.loss_first,
                       report.loss_last, report.score_before, report.score_after,
                       report.improved ? "true" : "false");
        status = cli_write_json(call, json);
    }
    if (status == PRUNE_OK) status = store(&s, call->options[3]);
    close_all(&s);
    return status;
}

static prune_status run_quantize(cli_call *call)
{
    stage_call s = {.call = call, .options = call->options[0]};
    prune_quant_options quant = *(const prune_quant_options *)call->options[2];
    char metric[32];
    prune_status status = open_all(&s, quant.precision == 0);
    if (status == PRUNE_OK && s.options->max_drop)
        status = prune_drop_parse(s.options->max_drop, metric, &quant.max_drop);
    if (status == PRUNE_OK && s.options->val) status = make_judge(&s);
    if (s.judge) quant.judge = prune_judge_samples(s.judge);
    if (s.judge) quant.metric = prune_judge_metric(s.judge);
    if (status == PRUNE_OK) status = prune_model_quantize(s.model, s.images, &quant);
    if (status == PRUNE_OK) status = prune_quant_report(s.model, &s.report);
    if (status == PRUNE_OK) status = store(&s, call->options[3]);
    close_all(&s);
    return status;
}

const cli_command cli_trim = {
    .name = "trim",
    .arguments = "MODEL",
    .summary = "cuts heads, neurons, channels and blocks in rounds, refits, tunes and judges",
    .example =
        "prune trim bundled --images scenes/image --macs 0.7 --no-tune -o trimmed.safetensors",
    .min_arguments = 1,
    .max_arguments = 1,
    .tables = {table, prune_load_option_table, prune_trim_option_table, prune_cut_option_table,
               prune_tune_option_table, prune_save_option_table},
    .run = run_trim,
};

const cli_command cli_tune = {
    .name = "tune",
    .arguments = "MODEL",
    .summary = "trains with small steps, on ground truth or on another network's output",
    .example = "prune tune trimmed.safetensors --teacher bundled --images scenes/image --steps 200 "
               "-o tuned.safetensors",
    .min_arguments = 1,
    .max_arguments = 1,
    .tables = {table, prune_load_option_table, prune_tune_option_table, prune_save_option_table},
    .run = run_tune,
};

const cli_command cli_quantize = {
    .name = "quantize",
    .arguments = "MODEL",
    .summary = "computes in INT8, with floats where a scan shows that it is needed; or in BF16",
    .example = "prune quantize tuned.safetensors --images scenes/image -o small.safetensors.zst",
    .min_arguments = 1,
    .max_arguments = 1,
    .tables = {table, prune_load_option_table, prune_quant_option_table, prune_save_option_table},
    .run = run_quantize,
};
