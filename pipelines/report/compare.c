/* Any two models or folders of predictions on the same frames. */
#include "pipelines/report/accuracy.h"
#include "pipelines/report/look.h"
#include "pipelines/report/report.h"

#include <prune/measure.h>
#include <prune/pipeline.h>
#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/parallel.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(member) offsetof(prune_compare_options, member)
static const prune_option rows[] = {
    {"output", PRUNE_OPTION_TEXT, FIELD(output), NULL, 0, 0, NULL,
     "folder for report and pictures (-o)"},
    {"protocol", PRUNE_OPTION_TEXT, FIELD(protocol), "eigen", 0, 0, NULL,
     "how accuracy is measured: eigen, eigen-benchmark, kitti-devkit, affine"},
    {"align", PRUNE_OPTION_TEXT, FIELD(align), "default", 0, 0, NULL,
     "none, median or affine; default: what suits the output"},
    {"metric", PRUNE_OPTION_TEXT, FIELD(metric), "abs_rel", 0, 0, NULL,
     "metric by which frames are ranked and curves drawn"},
    {"pictures", PRUNE_OPTION_INT, FIELD(pictures), "4", 0, 100, NULL,
     "frames to show: best, median, worst and most changed first"},
    {"analyse", PRUNE_OPTION_INT, FIELD(analyse), "100", 0, 1000000, NULL,
     "frames of which error by distance and region, edges and flicker are taken, at most"},
    {"bench-seconds", PRUNE_OPTION_FLOAT, FIELD(bench_seconds), "10", 0.1, 3600, NULL,
     "how long to measure latency; models take turns"},
    {"seed", PRUNE_OPTION_UINT64, FIELD(seed), "0", 0, 1.8446744073709552e19, NULL,
     "of the resampling that gives the intervals"},
};
#undef FIELD

const prune_option_table *prune_compare_option_table(void)
{
    static const prune_option_table table = {"compare", sizeof(prune_compare_options), rows,
                                             sizeof rows / sizeof *rows};
    return &table;
}

void prune_compare_options_init(prune_compare_options *options)
{
    prune_options_init(prune_compare_option_table(), options);
}

typedef struct comparison {
    prune_context *ctx;
    const prune_contestant *who[2];
    const prune_compare_options *options;
    prune_evaluation_options judging;
    prune_evaluation *evaluations[2];
    json_t *stages[2];
    json_t *ratio; /* of the latencies */
} comparison;

static prune_status check(const comparison *c)
{
    int32_t unused;
    if (!c->options->output)
        return prune_error_set(PRUNE_E_ARGUMENT, "an output folder is needed (-o DIR)");
    if (!c->options->samples || prune_samples_count(c->options->samples) == 0)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "labelled pairs are needed to compare on (--data DATASET)");
    for (int i = 0; i < 2; i++)
        if (!c->who[i]->model && !c->who[i]->predictions)
            return prune_error_set(PRUNE_E_ARGUMENT,
                                   "contestant %d is neither a model nor a folder of predictions",
                                   i + 1);
    return prune_protocol_find(&unused, c->options->protocol);
}

static prune_status evaluate(comparison *c, int i)
{
    const prune_contestant *who = c->who[i];
    prune_status status = prune_evaluation_create(&c->evaluations[i], c->ctx, &c->judging);
    if (status != PRUNE_OK) return status;
    prune_log_write(c->ctx, PRUNE_LOG_INFO, "judging %s", who->name);
    return who->model ? prune_evaluation_run_model(c->evaluations[i], c->options->samples,
                                                   who->model, NULL)
                      : prune_evaluation_run_folder(c->evaluations[i], c->options->samples,
                                                    who->predictions, who->units);
}

