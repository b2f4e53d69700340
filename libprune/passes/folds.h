/* Folds that change weights. They run before calibration and are recorded in the model's history.
 */
#ifndef PR_PASSES_FOLDS_H
#define PR_PASSES_FOLDS_H

#include "libprune/graph/graph.h"

/* LayerScale: a `scale` node right after a linear, conv or conv_transpose that nothing else reads
 * moves into its weight and bias: W'[o,:] = s[o] W[o,:], b'[o] = s[o] b[o]. Layers whose integers
 * are baked stay as they are. *folded receives the number of nodes removed; node numbers change.
 * The model is unchanged when this fails. */
prune_status pr_fold_scales(prune_model *model, int32_t *folded);

#endif
