/* Panels: the linear maps that read a channel space, with the statistics of what they read.
 *
 * A panel is one group of one consumer (convolution, transposed convolution, linear layer) seen as
 * outputs = weight [outputs, rows] * x [rows], where x holds the unfolded input (kernel taps x
 * channels) and, where the layer has a bias, a constant 1 at the end. H = mean(x x^T) says which
 * inputs can stand in for others; G, the covariance of the output's gradient, says which outputs
 * matter. Closed-form refit: minimise (W' - W) H (W' - W)^T with the removed rows at 0, so
 * W'_k = W_k + W_r H_rk H_kk^-1. */
#ifndef PR_PRUNING_PANELS_H
#define PR_PRUNING_PANELS_H

#include "libprune/base/random.h"
#include "libprune/interpreter/interpreter.h"

typedef struct pr_panel {
    int32_t node, group;
    int32_t first;   /* first channel of the input value that it reads */
    int32_t columns; /* channels that it reads */
    int32_t taps;    /* kernel positions; row = tap * columns + channel - first */
    int64_t inputs;  /* taps * columns */
    int64_t rows;    /* inputs, plus 1 with a bias */
    int64_t outputs; /* rows of the weight; a transposed convolution has one per kernel position */
    float *weight;   /* [outputs, rows], as it was */
    double *h;       /* [rows, rows] */
    double *g;       /* [outputs, outputs] */
    int64_t n_inputs, n_gradients; /* samples in h and g */
} pr_panel;

typedef struct pr_panels {
    prune_context *ctx;
    pr_panel *items;
    int32_t count;
    int64_t largest; /* rows or outputs of the largest panel */
    float *scratch;  /* per thread: positions x largest + largest x largest floats */
    int64_t positions;
} pr_panels;

/* Panels of the nodes with wanted[node] != 0. positions: samples taken from each view. gradients:
 * G will be observed as well. */
prune_status pr_panels_create(pr_panels *out, const prune_model *model, const uint8_t *wanted,
                              int32_t positions, bool gradients);
void pr_panels_free(pr_panels *panels);

/* Adds inputs of the values that `run` (batch 1, keep) holds, at random positions. */
void pr_panels_observe(pr_panels *panels, const prune_model *model, const pr_run *run,
                       uint64_t seed);
/* Adds gradients of one node's output. */
prune_status pr_panels_observe_gradient(pr_panels *panels, const prune_model *model, int32_t node,
                                        const pr_tensor *gradient, uint64_t seed);
/* Divides by the sample counts, adds ridge * mean(diag H) to H's diagonal and 0.01 * mean(diag G)
 * to G's. */
void pr_panels_finish(pr_panels *panels, double ridge);

/* Weights of `node` in `model` for a cut: removed[channel] != 0 for channels of its input value
 * that go. Their weights become 0; with refit the others take over what they can. */
prune_status pr_panels_refit(const pr_panels *panels, prune_model *model, int32_t node,
                             const uint8_t *removed, bool refit);

#endif
