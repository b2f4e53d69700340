/* The integer form of a node's weights, derived from its precision record (graph.h).
 *
 *   W'[o,k]  = W[o,k] * input_scale[c(k)]          (1 with dynamic input or none)
 *   scale[o] = max_k |W'[o,k]| / 127
 *   w8[o,k]  = clamp(rne(W'[o,k] / scale[o]), -127, 127)
 *   bias'[o] = bias[o] - scale[o] * sum_k w8[o,k] * input_zero[c(k)]
 *
 * so that y[o] = fma(float(sum_k q[k] * w8[o,k]), scale[o], bias'[o]) with q the quantized input
 * (kernels/integer.h). Everything is computed in double and rounded once: the same integers on
 * every machine. Session, interpreter and packed files rest on this one derivation. */
#ifndef PR_PASSES_INTEGER_H
#define PR_PASSES_INTEGER_H

#include "libprune/ops/ops.h"

/* Rows as the integer matrix product takes them, each `depth` long without gaps. conv: row = output
 * channel, k = (ky, kx, input channel). linear: k = input channel. conv_transpose: row = (ky, kx,
 * output channel), k = input channel; all taps of an output channel share its scale. */
typedef struct pr_integer {
    int64_t rows, depth;
    int64_t channels; /* input channels: c(k) = k % channels */
    pr_tensor weight; /* I8 [rows, depth] */
    pr_tensor scale;  /* F32 [rows] */
    pr_tensor bias;   /* F32 [rows], corrected; present also when the node has none */
} pr_integer;

/* Float or baked I8 weights alike. The node must be one that pr_integer_possible accepts; its
 * input_scale and input_zero are checked against the weight. */
prune_status pr_integer_derive(pr_integer *out, const prune_model *model, int32_t node);
void pr_integer_free(pr_integer *integer);

/* An operator that the INT8 kernels run: linear, conv_transpose, conv without groups. */
bool pr_integer_possible(const prune_model *model, int32_t node);

/* Replaces the node's float weight by its integers (same layout, dtype I8) and fills
 * precision.weight_scale. Already baked: nothing to do. */
prune_status pr_integer_bake(prune_model *model, int32_t node);
/* The weight as floats in its own layout: what the integers stand for when it is baked,
 * W = w8 * weight_scale[o] / input_scale[c]. */
prune_status pr_integer_dequantize(pr_tensor *out, const prune_model *model, int32_t node);
/* Float weights as the integers see them (quantized and back), in the weight's own layout. */
prune_status pr_integer_round_trip(pr_tensor *out, const prune_model *model, int32_t node);

/* Layers whose result reaches an output without another layer in between. last has n_nodes entries.
 */
prune_status pr_integer_last_layers(const prune_model *model, bool *last);
/* Nodes that stay floating point unless asked for: those whose result reaches an output without
 * another layer in between (last convolution), and those that read the picture (first convolution,
 * patch embedding) where they take at most a twentieth of the multiply-adds at the model's own size.
 * keep has n_nodes entries. */
prune_status pr_integer_default_float(const prune_model *model, bool *keep);

#endif
