/* Reports. Everything here is made from report.json alone, and from the pictures that lie beside
 * it, so that a run directory is enough to make it again. */
#ifndef PIPELINES_REPORT_H
#define PIPELINES_REPORT_H

#include "pipelines/report/text.h"

#include <prune/context.h>

/* report.json, report.csv and report.html into a folder. */
prune_status report_write(prune_context *ctx, const char *folder, const json_t *report);
/* The same without report.json, which is there already. */
prune_status report_render(prune_context *ctx, const char *folder, const json_t *report);
/* report.json of a folder; free with json_decref. Errors say what is wrong with the file. */
prune_status report_read(json_t **out, prune_context *ctx, const char *folder);

/* Each is NULL when memory runs out, else freed with free(). */
char *report_csv(const json_t *report);
char *report_table(const json_t *report); /* for a terminal */
char *report_verdict(const json_t *report);
/* One self-contained page; the pictures are read from the folder (NULL: it has none). */
char *report_page(prune_context *ctx, const char *folder, const json_t *report);

#endif
