/* Reports made from the loop's record: table, JSON, CSV, HTML, pictures. */
#ifndef PIPELINES_REPORT_H
#define PIPELINES_REPORT_H

#include "pipelines/run/record.h"

/* report.json, report.csv and report.html into the output folder. */
prune_status report_write(const record *r);
/* The before/after table for a terminal; free with prune_text_free. */
prune_status report_table(const record *r, char **text);
/* One self-contained page from the JSON, pictures by relative name. Free with free(). */
char *report_html(const json_t *report);
/* Draws the frames into output/pictures and lists them in r->pictures. */
prune_status report_pictures(record *r);

/* Text that grows. Failure to grow is remembered and reported by text_take. */
typedef struct text {
    char *data;
    size_t length, capacity;
    bool failed;
} text;
void text_add(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Hands the text over (free with free()), or NULL when memory ran out. */
char *text_take(text *t);

#endif
