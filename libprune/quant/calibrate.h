/* Calibration: runs the float model over views of the images and observes the values that INT8
 * layers read. A value is observed once, however many layers read it: they share its scales, so
 * that it is quantized once. */
#ifndef PR_QUANT_CALIBRATE_H
#define PR_QUANT_CALIBRATE_H

#include "libprune/interpreter/interpreter.h"
#include "libprune/passes/shapes.h"
#include "libprune/quant/observer.h"

#include <prune/samples.h>

/* What is observed of a value. */
typedef enum pr_watch {
    PR_WATCH_NONE = 0,
    PR_WATCH_TENSOR = 1, /* one range */
    PR_WATCH_CHANNEL = 2 /* one per channel */
} pr_watch;

typedef struct pr_calibration {
    prune_context *ctx;
    const prune_model *model; /* structure must not change while observing */
    int32_t n_nodes;
    pr_observer *observers; /* per node; channels 0: not watched */
    uint64_t views;         /* seen so far */
} pr_calibration;

/* watch: per node of the model. */
prune_status pr_calibration_create(pr_calibration *out, const prune_model *model,
                                   const pr_watch *watch, pr_observer_kind kind);
void pr_calibration_free(pr_calibration *calibration);

/* Observes `views` views: pictures spread over the samples first, then, when there are more views
 * than samples, augmented ones. Deterministic for a seed. */
prune_status pr_calibration_run(pr_calibration *calibration, prune_samples *samples, int32_t views,
                                uint64_t seed);

/* How ranges become grids. */
typedef struct pr_grid_rule {
    double percentile; /* of the observer with that name */
    double margin;     /* ranges are widened by this share on both sides */
    bool zero_point;
} pr_grid_rule;

/* Scale and zero point tensors ([1] or [C]) of a watched value. The picture itself is not a matter
 * of observing: its grid covers black to white. */
prune_status pr_calibration_grids(const pr_calibration *calibration, int32_t node,
                                  const pr_grid_rule *rule, pr_tensor *scale, pr_tensor *zero);

#endif
