/* The record as CSV and as a table for a terminal. */
#include "pipelines/report/report.h"

#include <math.h>
#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static prune_status write_text(const record *r, const char *name, char *content)
{
    char *path = prune_path_join(r->ctx, r->options->output, name);
    prune_status status = PRUNE_E_MEMORY;
    if (!content)
        status = prune_error_set(PRUNE_E_MEMORY, "%s: out of memory", name);
    else if (path)
        status = prune_file_write(r->ctx, path, content, strlen(content));
    prune_memory_free(r->ctx, path);
    free(content);
    return status;
}

/* One line per stage; columns in a fixed order, then the protocol's metrics. */
static char *report_csv(const record *r)
{
    text t = {0};
    int32_t protocol = 0;
    const char *name;
    (void)prune_protocol_find(&protocol, r->options->protocol);
    text_add(&t, "stage,seconds,parameters,macs,int8_layers,file_bytes,packed_bytes,"
                 "latency_min_ms,latency_median_ms,session_bytes,judge_score");
    for (int32_t m = 0; r->shown && (name = prune_protocol_metric_name(protocol, m)); m++)
        text_add(&t, ",%s,%s_low,%s_high", name, name, name);
    text_add(&t, "\n");
    for (int32_t i = 0; i < r->count; i++) {
        const stage *s = r->stages[i];
        text_add(&t, "%s,%.3f,%llu,%llu,%d,%llu,%llu,%.4f,%.4f,%llu,%.9g", s->name, s->seconds,
                 (unsigned long long)s->info.parameters, (unsigned long long)s->info.macs,
                 s->info.int8_layers, (unsigned long long)s->file_bytes,
                 (unsigned long long)s->packed_bytes, s->latency.minimum, s->latency.median,
                 (unsigned long long)s->latency.memory, s->score);
        for (int32_t m = 0; s->evaluation && (name = prune_protocol_metric_name(protocol, m));
             m++) {
            double mean = NAN, low = NAN, high = NAN;
            (void)prune_evaluation_mean(s->evaluation, name, &mean, &low, &high);
            text_add(&t, ",%.9g,%.9g,%.9g", mean, low, high);
        }
        text_add(&t, "\n");
    }
    return text_take(&t);
}

prune_status report_write(const record *r)
{
    json_t *json = record_json(r);
    if (!json) return prune_error_set(PRUNE_E_MEMORY, "report: out of memory");
    prune_status status = write_text(r, "report.json", json_dumps(json, JSON_INDENT(1)));
    if (status == PRUNE_OK) status = write_text(r, "report.csv", report_csv(r));
    if (status == PRUNE_OK) status = write_text(r, "report.html", report_html(json));
    json_decref(json);
    return status;
}

static void row_of(text *t, const record *r, const char *label, const char *unit,
                   double (*value)(const record *, const stage *), int digits)
{
    const double first = value(r, record_first(r));
    text_add(t, "%-24s", label);
    for (int32_t s = 0; s < r->count; s++) text_add(t, "%12.*f", digits, value(r, r->stages[s]));
    const double last = value(r, record_last(r));
    if (first > 0 && last > 0) text_add(t, "%9.1f %%", 100.0 * last / first);
    text_add(t, "  %s\n", unit);
}

static double row_metric(const record *r, const stage *s)
{
    double mean = NAN;
    if (s->evaluation)
        (void)prune_evaluation_mean(s->evaluation, r->options->metric, &mean, NULL, NULL);
    return mean;
}
static double row_delta1(const record *r, const stage *s)
{
    double mean = NAN;
    (void)r;
    if (s->evaluation) (void)prune_evaluation_mean(s->evaluation, "d1", &mean, NULL, NULL);
    return mean;
}
static double row_score(const record *r, const stage *s)
{
    (void)r;
    return s->score;
}
static double row_params(const record *r, const stage *s)
{
    (void)r;
    return (double)s->info.parameters / 1e6;
}
static double row_macs(const record *r, const stage *s)
{
    (void)r;
    return (double)s->info.macs / 1e9;
}
static double row_file(const record *r, const stage *s)
{
    (void)r;
    return (double)s->file_bytes / 1e6;
}
static double row_packed(const record *r, const stage *s)
{
    (void)r;
    return (double)s->packed_bytes / 1e6;
}
static double row_memory(const record *r, const stage *s)
{
    (void)r;
    return (double)s->latency.memory / 1e6;
}
static double row_minimum(const record *r, const stage *s)
{
    (void)r;
    return s->latency.minimum;
}
static double row_median(const record *r, const stage *s)
{
    (void)r;
    return s->latency.median;
}

static void conclude(text *t, const record *r)
{
    const stage *first = record_first(r), *last = record_last(r);
    double change = 0, low = 0, high = 0;
    if (first == last) return;
    text_add(t,
             "\npacked file: %.1f %% of the FP32 safetensors; %.2f times faster (minimum), "
             "%.2f times (median)",
             100.0 * (double)last->packed_bytes / (double)first->file_bytes,
             first->latency.minimum / last->latency.minimum,
             first->latency.median / last->latency.median);
    if (first->evaluation &&
        prune_evaluation_difference(first->evaluation, last->evaluation, r->options->metric,
                                    &change, &low, &high) == PRUNE_OK)
        text_add(t, "; %s %+.4f [%+.4f, %+.4f]%s", r->options->metric, change, low, high,
                 prune_evaluation_few_frames(first->evaluation) ? " (few frames)" : "");
    text_add(t, "\n");
}

prune_status report_table(const record *r, char **out)
{
    text t = {0};
    text_add(&t, "%-24s", "");
    for (int32_t s = 0; s < r->count; s++) text_add(&t, "%12s", r->stages[s]->name);
    text_add(&t, "%11s\n", "of before");
    if (r->shown) {
        char label[64];
        (void)snprintf(label, sizeof label, "%s (%s)", r->options->metric, r->shown_role);
        row_of(&t, r, label, "", row_metric, 4);
        if (isfinite(row_delta1(r, record_first(r)))) row_of(&t, r, "delta1", "", row_delta1, 4);
    }
    row_of(&t, r, "judge's score", prune_judge_describe(r->judge), row_score, 4);
    row_of(&t, r, "parameters", "M", row_params, 3);
    row_of(&t, r, "MACs", "G", row_macs, 3);
    row_of(&t, r, "safetensors", "MB", row_file, 3);
    row_of(&t, r, "packed", "MB", row_packed, 3);
    row_of(&t, r, "session memory", "MB", row_memory, 1);
    row_of(&t, r, "latency, minimum", "ms", row_minimum, 2);
    row_of(&t, r, "latency, median", "ms", row_median, 2);
    conclude(&t, r);
    *out = text_take(&t);
    return *out ? PRUNE_OK : prune_error_set(PRUNE_E_MEMORY, "table: out of memory");
}
