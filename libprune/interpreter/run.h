/* Inside of a run, shared by the interpreter's files. */
#ifndef PR_INTERPRETER_RUN_H
#define PR_INTERPRETER_RUN_H

#include "libprune/interpreter/interpreter.h"
#include "libprune/passes/integer.h"
#include "libprune/passes/shapes.h"

struct pr_run {
    prune_context *ctx;
    const prune_model *model;
    pr_run_options options;
    pr_shape *shapes;     /* per node */
    pr_tensor *values;    /* per node; empty when not computed or given back */
    pr_tensor *saved;     /* per node, with keep: what forward leaves for backward */
    pr_tensor *gradients; /* per node, during backward */
    int32_t *last_use;    /* per node: the last node that reads it */
    bool *dirty;          /* per node, scratch of partial runs and of backward */
    pr_tensor *floats;    /* per parameter: F32 conversion of a stored half or integer */
    const void **sources; /* per parameter: the memory that `floats` was made from */
    pr_tensor *spares;    /* buffers to use again */
    size_t n_spares, spare_capacity;
};

/* A float buffer of this shape, content undefined; give returns it for later use. */
prune_status pr_run_take(pr_run *run, const pr_shape *shape, pr_tensor *out);
void pr_run_give(pr_run *run, pr_tensor *tensor);
prune_status pr_run_param(pr_run *run, const pr_node *node, int32_t slot, const pr_tensor **out);
/* Inputs, parameters and output of a node as its operator wants them. */
prune_status pr_run_call(pr_run *run, int32_t index, pr_op_call *call);

/* Forward of a float node in the mode EXACT (floats.c): the session's kernels, node by node. */
prune_status pr_run_kernel_forward(pr_op_call *call);

/* Annotated INT8 nodes with weights (integer.c). In the modes EXACT and FAKE: does this node
 * compute through integers? */
bool pr_run_is_integer(const pr_run *run, int32_t index);
prune_status pr_run_integer_forward(pr_run *run, int32_t index);
/* FAKE: backward with the straight-through estimator; call's inputs, parameters and gradients are
 * those of the float node. */
prune_status pr_run_integer_backward(pr_run *run, int32_t index, pr_op_call *call);

#endif
