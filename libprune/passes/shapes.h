/* Whole-graph validation, shapes, cost and size. */
#ifndef PR_PASSES_SHAPES_H
#define PR_PASSES_SHAPES_H

#include "libprune/ops/ops.h"

/* Checks the whole graph for an input [batch, height, width, 3] and writes the shape of every
 * value into shapes[n_nodes]. Whatever passes here runs without further checks. */
prune_status pr_shapes_infer(const prune_model *model, int64_t batch, int64_t height, int64_t width,
                             pr_shape *shapes);

uint64_t pr_shapes_macs(const prune_model *model, const pr_shape *shapes);
uint64_t pr_node_macs(const prune_model *model, const pr_shape *shapes, int32_t node);
/* MACs of one image at height x width; 0 x 0: the model's own input size. */
prune_status pr_model_macs(const prune_model *model, int64_t height, int64_t width, uint64_t *macs);

uint64_t pr_model_params(const prune_model *model);
/* As stored: weights of INT8 nodes at one byte plus their scales, the rest by dtype. */
uint64_t pr_model_bytes(const prune_model *model);

/* The network input's own size: the preprocessing rule's width and height. */
void pr_model_input_size(const prune_model *model, int64_t *height, int64_t *width);

/* Remembers MACs, parameters and bytes as the model's origin unless it has one already: the
 * denominators of "--macs 0.6". */
prune_status pr_model_set_origin(prune_model *model);

#endif
