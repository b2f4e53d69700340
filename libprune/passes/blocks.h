/* Residual branches, which can be removed whole: add(x, f(x)) becomes x. */
#ifndef PR_PASSES_BLOCKS_H
#define PR_PASSES_BLOCKS_H

#include "libprune/graph/graph.h"

typedef struct pr_block {
    int32_t add;    /* the node add(x, f(x)) */
    int32_t stream; /* x */
    int32_t branch; /* f(x) */
} pr_block;

typedef struct pr_blocks {
    prune_context *ctx;
    pr_block *items; /* in the order of the graph */
    int32_t count;
} pr_blocks;

prune_status pr_blocks_create(pr_blocks *out, const prune_model *model);
void pr_blocks_free(pr_blocks *blocks);

/* dead[node] = 1 for the nodes that reach no output once these blocks (removed[i]) are gone. */
prune_status pr_blocks_dead(const pr_blocks *blocks, const prune_model *model, const bool *removed,
                            uint8_t *dead);

/* Rewires the removed blocks and drops what nothing reads any more. The model is unchanged when
 * this fails. Node numbers change: names are what lasts. */
prune_status pr_blocks_remove(prune_model *model, const pr_blocks *blocks, const bool *removed);

#endif
