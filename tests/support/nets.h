/* Small made-up networks that together use every operator. Seeded weights. */
#ifndef TESTS_NETS_H
#define TESTS_NETS_H

#include "libprune/graph/graph.h"

/* Convolutional encoder-decoder: strides, reflect padding, elu, nearest and bilinear upsampling,
 * concatenation, residual, depthwise and grouped convolutions, sigmoid. Any size divisible by 4. */
prune_model *net_conv(prune_context *ctx);

/* Vision transformer with a small dense head: patch 4, width 12, 3 heads, 2 blocks, LayerScale,
 * taps, transposed convolution, aligned-corners resize, metric output. Sizes divisible by 4. */
prune_model *net_vit(prune_context *ctx);
/* The same with gated MLPs. */
prune_model *net_gated(prune_context *ctx);

/* Appends a node with seeded parameters. weight/bias NULL: without. */
int32_t net_node(prune_model *model, pr_op_kind op, const char *name, const int32_t *inputs,
                 int32_t n_inputs, const pr_attrs *attrs, const pr_shape *weight,
                 const pr_shape *bias);

#endif
