/* The interpreter defines what a model means: node by node, FP32 or exact integers. */
#ifndef PR_INTERPRETER_H
#define PR_INTERPRETER_H

#include "libprune/ops/ops.h"

typedef struct pr_run pr_run;

typedef enum pr_mode {
    PR_MODE_FLOAT = 0, /* FP32 everywhere (I8 weights are dequantized, BF16 does not round) */
    PR_MODE_EXACT = 1, /* nodes annotated INT8 compute with portable integers, int32 sums */
    PR_MODE_FAKE = 2,  /* nodes annotated INT8 see fake-quantized inputs and weights; differentiable
                          with the straight-through estimator. BF16 nodes compute as in EXACT */
    PR_MODE_PLAIN = 3  /* FP32 everywhere, without the kernels of the context's instruction set
                          that the other modes share with sessions: each operator's own forward */
} pr_mode;

typedef struct pr_run_options {
    pr_mode mode;
    bool keep; /* keep every value (needed for backward and for pr_run_value on any node) */
    /* Called after each node with its freshly computed output, which it may change. */
    prune_status (*on_value)(void *user, int32_t node, pr_tensor *value);
    /* A parameter seen through something else: return a tensor to use instead of the stored one
     * (same shape, F32), or NULL. */
    const pr_tensor *(*view_param)(void *user, int32_t param);
    void *user;
} pr_run_options;

/* Plans one input size. The model must outlive the run and keep its structure; parameter values
 * may change between forwards (the run reads them anew). */
prune_status pr_run_create(pr_run **out, const prune_model *model, int64_t batch, int64_t height,
                           int64_t width, const pr_run_options *options);
void pr_run_free(pr_run *run);

/* input: [batch, H, W, 3], preprocessed. Output of pr_run_output() is valid until the next call. */
prune_status pr_run_forward(pr_run *run, const float *input);
/* Recomputes only nodes that depend on `node`, whose value stays as it is (keep must be set). */
prune_status pr_run_forward_after(pr_run *run, int32_t node);
/* Recomputes `node` itself and everything after it. */
prune_status pr_run_forward_from(pr_run *run, int32_t node);
/* Recomputes every node with changed[node] != 0 and everything after those. */
prune_status pr_run_forward_changed(pr_run *run, const uint8_t *changed);

/* Value of a node (keep), of an output always. NULL when not kept. */
const pr_tensor *pr_run_value(const pr_run *run, int32_t node);
/* First output: [batch, H, W, 1]. */
const pr_tensor *pr_run_output(const pr_run *run);
const pr_shape *pr_run_shape(const pr_run *run, int32_t node);

/* Gradients of all trainable parameters, one tensor per model parameter (empty where not
 * trainable). */
typedef struct pr_grads {
    prune_context *ctx;
    pr_tensor *params;
    int32_t n_params;
} pr_grads;
prune_status pr_grads_create(pr_grads *out, const prune_model *model);
void pr_grads_zero(pr_grads *grads);
void pr_grads_free(pr_grads *grads);

/* Back-propagates d_output (shape of the first output) after a forward with keep. Adds into grads
 * (may be NULL). If on_gradient is given it sees the gradient of each node's value once complete,
 * also for nodes without trainable parameters. */
prune_status pr_run_backward(pr_run *run, const float *d_output, pr_grads *grads,
                             prune_status (*on_gradient)(void *user, int32_t node,
                                                         const pr_tensor *gradient),
                             void *user);

#endif
