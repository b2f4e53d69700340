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
void page_curves(text *t, const json_t *report);     /* rounds, sweep */
void page_frames(text *t, prune_context *ctx, const char *folder, const json_t *report);
void page_origin(text *t, const json_t *report); /* times, machine, licence, how to do it again */

/* An <img> with the picture inside, at most `widest` pixels wide; nothing when it cannot be read.
 */
void page_picture(text *t, prune_context *ctx, const char *folder, const char *file,
                  const char *words, int widest);

#endif
