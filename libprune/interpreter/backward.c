/* Gradients: back through the nodes, each operator adding into its inputs and parameters. */
#include "libprune/interpreter/run.h"

#include <string.h>

prune_status pr_grads_create(pr_grads *out, const prune_model *model)
{
    pr_grads grads = {.ctx = model->ctx, .n_params = model->n_params};
    grads.params = pr_calloc(model->ctx, (size_t)model->n_params + 1, sizeof *grads.params);
    if (!grads.params) return PRUNE_E_MEMORY;
    for (int32_t i = 0; i < model->n_params; i++) {
        if (!model->params[i].trainable) continue;
        prune_status status =
            pr_tensor_zeros(&grads.params[i], model->ctx, PR_F32, &model->params[i].tensor.shape);
        if (status != PRUNE_OK) {
            pr_grads_free(&grads);
            return status;
        }
    }
    *out = grads;
    return PRUNE_OK;
}

static void zero_part(void *arg, int64_t begin, int64_t end, int lane)
{
    (void)lane;
    memset((float *)arg + begin, 0, (size_t)(end - begin) * sizeof(float));
}

static void zero(prune_context *ctx, pr_tensor *tensor)
{
    pr_parallel(ctx, pr_tensor_count(tensor), 1 << 15, zero_part, tensor->data);
}

void pr_grads_zero(pr_grads *grads)
{
    for (int32_t i = 0; i < grads->n_params; i++)
        if (grads->params[i].data) zero(grads->ctx, &grads->params[i]);
}

void pr_grads_free(pr_grads *grads)
{
    for (int32_t i = 0; grads->params && i < grads->n_params; i++)
        pr_tensor_release(&grads->params[i]);
    if (grads->params) pr_free(grads->ctx, grads->params);
    *grads = (pr_grads){0};
}

/* Marks the values whose gradient somebody wants: those that depend on a trainable parameter, or
 * all that are computed when the caller watches gradients. */
static void mark_wanted(pr_run *run, const pr_grads *grads, bool watched)
{
    for (int32_t i = 0; i < run->model->n_nodes; i++) {
        const pr_node *node = &run->model->nodes[i];
        bool wanted = watched && node->op != PR_OP_INPUT;
        for (int32_t s = 0; s < PR_MAX_PARAMS; s++)
            if (grads && node->params[s] != PR_NONE && grads->params[node->params[s]].data)
                wanted = true;
        for (int32_t j = 0; j < node->n_inputs; j++)
            if (run->dirty[node->inputs[j]]) wanted = true;
        run->dirty[i] = wanted;
    }
}

static prune_status backward_node(pr_run *run, int32_t index, pr_grads *grads)
{
    const pr_node *node = &run->model->nodes[index];
    const pr_op_info *op = pr_op_get(node->op);
    const int32_t values = op->value_inputs ? op->value_inputs : node->n_inputs;
    pr_op_call call;
    PR_TRY(pr_run_call(run, index, &call));
    call.d_out = &run->gradients[index];
    for (int32_t j = 0; j < values && j < node->n_inputs; j++) {
        const int32_t input = node->inputs[j];
        if (!run->dirty[input]) continue;
        if (!run->gradients[input].data) {
            PR_TRY(pr_run_take(run, &run->shapes[input], &run->gradients[input]));
            zero(run->ctx, &run->gradients[input]);
        }
        call.d_in[j] = &run->gradients[input];
    }
    for (int32_t s = 0; s < PR_MAX_PARAMS; s++)
        if (grads && node->params[s] != PR_NONE && grads->params[node->params[s]].data)
            call.d_param[s] = &grads->params[node->params[s]];
    if (pr_run_is_integer(run, index)) return pr_run_integer_backward(run, index, &call);
    return op->backward(&call);
}

prune_status pr_run_backward(pr_run *run, const float *d_output, pr_grads *grads,
                             prune_status (*on_gradient)(void *user, int32_t node,
                                                         const pr_tensor *gradient),
                             void *user)
{
    const int32_t output = run->model->outputs[0].node;
    prune_status status = PRUNE_OK;
    if (!run->options.keep)
        return pr_fail(PRUNE_E_INTERNAL, "gradients need the values of the forward pass (keep)");
    mark_wanted(run, grads, on_gradient != NULL);
    PR_GO(pr_run_take(run, &run->shapes[output], &run->gradients[output]));
    memcpy(run->gradients[output].data, d_output, pr_tensor_bytes(&run->gradients[output]));
    for (int32_t i = output; i >= 0; i--) {
        if (!run->gradients[i].data) continue;
        if (on_gradient) PR_GO(on_gradient(user, i, &run->gradients[i]));
        if (run->model->nodes[i].op != PR_OP_INPUT) PR_GO(backward_node(run, i, grads));
        pr_run_give(run, &run->gradients[i]);
    }
done:
    for (int32_t i = 0; i < run->model->n_nodes; i++) pr_run_give(run, &run->gradients[i]);
    return status;
}