static prune_status describe(comparison *c, int i)
{
    prune_model_info info = {.struct_size = (uint32_t)sizeof info};
    const prune_contestant *who = c->who[i];
    json_t *root = c->stages[i] =
        json_pack("{s:s, s:s}", "name", who->name, "kind", who->model ? "model" : "predictions");
    if (!root) return prune_error_set(PRUNE_E_MEMORY, "compare: out of memory");
    if (who->model) {
        prune_status status = prune_model_describe(who->model, 0, 0, &info);
        if (status != PRUNE_OK) return status;
        (void)json_object_update_new(
            root, json_pack("{s:I, s:I, s:I, s:i}", "parameters", (json_int_t)info.parameters,
                            "macs", (json_int_t)info.macs, "bytes", (json_int_t)info.bytes,
                            "int8_layers", info.int8_layers));
    }
    if (who->file_bytes > 0)
        (void)json_object_set_new(root, "given_bytes", json_integer((json_int_t)who->file_bytes));
    return report_add_accuracy(root, c->evaluations[0], c->evaluations[i], c->options->protocol);
}

static prune_status keep_latency(json_t *stage, const prune_timing *timing, int32_t model)
{
    char *json = NULL;
    prune_status status = prune_timing_json(timing, model, &json);
    json_t *latency = status == PRUNE_OK ? json_loads(json, 0, NULL) : NULL;
    prune_text_free(json);
    if (!latency) return status;
    json_t *memory = json_object_get(latency, "session_bytes");
    if (memory) (void)json_object_set(stage, "session_bytes", memory);
    (void)json_object_set_new(stage, "latency_ms", latency);
    return status;
}

static prune_status keep_energy(json_t *stage, const prune_energy *energy, int32_t model)
{
    char *json = NULL;
    prune_status status = prune_energy_json(energy, model, &json);
    if (status == PRUNE_OK)
        (void)json_object_set_new(stage, "energy_mj", json_loads(json, 0, NULL));
    prune_text_free(json);
    return status;
}

static prune_status weigh_energy(comparison *c, const prune_model *const *models, const int *owner,
                                 int32_t count)
{
    prune_energy_options options;
    prune_energy *energy = NULL;
    prune_energy_options_init(&options);
    if (options.seconds > c->options->bench_seconds) options.seconds = c->options->bench_seconds;
    prune_status status = prune_energy_run(&energy, c->ctx, models, count, &options);
    for (int32_t m = 0; status == PRUNE_OK && m < count; m++)
        status = keep_energy(c->stages[owner[m]], energy, m);
    prune_energy_free(energy);
    return status;
}

static prune_status measure(comparison *c)
{
    const prune_model *models[2];
    int owner[2], count = 0;
    prune_timing_options options;
    prune_timing *timing = NULL;
    prune_timing_options_init(&options);
    options.seconds = c->options->bench_seconds;
    for (int i = 0; i < 2; i++)
        if (c->who[i]->model) owner[count] = i, models[count++] = c->who[i]->model;
    if (count == 0) return PRUNE_OK;
    prune_log_write(c->ctx, PRUNE_LOG_INFO, "measuring latency%s",
                    count == 2 ? ", models in turns" : "");
    prune_status status = prune_timing_run(&timing, c->ctx, models, count, &options);
    for (int m = 0; status == PRUNE_OK && m < count; m++)
        status = keep_latency(c->stages[owner[m]], timing, m);
    if (status == PRUNE_OK && count == 2) {
        prune_ratio r = {.struct_size = (uint32_t)sizeof r};
        status = prune_timing_ratio(timing, 1, 0, &r);
        if (status == PRUNE_OK)
            c->ratio = json_pack("{s:f, s:[f,f], s:i}", "ratio", r.ratio, "ci95", r.low, r.high,
                                 "turns", r.turns);
    }
    prune_timing_free(timing);
    return status == PRUNE_OK ? weigh_energy(c, models, owner, count) : status;
}

/* How `after` came by its integers, where its history tells. */
static void add_quantization(json_t *report, const prune_model *model)
{
    prune_model_info info = {.struct_size = (uint32_t)sizeof info};
    char *json = NULL;
    if (!model || prune_model_describe(model, 0, 0, &info) != PRUNE_OK || info.int8_layers == 0)
        return;
    if (prune_quant_report(model, &json) == PRUNE_OK)
        (void)json_object_set_new(report, "quantize", json_loads(json, 0, NULL));
    prune_text_free(json);
}

