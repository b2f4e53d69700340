/* The whole loop: measure, trim, tune, quantize, pack, measure again, report. */
#include "pipelines/report/look.h"
#include "pipelines/report/report.h"
#include "pipelines/run/record.h"
#include "pipelines/run/run.h"

#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <prune/sys/parallel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Starts a stage with a copy of what the last one left. */
static prune_status begin(record *r, stage_kind kind, stage **out)
{
    const prune_model *latest = record_last(r)->model;
    prune_status status = record_add(r, kind, out);
    if (status != PRUNE_OK) return status;
    (*out)->seconds = run_now();
    prune_log_write(r->ctx, PRUNE_LOG_INFO, "stage: %s", (*out)->name);
    return prune_model_clone(&(*out)->model, latest);
}

static prune_status saved_size(record *r, const prune_model *model, int32_t container,
                               int32_t storage, uint64_t *bytes)
{
    prune_save_options save = *r->options->save_options;
    struct stat info;
    save.container = container;
    if (storage) save.storage = storage;
    char *path = prune_path_join(r->ctx, r->options->output, ".measured-size");
    prune_status status = path ? prune_model_save(model, path, &save) : PRUNE_E_MEMORY;
    if (status == PRUNE_OK) {
        *bytes = stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
        (void)unlink(path);
    }
    prune_memory_free(r->ctx, path);
    return status;
}

static prune_status evaluate(record *r, stage *s)
{
    prune_evaluation_options options;
    if (!r->shown) return PRUNE_OK;
    prune_evaluation_options_init(&options);
    options.protocol = r->options->protocol;
    options.seed = r->options->seed;
    prune_align align;
    prune_status status = prune_align_parse(&align, r->options->align);
    options.align = (int32_t)align;
    if (status == PRUNE_OK) status = prune_evaluation_create(&s->evaluation, r->ctx, &options);
    if (status == PRUNE_OK)
        status = prune_evaluation_run_model(s->evaluation, r->shown, s->model, NULL);
    return status;
}

/* What is judged is what is shipped: the last stage goes through its file, so that rounding to half
 * precision and baked integers are in the numbers. */
static prune_status as_shipped(record *r, prune_model *model)
{
    prune_model *loaded = NULL;
    char *path = prune_path_join(r->ctx, r->options->output, "model.safetensors.zst");
    prune_save_options save = *r->options->save_options;
    save.container = 1;
    prune_status status = path ? prune_model_save(model, path, &save) : PRUNE_E_MEMORY;
    if (status == PRUNE_OK) status = prune_model_load(&loaded, r->ctx, path, NULL);
    if (status == PRUNE_OK) status = prune_model_assign(model, loaded);
    prune_model_free(loaded);
    prune_memory_free(r->ctx, path);
    return status;
}

/* Numbers of a finished stage; latency comes later, for all stages in one run. */
static prune_status finish(record *r, stage *s)
{
    s->seconds = s->kind == STAGE_BEFORE ? 0 : run_now() - s->seconds;
    prune_status status = s->kind == STAGE_QUANTIZE ? as_shipped(r, s->model) : PRUNE_OK;
    if (status == PRUNE_OK) status = prune_model_describe(s->model, 0, 0, &s->info);
    if (status == PRUNE_OK) status = prune_judge_score(r->judge, s->model, &s->score);
    if (status == PRUNE_OK) status = evaluate(r, s);
    if (status == PRUNE_OK) status = saved_size(r, s->model, 2, 1, &s->file_bytes);
    if (status == PRUNE_OK) status = saved_size(r, s->model, 1, 0, &s->packed_bytes);
    return status;
}

