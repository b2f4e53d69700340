/* One sample at a time as network input, with a run of the size that its picture asks for. */
#ifndef PR_QUANT_VIEWS_H
#define PR_QUANT_VIEWS_H

#include "libprune/interpreter/interpreter.h"
#include "libprune/samples/augment.h"

typedef struct pr_viewer {
    prune_context *ctx;
    const prune_model *model;
    pr_run_options options;
    pr_run *run;            /* fits the latest input; kept while the size stays the same */
    int32_t width, height;  /* network input */
    float *input;           /* [height, width, 3] */
    prune_samples *samples; /* of `sample`, while loaded */
    prune_sample sample;
} pr_viewer;

prune_status pr_viewer_open(pr_viewer *out, const prune_model *model,
                            const pr_run_options *options);
void pr_viewer_close(pr_viewer *viewer);
/* Decodes sample `index`, renders a view of it into input (augment NULL: as it is) and makes the
 * run fit. Unloads what was loaded before. */
prune_status pr_viewer_load(pr_viewer *viewer, prune_samples *samples, uint64_t index,
                            const pr_augment *augment, pr_random *random);
void pr_viewer_unload(pr_viewer *viewer);

#endif