static json_t *assemble(const comparison *c)
{
    const prune_compare_options *o = c->options;
    const prune_evaluation *e = c->evaluations[0];
    char title[400] = "";
    (void)strncat(title, c->who[0]->name, 180);
    (void)strcat(title, " and ");
    (void)strncat(title, c->who[1]->name, 180);
    json_t *root = json_pack(
        "{s:s, s:s, s:s?, s:s?, s:s, s:i, s:I, s:I, s:{s:s, s:I, s:s, s:s, s:s, s:b}, s:[O,O]}",
        "version", prune_version(), "title", title, "command", o->command, "data", o->data, "isa",
        prune_context_isa(c->ctx), "threads", prune_context_threads(c->ctx), "seed",
        (json_int_t)o->seed, "peak_memory", (json_int_t)prune_peak_memory(), "accuracy_on", "role",
        "labelled", "frames", (json_int_t)prune_evaluation_frames(e), "protocol", o->protocol,
        "align", prune_align_name(prune_evaluation_alignment(e)), "metric", o->metric, "few_frames",
        prune_evaluation_few_frames(e), "stages", c->stages[0], c->stages[1]);
    if (root && c->ratio) (void)json_object_set(root, "latency_ratio", c->ratio);
    return root;
}

static prune_status write_all(comparison *c, json_t *report, char **table)
{
    report_source sources[2];
    for (int i = 0; i < 2; i++)
        sources[i] = (report_source){
            .model = c->who[i]->model, .folder = c->who[i]->predictions, .units = c->who[i]->units};
    const report_subject subject = {.ctx = c->ctx,
                                    .output = c->options->output,
                                    .samples = c->options->samples,
                                    .before = &sources[0],
                                    .after = &sources[1],
                                    .judged_before = c->evaluations[0],
                                    .judged_after = c->evaluations[1],
                                    .options = &c->judging,
                                    .metric = c->options->metric,
                                    .pictures = c->options->pictures,
                                    .analysed = c->options->analyse};
    add_quantization(report, c->who[1]->model);
    prune_status status = report_describe(report, c->who[0]->model, c->who[1]->model);
    if (status == PRUNE_OK) status = report_look(&subject, report);
    if (status == PRUNE_OK) status = report_write(c->ctx, c->options->output, report);
    if (status == PRUNE_OK && table) {
        *table = report_table(report);
        if (!*table) status = prune_error_set(PRUNE_E_MEMORY, "table: out of memory");
    }
    report_source_close(&sources[0]);
    report_source_close(&sources[1]);
    return status;
}

prune_status prune_compare(prune_context *context, const prune_contestant *before,
                           const prune_contestant *after, const prune_compare_options *options,
                           char **table)
{
    comparison c = {.ctx = context, .who = {before, after}, .options = options};
    prune_align align = PRUNE_ALIGN_DEFAULT;
    json_t *report = NULL;
    prune_status status = check(&c);
    if (status == PRUNE_OK) status = prune_align_parse(&align, options->align);
    if (status != PRUNE_OK) return status;
    prune_evaluation_options_init(&c.judging);
    c.judging.protocol = options->protocol;
    c.judging.align = (int32_t)align;
    c.judging.seed = options->seed;
    for (int i = 0; status == PRUNE_OK && i < 2; i++) status = evaluate(&c, i);
    for (int i = 0; status == PRUNE_OK && i < 2; i++) status = describe(&c, i);
    if (status == PRUNE_OK) status = measure(&c);
    if (status == PRUNE_OK) status = prune_folder_create(options->output);
    if (status == PRUNE_OK) {
        report = assemble(&c);
        status = report ? write_all(&c, report, table)
                        : prune_error_set(PRUNE_E_MEMORY, "compare: out of memory");
    }
    json_decref(report);
    for (int i = 0; i < 2; i++) {
        json_decref(c.stages[i]);
        prune_evaluation_free(c.evaluations[i]);
    }
    json_decref(c.ratio);
    return status;
}