static prune_status trim_stage(record *r)
{
    const prune_compress_options *o = r->options;
    prune_tune_options tune = *o->tune_options;
    prune_trim_options trim = *o->trim_options;
    stage *s;
    char *json = NULL;
    trim.tune = trim.tune && o->tune && trim.rounds > 1;
    if (trim.macs <= 0 && trim.params <= 0 && trim.bytes <= 0 && !trim.max_drop &&
        o->cut_options->heads <= 0 && o->cut_options->neurons <= 0) {
        prune_log_write(r->ctx, PRUNE_LOG_INFO,
                        "nothing is trimmed: no --macs, --params, --bytes or --max-drop");
        return PRUNE_OK;
    }
    prune_status status = begin(r, STAGE_TRIM, &s);
    /* Rounds share the tuning time; the last stage has as much again for itself. */
    tune.minutes /= (double)(trim.rounds + 1);
    tune.judge = NULL;
    tune.metric = NULL;
    tune.snapshot = NULL;
    if (status == PRUNE_OK)
        status =
            prune_model_trim(r->ctx, s->model, record_first(r)->model, prune_judge_images(r->judge),
                             r->judge, &trim, o->cut_options, &tune, &json);
    if (status == PRUNE_OK) s->detail = json_loads(json, 0, NULL);
    prune_text_free(json);
    return status == PRUNE_OK ? finish(r, s) : status;
}

static json_t *tune_detail(const prune_tune_report *t)
{
    return json_pack("{s:{s:I, s:f, s:f, s:s?, s:f, s:f, s:b}}", "tune", "steps",
                     (json_int_t)t->steps, "loss_first", t->loss_first, "loss_last", t->loss_last,
                     "judged_by", t->judged_by, "score_before", t->score_before, "score_after",
                     t->score_after, "improved", t->improved);
}

static prune_status tune_stage(record *r)
{
    prune_tune_options tune = *r->options->tune_options;
    prune_tune_report report = {.struct_size = (uint32_t)sizeof report};
    stage *s;
    prune_status status = begin(r, STAGE_TUNE, &s);
    tune.judge = prune_judge_samples(r->judge);
    tune.metric = prune_judge_metric(r->judge);
    tune.report = &report;
    if (status == PRUNE_OK)
        status =
            prune_model_tune(s->model, record_first(r)->model, prune_judge_images(r->judge), &tune);
    if (status == PRUNE_OK) s->detail = tune_detail(&report);
    return status == PRUNE_OK ? finish(r, s) : status;
}

static prune_status quantize_stage(record *r)
{
    prune_quant_options quant = *r->options->quant_options;
    const char *drop = r->options->trim_options->max_drop;
    stage *s;
    char metric[32], *json = NULL;
    prune_status status = begin(r, STAGE_QUANTIZE, &s);
    quant.judge = prune_judge_samples(r->judge);
    quant.metric = prune_judge_metric(r->judge);
    if (status == PRUNE_OK && drop) status = prune_drop_parse(drop, metric, &quant.max_drop);
    if (status == PRUNE_OK)
        status = prune_model_quantize(s->model, prune_judge_images(r->judge), &quant);
    if (status == PRUNE_OK) status = prune_quant_report(s->model, &json);
    if (status == PRUNE_OK) s->detail = json_pack("{s:o}", "quantize", json_loads(json, 0, NULL));
    prune_text_free(json);
    return status == PRUNE_OK ? finish(r, s) : status;
}

static prune_status measure_latency(record *r)
{
    const prune_model **models = prune_memory_new(r->ctx, (size_t)r->count, sizeof(prune_model *));
    prune_timing_options options;
    prune_timing *timing = NULL;
    prune_status status = models ? PRUNE_OK : PRUNE_E_MEMORY;
    for (int32_t s = 0; status == PRUNE_OK && s < r->count; s++) models[s] = r->stages[s]->model;
    prune_log_write(r->ctx, PRUNE_LOG_INFO, "measuring latency, models in turns");
    prune_timing_options_init(&options);
    options.seconds = r->options->bench_seconds;
    if (status == PRUNE_OK) status = prune_timing_run(&timing, r->ctx, models, r->count, &options);
    for (int32_t s = 0; status == PRUNE_OK && s < r->count; s++) {
        prune_latency *latency = &r->stages[s]->latency;
        latency->struct_size = (uint32_t)sizeof *latency;
        status = prune_timing_latency(timing, s, latency);
    }
    prune_timing_free(timing);
    prune_memory_free(r->ctx, (void *)models);
    return status;
}

