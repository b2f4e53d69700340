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
/* Whether any stage has a number there. */
bool report_has(const json_t *report, const char *path);

#endif
