/* An evaluation as JSON and as a table. */
#include "eval/protocols/protocols.h"

#include <math.h>
#include <prune/sys/error.h>
#include <prune/sys/json.h>
#include <stdio.h>
#include <stdlib.h>

/* JSON has no NaN and no infinity. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *frame_json(const pr_frame *frame, const pr_metric_set *metrics)
{
    json_t *out = json_pack("{s:s, s:s, s:I}", "name", frame->name, "group", frame->group, "pixels",
                            (json_int_t)frame->judgement.pixels);
    for (int32_t m = 0; out && m < metrics->count; m++)
        prune_json_set(out, metrics->rows[m].name, number(frame->judgement.values[m]));
    return out;
}

static prune_status add_means(json_t *root, const prune_evaluation *evaluation)
{
    const pr_metric_set *metrics = evaluation->protocol->metrics;
    json_t *mean = json_object(), *ci95 = json_object();
    prune_status status = PRUNE_OK;
    for (int32_t m = 0; status == PRUNE_OK && m < metrics->count; m++) {
        const char *name = metrics->rows[m].name;
        double value, low, high;
        status = prune_evaluation_mean(evaluation, name, &value, &low, &high);
        if (status != PRUNE_OK) break;
        prune_json_set(mean, name, number(value));
        json_t *ends = json_array();
        prune_json_append(ends, number(low));
        prune_json_append(ends, number(high));
        prune_json_set(ci95, name, ends);
    }
    prune_json_set(root, "mean", mean);
    prune_json_set(root, "ci95", ci95);
    return status;
}

prune_status prune_evaluation_json(const prune_evaluation *evaluation, char **json)
{
    const pr_protocol *protocol = evaluation->protocol;
    uint64_t failures = prune_json_failures();
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:b}", "protocol", protocol->name,
                             "align", prune_align_name(evaluation->applied), "mask", protocol->mask,
                             "crop", protocol->crop_text, "cap", protocol->cap, "seed",
                             (json_int_t)evaluation->seed, "frames", (json_int_t)evaluation->count,
                             "few_frames", (int)prune_evaluation_few_frames(evaluation));
    prune_status status = add_means(root, evaluation);
    json_t *images = json_array();
    for (uint64_t i = 0; i < evaluation->count; i++)
        prune_json_append(images, frame_json(&evaluation->frames[i], protocol->metrics));
    prune_json_set(root, "images", images);
    char *text = status == PRUNE_OK
                     ? prune_json_text(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17), failures)
                     : NULL;
    json_decref(root);
    if (status != PRUNE_OK) return status;
    if (!text) return PRUNE_E_MEMORY;
    *json = text;
    return PRUNE_OK;
}

static prune_status print_table(FILE *out, const prune_evaluation *evaluation)
{
    const pr_protocol *protocol = evaluation->protocol;
    (void)fprintf(out, "protocol %s, align %s, %llu frame%s\n", protocol->name,
                  prune_align_name(evaluation->applied), (unsigned long long)evaluation->count,
                  evaluation->count == 1 ? "" : "s");
    (void)fprintf(out, "mask %s, crop %s, cap %s\n", protocol->mask, protocol->crop_text,
                  protocol->cap);
    for (int32_t m = 0; m < protocol->metrics->count; m++) {
        const pr_metric_row *row = &protocol->metrics->rows[m];
        double mean, low, high;
        prune_status status = prune_evaluation_mean(evaluation, row->name, &mean, &low, &high);
        if (status != PRUNE_OK) return status;
        (void)fprintf(out, "%-9s %9.4f %-3s  95%% [%.4f, %.4f]%s\n", row->name, mean, row->unit,
                      low, high, prune_evaluation_few_frames(evaluation) ? " few frames" : "");
    }
    return PRUNE_OK;
}

prune_status prune_evaluation_table(const prune_evaluation *evaluation, char **text)
{
    char *buffer = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&buffer, &size);
    if (!out) return prune_error_set(PRUNE_E_MEMORY, "out of memory for the report");
    prune_status status = print_table(out, evaluation);
    if (fclose(out) != 0 && status == PRUNE_OK)
        status = prune_error_set(PRUNE_E_MEMORY, "out of memory for the report");
    if (status == PRUNE_OK)
        *text = buffer;
    else
        free(buffer);
    return status;
}
