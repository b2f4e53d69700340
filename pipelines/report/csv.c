/* The report as comma-separated values: one line per stage. */
#include "pipelines/report/report.h"

#include <math.h>
#include <string.h>

typedef struct column {
    const char *name, *path;
} column;

/* Columns of every report, in this order; a cell is empty where a stage has no such number. */
static const column columns[] = {
    {"seconds", "seconds"},
    {"parameters", "parameters"},
    {"macs", "macs"},
    {"int8_layers", "int8_layers"},
    {"file_bytes", "file_bytes"},
    {"packed_bytes", "packed_bytes"},
    {"latency_min_ms", "latency_ms.minimum"},
    {"latency_median_ms", "latency_ms.median"},
    {"latency_p95_ms", "latency_ms.p95"},
    {"energy_mj", "energy_mj.value"},
    {"session_bytes", "session_bytes"},
    {"judge_score", "judge_score"},
};

/* Quoted as RFC 4180 says, where that is needed. */
static void add_name(text *t, const char *s)
{
    if (!strpbrk(s, ",\"\n\r")) {
        text_add(t, "%s", s);
        return;
    }
    text_add(t, "\"");
    for (; *s; s++) text_add(t, *s == '"' ? "\"\"" : "%c", *s);
    text_add(t, "\"");
}

static void add_number(text *t, double value)
{
    text_add(t, ",");
    if (!isnan(value)) text_add(t, value == floor(value) ? "%.0f" : "%.9g", value);
}

char *report_csv(const json_t *report)
{
    text t = {0};
    const json_t *metrics = report_at(report_first(report), "accuracy"), *stage, *unused;
    const char *metric;
    size_t s;
    text_add(&t, "stage");
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++)
        text_add(&t, ",%s", columns[c].name);
    json_object_foreach((json_t *)(uintptr_t)metrics, metric, unused)
        text_add(&t, ",%s,%s_low,%s_high", metric, metric, metric);
    text_add(&t, "\n");
    json_array_foreach(report_stages(report), s, stage)
    {
        add_name(&t, report_word(stage, "name"));
        for (size_t c = 0; c < sizeof columns / sizeof *columns; c++)
            add_number(&t, report_number(stage, columns[c].path));
        json_object_foreach((json_t *)(uintptr_t)metrics, metric, unused)
        {
            const json_t *cell = json_object_get(report_at(stage, "accuracy"), metric);
            add_number(&t, report_number(cell, "mean"));
            add_number(&t, report_number(cell, "ci95.0"));
            add_number(&t, report_number(cell, "ci95.1"));
        }
        text_add(&t, "\n");
    }
    return text_take(&t);
}
