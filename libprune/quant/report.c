#include "libprune/quant/report.h"

#include <math.h>
#include <prune/sys/json.h>
#include <string.h>

static const char step_name[] = "quantize";

/* JSON has no infinity; a drop without a number is null. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *options_json(const prune_quant_options *options)
{
    const prune_option_table *table = prune_quant_option_table();
    json_t *object = json_object();
    char text[512];
    for (size_t i = 0; i < table->count; i++)
        if (prune_options_get(table, options, table->options[i].name, text, sizeof text) ==
            PRUNE_OK)
            prune_json_set(object, table->options[i].name, json_string(text));
    return object;
}

/* Worst first. */
static json_t *ranking_json(const prune_model *model, const pr_scan *scan, bool metric)
{
    json_t *ranking = json_array();
    for (int32_t i = 0; i < scan->count; i++) {
        const pr_unit *unit = &scan->units[scan->order[i]];
        json_t *row = json_object();
        prune_json_set(row, "layer", json_string(model->nodes[unit->first].name));
        prune_json_set(row, "layers", json_integer(unit->layers));
        prune_json_set(row, "macs", json_integer((json_int_t)unit->macs));
        prune_json_set(row, "error", number(unit->error));
        if (metric) prune_json_set(row, "drop", number(unit->drop));
        const pr_compute compute = model->nodes[unit->first].precision.compute;
        prune_json_set(row, "precision", json_string(pr_compute_name(compute)));
        prune_json_append(ranking, row);
    }
    return ranking;
}

static json_t *judge_json(const pr_quant_summary *summary, double max_drop)
{
    json_t *judge = json_object();
    prune_json_set(judge, "by", json_string(summary->metric ? "metric" : "original model"));
    if (summary->metric) {
        prune_json_set(judge, "metric", json_string(summary->metric));
        prune_json_set(judge, "before", number(summary->baseline));
    }
    prune_json_set(judge, "pictures", json_integer((json_int_t)summary->pictures));
    prune_json_set(judge, "drop", number(summary->drop));
    prune_json_set(judge, "max-drop", number(max_drop));
    prune_json_set(judge, "met", json_boolean(summary->drop <= max_drop));
    return judge;
}

static void log_outcome(const prune_model *model, const prune_quant_options *options,
                        const pr_scan *scan, const pr_quant_summary *summary)
{
    for (int32_t i = 0; summary->judged && i < scan->count; i++) {
        const pr_unit *unit = &scan->units[scan->order[i]];
        pr_log(model->ctx, PRUNE_LOG_INFO, "quantize: %2d. %s: error %.5f, drop %.5f, %s",
               (int)i + 1, model->nodes[unit->first].name, unit->error, unit->drop,
               pr_compute_name(model->nodes[unit->first].precision.compute));
    }
    if (summary->judged && !(summary->drop <= options->max_drop))
        pr_log(model->ctx, PRUNE_LOG_WARNING,
               "quantize: the drop %.5f is above max-drop %.5f; a larger max-float may help",
               summary->drop, options->max_drop);
}

prune_status pr_quant_record(prune_model *model, const prune_quant_options *options,
                             const pr_scan *scan, const pr_quant_summary *summary)
{
    int32_t int8 = 0, bf16 = 0;
    uint64_t failures = prune_json_failures();
    json_t *fields = json_object();
    for (int32_t i = 0; i < model->n_nodes; i++) {
        int8 += model->nodes[i].precision.compute == PR_COMPUTE_I8;
        bf16 += model->nodes[i].precision.compute == PR_COMPUTE_BF16;
    }
    prune_json_set(fields, "options", options_json(options));
    prune_json_set(fields, "views", json_integer((json_int_t)summary->views));
    prune_json_set(fields, "folded", json_integer(summary->folded));
    prune_json_set(fields, "int8-layers", json_integer(int8));
    prune_json_set(fields, "bf16-layers", json_integer(bf16));
    if (summary->judged) {
        prune_json_set(fields, "judge", judge_json(summary, options->max_drop));
        prune_json_set(fields, "ranking", ranking_json(model, scan, summary->metric != NULL));
    }
    if (!fields || prune_json_failures() != failures) {
        json_decref(fields);
        return pr_fail_memory(sizeof(json_t));
    }
    log_outcome(model, options, scan, summary);
    return pr_model_record(model, step_name, fields);
}

prune_status prune_quant_report(const prune_model *model, char **json)
{
    if (!model || !json) return pr_fail(PRUNE_E_ARGUMENT, "quantize report: a model is needed");
    for (size_t i = json_array_size(model->history); i-- > 0;) {
        const json_t *entry = json_array_get(model->history, i);
        const char *step = json_string_value(json_object_get(entry, "step"));
        if (!step || strcmp(step, step_name) != 0) continue;
        *json =
            prune_json_text(entry, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9),
                            prune_json_failures());
        return *json ? PRUNE_OK : pr_fail_memory(1);
    }
    return pr_fail(PRUNE_E_ARGUMENT, "quantize report: the model was never quantized");
}
