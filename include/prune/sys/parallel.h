/* Offered to eval and pipelines, with weaker promises than the rest: parallel loops, progress,
 * cancellation, log. */
#ifndef PRUNE_SYS_PARALLEL_H
#define PRUNE_SYS_PARALLEL_H

#include <prune/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Runs body over [0, n) in pieces of at least `grain` and returns when all are done. The split
 * depends only on n, grain and the context's thread count; `lane` in [0, threads) identifies the
 * piece. Nested calls run serially. */
void prune_parallel_for(prune_context *context, int64_t n, int64_t grain,
                        void (*body)(void *argument, int64_t begin, int64_t end, int lane),
                        void *argument);

/* Reports `done` of `total` in `stage` to the context's progress callback. */
void prune_progress_report(prune_context *context, const char *stage, uint64_t done,
                           uint64_t total);
/* PRUNE_E_CANCELLED with a message when the context's cancel callback asks to stop. */
prune_status prune_cancel_check(prune_context *context);
/* One line, printf-like, for the context's log callback. */
void prune_log_write(prune_context *context, prune_log_level level, const char *format, ...);

#ifdef __cplusplus
}
#endif
#endif
