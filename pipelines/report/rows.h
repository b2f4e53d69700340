/* The rows of the before/after table: one list for terminal and page. */
#ifndef PIPELINES_REPORT_ROWS_H
#define PIPELINES_REPORT_ROWS_H

#include "pipelines/report/text.h"

enum { REPORT_NEITHER, REPORT_LESS, REPORT_MORE }; /* what is better */

typedef struct report_row {
    const char *label, *unit;
    const char *path; /* in a stage */
    double scale;     /* shown value = value / scale */
    int digits;
    int better;
} report_row;
size_t report_rows(const report_row **out);
/* Of a metric by name: d1, d2 and d3 are shares of good pixels, everything else is an error. */
bool report_more_is_better(const char *metric);
/* ", m" and so on, "" for plain ratios. */
const char *report_metric_unit(const char *metric, const char *protocol);
/* " (estimate)" for rows of energy in which any number was not measured, else "". */
const char *report_estimate(const json_t *report, const char *path);
/* Whether any stage has a number there. */
bool report_has(const json_t *report, const char *path);

#endif
