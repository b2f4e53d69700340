/* Sections of the page, each made from the JSON; a section that has nothing to show adds nothing.
 */
#ifndef PIPELINES_REPORT_PAGE_H
#define PIPELINES_REPORT_PAGE_H

#include "pipelines/report/text.h"

#include <prune/context.h>

void page_begin(text *t, const char *title);
void page_end(text *t);
/* What stands for before and after in every drawing. */
void page_legend(text *t, const char *before, const char *after);

void page_comparison(text *t, const json_t *report); /* before and after, goals, all stages */
/* Numbers of every stage, one column each. */
void page_stages(text *t, const json_t *report, const char *heading);
/* Accuracy over size, MACs and latency, one dot per stage; those that none beats in both are
 * joined. */
void page_pareto(text *t, const json_t *report);
void page_curves(text *t, const json_t *report);    /* rounds, sweep */
void page_network(text *t, const json_t *report);   /* what was cut */
void page_precision(text *t, const json_t *report); /* INT8 or FP32, and why */
void page_analysis(text *t, const json_t *report);  /* distance, region, edges, flicker */
void page_frames(text *t, prune_context *ctx, const char *folder, const json_t *report);
void page_origin(text *t, const json_t *report); /* times, machine, licence, how to do it again */

/* An <img> with the picture inside, at most `widest` pixels wide; nothing when it cannot be read.
 */
void page_picture(text *t, prune_context *ctx, const char *folder, const char *file,
                  const char *words, int widest);

#endif