static prune_status run_stages(record *r, const prune_model *original)
{
    const prune_compress_options *o = r->options;
    stage *before;
    prune_status status = record_add(r, STAGE_BEFORE, &before);
    if (status == PRUNE_OK) status = prune_model_clone(&before->model, original);
    if (status == PRUNE_OK)
        status = prune_judge_create(&r->judge, r->ctx, original, o->images, o->validation,
                                    o->protocol, o->metric, o->align);
    if (status != PRUNE_OK) return status;
    prune_log_write(r->ctx, PRUNE_LOG_INFO, "judge: %s", prune_judge_describe(r->judge));
    status = finish(r, before);
    if (status == PRUNE_OK && o->trim) status = trim_stage(r);
    if (status == PRUNE_OK && o->tune) status = tune_stage(r);
    if (status == PRUNE_OK && o->quantize) status = quantize_stage(r);
    if (status == PRUNE_OK && record_last(r)->kind != STAGE_QUANTIZE)
        status = as_shipped(r, record_last(r)->model);
    if (status == PRUNE_OK) status = measure_latency(r);
    return status;
}

static prune_status check(const prune_compress_options *o)
{
    int32_t index;
    char metric[32];
    double amount;
    if (!o->output) return prune_error_set(PRUNE_E_ARGUMENT, "an output folder is needed (-o DIR)");
    if (!o->images || prune_samples_count(o->images) < 2)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "at least two pictures to tune and calibrate on are needed "
                               "(--images DIR)");
    prune_status status = prune_protocol_find(&index, o->protocol);
    if (status == PRUNE_OK && o->trim_options->max_drop) {
        status = prune_drop_parse(o->trim_options->max_drop, metric, &amount);
        if (status == PRUNE_OK && o->validation && strcmp(metric, o->metric) != 0)
            status = prune_error_set(PRUNE_E_ARGUMENT,
                                     "max-drop is about %s but --metric %s decides; name the same",
                                     metric, o->metric);
    }
    return status == PRUNE_OK ? prune_folder_create(o->output) : status;
}

/* What is seen by looking at models and frames once more: structure, analysis, pictures. */
static prune_status complete_report(const record *r, json_t *report)
{
    const stage *first = record_first(r), *last = record_last(r);
    prune_evaluation_options judging;
    report_source before = {.model = first->model}, after = {.model = last->model};
    const report_subject subject = {.ctx = r->ctx,
                                    .output = r->options->output,
                                    .samples = r->shown,
                                    .before = &before,
                                    .after = &after,
                                    .judged_before = first->evaluation,
                                    .judged_after = last->evaluation,
                                    .options = &judging,
                                    .metric = r->options->metric,
                                    .pictures = r->options->pictures,
                                    .analysed = 100};
    prune_align align;
    prune_evaluation_options_init(&judging);
    judging.protocol = r->options->protocol;
    prune_status status = prune_align_parse(&align, r->options->align);
    judging.align = (int32_t)align;
    if (status == PRUNE_OK) status = report_describe(report, first->model, last->model);
    if (status == PRUNE_OK) status = report_look(&subject, report);
    report_source_close(&before);
    report_source_close(&after);
    return status;
}

prune_status prune_compress(prune_context *context, prune_model *model,
                            const prune_compress_options *options, char **table)
{
    record r = {.ctx = context, .options = options};
    prune_status status = check(options);
    r.shown = options->test ? options->test : options->validation;
    r.shown_role = options->test ? "test" : "validation";
    if (status == PRUNE_OK) status = run_stages(&r, model);
    json_t *report = status == PRUNE_OK ? record_json(&r) : NULL;
    if (status == PRUNE_OK && !report) status = prune_error_set(PRUNE_E_MEMORY, "out of memory");
    if (status == PRUNE_OK) status = complete_report(&r, report);
    if (status == PRUNE_OK) status = report_write(context, options->output, report);
    if (status == PRUNE_OK) status = prune_model_assign(model, record_last(&r)->model);
    if (status == PRUNE_OK) {
        *table = report_table(report);
        if (!*table) status = prune_error_set(PRUNE_E_MEMORY, "table: out of memory");
    }
    json_decref(report);
    record_close(&r);
    return status;
}
