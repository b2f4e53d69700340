/* Node by node: forward, hooks, partial re-runs. Backward is in backward.c. */
#include "libprune/interpreter/run.h"

#include <string.h>

prune_status pr_run_create(pr_run **out, const prune_model *model, int64_t batch, int64_t height,
                           int64_t width, const pr_run_options *options)
{
    prune_context *ctx = model->ctx;
    pr_run *run = pr_calloc(ctx, 1, sizeof *run);
    prune_status status = PRUNE_OK;
    if (!run) return PRUNE_E_MEMORY;
    run->model = model;
    run->ctx = ctx;
    if (options) run->options = *options;
    const size_t n = (size_t)model->n_nodes;
    PR_GO(pr_new(ctx, (void **)&run->shapes, n, sizeof *run->shapes));
    PR_GO(pr_shapes_infer(model, batch, height, width, run->shapes));
    run->values = pr_calloc(ctx, n, sizeof *run->values);
    run->saved = pr_calloc(ctx, n, sizeof *run->saved);
    run->gradients = pr_calloc(ctx, n, sizeof *run->gradients);
    run->last_use = pr_calloc(ctx, n, sizeof *run->last_use);
    run->dirty = pr_calloc(ctx, n, sizeof *run->dirty);
    run->floats = pr_calloc(ctx, (size_t)model->n_params + 1, sizeof *run->floats);
    run->sources = pr_calloc(ctx, (size_t)model->n_params + 1, sizeof *run->sources);
    if (!run->values || !run->saved || !run->gradients || !run->last_use || !run->dirty ||
        !run->floats || !run->sources)
        PR_GO(PRUNE_E_MEMORY);
    for (int32_t i = 0; i < model->n_nodes; i++)
        for (int32_t j = 0; j < model->nodes[i].n_inputs; j++)
            run->last_use[model->nodes[i].inputs[j]] = i;
    for (int32_t i = 0; i < model->n_outputs; i++)
        run->last_use[model->outputs[i].node] = model->n_nodes;
    *out = run;
    return PRUNE_OK;
done:
    pr_run_free(run);
    return status;
}

void pr_run_free(pr_run *run)
{
    if (!run) return;
    for (int32_t i = 0; i < run->model->n_nodes; i++) {
        if (run->values) pr_tensor_release(&run->values[i]);
        if (run->saved) pr_tensor_release(&run->saved[i]);
        if (run->gradients) pr_tensor_release(&run->gradients[i]);
    }
    for (int32_t i = 0; run->floats && i < run->model->n_params; i++)
        pr_tensor_release(&run->floats[i]);
    for (size_t i = 0; i < run->n_spares; i++) pr_tensor_release(&run->spares[i]);
    pr_free(run->ctx, run->spares);
    pr_free(run->ctx, run->shapes);
    pr_free(run->ctx, run->values);
    pr_free(run->ctx, run->saved);
    pr_free(run->ctx, run->gradients);
    pr_free(run->ctx, run->last_use);
    pr_free(run->ctx, run->dirty);
    pr_free(run->ctx, run->floats);
    pr_free(run->ctx, run->sources);
    pr_free(run->ctx, run);
}

/* Fresh pages cost more than most operators, so released buffers are used again: sizes repeat from
 * layer to layer and from run to run. */
prune_status pr_run_take(pr_run *run, const pr_shape *shape, pr_tensor *out)
{
    const int64_t count = pr_shape_count(shape);
    for (size_t i = run->n_spares; i-- > 0;) { /* the latest is the warmest */
        if (pr_tensor_count(&run->spares[i]) != count) continue;
        *out = run->spares[i];
        out->shape = *shape;
        run->spares[i] = run->spares[--run->n_spares];
        return PRUNE_OK;
    }
    return pr_tensor_create(out, run->ctx, PR_F32, shape);
}

void pr_run_give(pr_run *run, pr_tensor *tensor)
{
    if (!tensor->data) return;
    if (pr_grow(run->ctx, (void **)&run->spares, &run->spare_capacity, run->n_spares + 1,
                sizeof *run->spares) != PRUNE_OK) {
        pr_tensor_release(tensor);
        return;
    }
    run->spares[run->n_spares++] = *tensor;
    *tensor = (pr_tensor){0};
}

/* Float view of a parameter: the caller's view, the tensor itself, or a cached conversion. */
prune_status pr_run_param(pr_run *run, const pr_node *node, int32_t slot, const pr_tensor **out)
{
    const int32_t index = node->params[slot];
    *out = NULL;
    if (index == PR_NONE) return PRUNE_OK;
    if (run->options.view_param) *out = run->options.view_param(run->options.user, index);
    if (*out) return PRUNE_OK;
    const pr_tensor *stored = &run->model->params[index].tensor;
    if (stored->dtype == PR_F32) {
        *out = stored;
        return PRUNE_OK;
    }
    if (run->sources[index] != stored->data) {
        pr_tensor_release(&run->floats[index]);
        run->sources[index] = NULL;
        if (stored->dtype == PR_I8)
            PR_TRY(pr_integer_dequantize(&run->floats[index], run->model,
                                         (int32_t)(node - run->model->nodes)));
        else
            PR_TRY(pr_tensor_convert(&run->floats[index], run->ctx, stored, PR_F32));
        run->sources[index] = stored->data;
    }
    *out = &run->floats[index];
    return PRUNE_OK;
}

