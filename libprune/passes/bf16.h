/* BF16 as a precision of whole models: which nodes can compute so, and which should. */
#ifndef PR_PASSES_BF16_H
#define PR_PASSES_BF16_H

#include "libprune/ops/ops.h"

typedef enum pr_floats {
    PR_FLOATS_RECORDED = 0, /* as the nodes say */
    PR_FLOATS_F32 = 1,
    PR_FLOATS_BF16 = 2 /* where pr_bf16_fits */
} pr_floats;

/* fits[n_nodes]: nodes with products that compute in floats (FP32 or BF16 alike), attention
 * included. Not the last layers, whose rounding would stand in the depth itself: they have one
 * output and cost next to nothing. `first`: also those that read the picture; whole models leave
 * them FP32 (a random Depth Anything V2 S: RMS 0.0199 instead of 0.0213, for one part in a hundred
 * of its products). */
prune_status pr_bf16_fits(const prune_model *model, bool first, bool *fits);

/* Lets every node that does not compute in INT8 do so in FP32 or BF16. */
prune_status pr_floats_set(prune_model *model, pr_floats floats);

#endif
