/* Rounding that knows its inputs. For a layer with quantized input rows a (in steps, zero points
 * taken off) and weights W' (input scales absorbed), from sampled rows of calibration pictures:
 *
 *   H = mean(a a^T) + ridge, with a constant 1 appended to a for the bias
 *   refit:  W' += H^-1 mean(a (x - a)^T) W'      x: the float input in steps; the weights absorb
 *                                               what rounding and clipping the input does
 *   feedback: H = (U + I) D (U + I)^T, U strictly upper; in the order of the columns
 *             w8_k = rne(w_k + sum_{j<k} (w_j - w8_j) U_jk), the bias last and unrounded
 *
 * so that each weight's rounding error is made up for by the weights after it (GPTQ and LDLQ are
 * this recursion). The result is stored as floats that quantize to exactly these integers. */
#ifndef PR_QUANT_ROUNDING_H
#define PR_QUANT_ROUNDING_H

#include "libprune/ops/ops.h"

#include <prune/samples.h>

/* Parameters of a node to use while it computes in INT8; empty: its own. */
typedef struct pr_rounded {
    pr_tensor weight, bias; /* F32, the parameters' shapes */
} pr_rounded;

typedef struct pr_rounding {
    prune_context *ctx;
    int32_t n_nodes;
    pr_rounded *nodes;
} pr_rounding;

/* Rounds every node with wanted[node], whose records must be filled; a node must have a bias.
 * Looks at `views` pictures spread over the samples. Layers with more than 4096 inputs per output
 * are left to rounding to the nearest. */
prune_status pr_rounding_create(pr_rounding *out, const prune_model *model, const bool *wanted,
                                prune_samples *samples, int32_t views, uint64_t seed);
void pr_rounding_free(pr_rounding *rounding);

/* Exchanges the node's parameters with the stored ones. */
void pr_rounding_swap(pr_rounding *rounding, prune_model *model, int32_t node);

#endif
