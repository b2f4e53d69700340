/* The before/after table for a terminal. */
#include "pipelines/report/report.h"
#include "pipelines/report/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Runs side by side: no column is what came of another. */
static bool is_joined(const json_t *report)
{
    return strcmp(report_word(report, "kind"), "joined") == 0;
}

/* One row over all stages; left out where no stage has the number. */
static void add_row(text *t, const json_t *report, const report_row *row)
{
    const json_t *stage;
    size_t s;
    if (!report_has(report, row->path)) return;
    text_add(t, "%-24s", row->label);
    json_array_foreach(report_stages(report), s, stage)
    {
        const double value = report_number(stage, row->path);
        if (isnan(value))
            text_add(t, "%12s", "-");
        else
            text_add(t, "%12.*f", row->digits, value / row->scale);
    }
    const double first = report_number(report_first(report), row->path),
                 last = report_number(report_last(report), row->path);
    if (row->better != REPORT_NEITHER && first > 0 && last > 0 && !is_joined(report))
        text_add(t, "%9.1f %%", 100.0 * last / first);
    text_add(t, "  %s%s\n", row->unit, report_estimate(report, row->path));
}

static void add_metric(text *t, const json_t *report, const char *metric, const char *label)
{
    char path[64];
    (void)snprintf(path, sizeof path, "accuracy.%.40s.mean", metric);
    add_row(t, report, &(report_row){label, "", path, 1, 4, REPORT_LESS});
}

static void conclude(text *t, const json_t *report)
{
    const json_t *note;
    size_t i;
    char *verdict = is_joined(report) ? NULL : report_verdict(report);
    if (verdict && *verdict) text_add(t, "\n%s\n", verdict);
    free(verdict);
    json_array_foreach(report_at(report, "notes"), i, note)
        text_add(t, "\n%s\n", json_string_value(note));
}

char *report_table(const json_t *report)
{
    text t = {0};
    const json_t *stage;
    const report_row *rows;
    size_t s;
    text_add(&t, "%-24s", "");
    json_array_foreach(report_stages(report), s, stage)
        text_add(&t, "%12.11s", report_word(stage, "name"));
    text_add(&t, "%11s\n", is_joined(report) ? "" : "of before");
    if (report_at(report, "accuracy_on")) {
        const char *metric = report_word(report, "accuracy_on.metric");
        char label[64];
        (void)snprintf(label, sizeof label, "%.20s (%.20s)", metric,
                       report_word(report, "accuracy_on.role"));
        add_metric(&t, report, metric, label);
        if (strcmp(metric, "d1") != 0) add_metric(&t, report, "d1", "delta1");
    }
    add_row(&t, report,
            &(report_row){"judge's score", report_word(report, "judge"), "judge_score", 1, 4,
                          REPORT_LESS});
    const size_t count = report_rows(&rows);
    for (size_t r = 0; r < count; r++) add_row(&t, report, &rows[r]);
    conclude(&t, report);
    return text_take(&t);
}
