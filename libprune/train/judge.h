/* The judge: one number that says how good a model is, on pictures that it was not tuned on. */
#ifndef PR_TRAIN_JUDGE_H
#define PR_TRAIN_JUDGE_H

#include "libprune/interpreter/interpreter.h"
#include "libprune/train/feed.h"
#include "libprune/train/loss.h"

/* Either a metric over labelled samples, or (metric NULL) the mean error on plain views from
 * `held`: against the reference's output, else against ground truth. The error is the L1 of the
 * log-depth, or of the normalised inverse depth where outputs are relative. */
typedef struct pr_judge {
    prune_context *ctx;
    prune_samples *samples; /* with metric */
    prune_metric *metric;
    pr_feed *held; /* without */
    const prune_model *reference;
} pr_judge;

/* "abs_rel", or what the error above is called. */
const char *pr_judge_name(const pr_judge *judge, const prune_model *model);
prune_status pr_judge_score(const pr_judge *judge, const prune_model *model, double *score);
/* Is score a better than b? NaN is never better. */
bool pr_judge_better(const pr_judge *judge, double a, double b);

/* FAKE when the model has nodes that compute in INT8, so that judge and tuning see the rounding. */
pr_mode pr_train_mode(const prune_model *model);

#endif