prune_status pr_run_call(pr_run *run, int32_t index, pr_op_call *call)
{
    const pr_node *node = &run->model->nodes[index];
    *call = (pr_op_call){.ctx = run->ctx, .node = node, .out = &run->values[index]};
    if (run->saved[index].data) call->saved = &run->saved[index];
    for (int32_t j = 0; j < node->n_inputs; j++) call->in[j] = &run->values[node->inputs[j]];
    for (int32_t s = 0; s < PR_MAX_PARAMS; s++) PR_TRY(pr_run_param(run, node, s, &call->param[s]));
    return PRUNE_OK;
}

/* Memory for what backward will ask of this node's forward. */
static prune_status take_saved(pr_run *run, int32_t index)
{
    const pr_node *node = &run->model->nodes[index];
    const pr_op_info *op = pr_op_get(node->op);
    pr_shape in[PR_MAX_INPUTS], shape;
    if (!run->options.keep || !op->saved || run->saved[index].data) return PRUNE_OK;
    for (int32_t j = 0; j < node->n_inputs; j++) in[j] = run->shapes[node->inputs[j]];
    op->saved(node, in, &shape);
    return pr_run_take(run, &shape, &run->saved[index]);
}

static prune_status run_node(pr_run *run, int32_t index)
{
    const pr_node *node = &run->model->nodes[index];
    pr_op_call call;
    if (!run->values[index].data)
        PR_TRY(pr_run_take(run, &run->shapes[index], &run->values[index]));
    PR_TRY(take_saved(run, index));
    if (pr_run_is_integer(run, index)) {
        PR_TRY(pr_run_integer_forward(run, index));
    } else {
        PR_TRY(pr_run_call(run, index, &call));
        /* BF16 and integer attention round operands; gradients pass straight through that (FAKE).
         */
        pr_node unrounded = *node;
        unrounded.precision.compute = PR_COMPUTE_F32;
        if (run->options.mode == PR_MODE_FLOAT) call.node = &unrounded;
        if (run->options.mode == PR_MODE_PLAIN)
            PR_TRY(pr_op_get(node->op)->forward(&call));
        else
            PR_TRY(pr_run_kernel_forward(&call));
    }
    if (run->options.on_value)
        PR_TRY(run->options.on_value(run->options.user, index, &run->values[index]));
    for (int32_t j = 0; !run->options.keep && j < node->n_inputs; j++)
        if (run->last_use[node->inputs[j]] == index)
            pr_run_give(run, &run->values[node->inputs[j]]);
    return PRUNE_OK;
}

prune_status pr_run_forward(pr_run *run, const float *input)
{
    for (int32_t i = 0; i < run->model->n_nodes; i++) {
        if (run->model->nodes[i].op != PR_OP_INPUT) {
            PR_TRY(run_node(run, i));
            continue;
        }
        if (!run->values[i].data) PR_TRY(pr_run_take(run, &run->shapes[i], &run->values[i]));
        memcpy(run->values[i].data, input, (size_t)pr_shape_count(&run->shapes[i]) * sizeof(float));
        if (run->options.on_value)
            PR_TRY(run->options.on_value(run->options.user, i, &run->values[i]));
    }
    return PRUNE_OK;
}

static prune_status rerun(pr_run *run, int32_t from, bool including)
{
    if (!run->options.keep)
        return pr_fail(PRUNE_E_INTERNAL, "a partial run needs the values of the last one (keep)");
    for (int32_t i = 0; i < run->model->n_nodes; i++) {
        const pr_node *node = &run->model->nodes[i];
        run->dirty[i] = i == from;
        for (int32_t j = 0; i > from && j < node->n_inputs; j++)
            if (run->dirty[node->inputs[j]]) run->dirty[i] = true;
        if (!run->dirty[i] || (i == from && !including) || node->op == PR_OP_INPUT) continue;
        PR_TRY(run_node(run, i));
    }
    return PRUNE_OK;
}

prune_status pr_run_forward_after(pr_run *run, int32_t node)
{
    return rerun(run, node, false);
}

prune_status pr_run_forward_from(pr_run *run, int32_t node)
{
    return rerun(run, node, true);
}

prune_status pr_run_forward_changed(pr_run *run, const uint8_t *changed)
{
    if (!run->options.keep)
        return pr_fail(PRUNE_E_INTERNAL, "a partial run needs the values of the last one (keep)");
    for (int32_t i = 0; i < run->model->n_nodes; i++) {
        const pr_node *node = &run->model->nodes[i];
        run->dirty[i] = changed[i] != 0;
        for (int32_t j = 0; j < node->n_inputs; j++)
            if (run->dirty[node->inputs[j]]) run->dirty[i] = true;
        if (run->dirty[i] && node->op != PR_OP_INPUT) PR_TRY(run_node(run, i));
    }
    return PRUNE_OK;
}

const pr_tensor *pr_run_value(const pr_run *run, int32_t node)
{
    return run->values[node].data ? &run->values[node] : NULL;
}

const pr_tensor *pr_run_output(const pr_run *run)
{
    return &run->values[run->model->outputs[0].node];
}

const pr_shape *pr_run_shape(const pr_run *run, int32_t node)
{
    return &run->shapes[node];
}
