#ifndef PIPELINES_REPORT_ACCURACY_H
#define PIPELINES_REPORT_ACCURACY_H

#include <prune/eval.h>
#include <prune/sys/json.h>

/* {"abs_rel": {"mean", "ci95": [low, high], "change", "change_ci95"}, ...} in the protocol's order;
 * the change is that from `before` over the same frames, left out where both are the same. */
json_t *report_accuracy(const prune_evaluation *before, const prune_evaluation *evaluation,
                        const char *protocol);
/* accuracy and the evaluation with all its frames as members of a stage's object. */
prune_status report_add_accuracy(json_t *stage, const prune_evaluation *before,
                                 const prune_evaluation *evaluation, const char *protocol);

#endif
