/* Small made-up graphs with seeded random weights, for tests of passes and pruning. */
#ifndef TESTS_GRAPHS_H
#define TESTS_GRAPHS_H

#include "libprune/ops/ops.h"

typedef struct test_graph {
    prune_model *model;
    uint64_t seed;
} test_graph;

/* An empty model with an input of height x width x 3 (node 0). */
test_graph test_graph_create(prune_context *ctx, int32_t height, int32_t width, uint64_t seed);
/* One or two inputs (second: PR_NONE without), attributes given or neutral (NULL). */
int32_t test_graph_node(test_graph *g, pr_op_kind op, const char *name, int32_t first,
                        int32_t second, const pr_attrs *attrs);
/* Square kernel, padding kernel / 2, random weights and biases. */
int32_t test_graph_conv(test_graph *g, const char *name, int32_t in, int64_t in_channels,
                        int64_t out_channels, int64_t kernel, int32_t stride, int32_t groups);
int32_t test_graph_conv_transpose(test_graph *g, const char *name, int32_t in, int64_t in_channels,
                                  int64_t out_channels, int32_t factor);
int32_t test_graph_linear(test_graph *g, const char *name, int32_t in, int64_t in_channels,
                          int64_t out_channels);
int32_t test_graph_norm(test_graph *g, const char *name, int32_t in, int64_t channels);
/* q, k, v, attention and projection: <name>.q ... <name>.proj; returns the projection. */
int32_t test_graph_attention(test_graph *g, const char *name, int32_t in, int64_t channels,
                             int32_t heads, int32_t qk_width, int32_t v_width);
/* Makes `node` the output. */
void test_graph_finish(test_graph *g, int32_t node);

/* A network like RT-MonoDepth-S of `channels` instead of 64 channels: strided encoder with
 * leaky ReLU, reflect-padded decoder with ELU and nearest upsampling, sigmoid disparity. */
prune_model *test_graph_encoder_decoder(prune_context *ctx, int32_t height, int32_t width,
                                        int32_t channels, uint64_t seed);
/* A tiny Depth Anything V2 with metric output: 4 blocks, 2 heads, width 16, 28 x 42. */
prune_model *test_graph_transformer(prune_context *ctx, uint64_t seed);

#endif
