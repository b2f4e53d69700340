/* Shared inside the room. */
#ifndef PIPELINES_RUN_H
#define PIPELINES_RUN_H

#include <prune/pipeline.h>

/* Predicts one frame and gives it to the metric. */
prune_status run_add_frame(prune_context *ctx, prune_session *session, prune_samples *samples,
                           uint64_t index, prune_metric *metric);
double run_now(void); /* seconds, monotonic */

#endif
