/* concat: inputs side by side along the channels, in order. */
#include "libprune/ops/ops.h"

#include <string.h>

static prune_status infer(const prune_model *model, const pr_node *node, const pr_shape *in,
                          pr_shape *out)
{
    (void)model;
    *out = in[0];
    for (int32_t k = 1; k < node->n_inputs; k++) {
        pr_shape other = in[k];
        other.dim[other.rank - 1] = in[0].dim[in[0].rank - 1];
        if (!pr_shape_equal(&in[0], &other))
            return pr_op_shape_error(node, "input %d differs in more than its channels", k);
        out->dim[out->rank - 1] += pr_shape_last(&in[k]);
    }
    return PRUNE_OK;
}

static prune_status forward(pr_op_call *call)
{
    const int64_t total = pr_shape_last(&call->out->shape);
    const int64_t rows = pr_tensor_count(call->out) / total;
    int64_t offset = 0;
    for (int32_t k = 0; k < call->node->n_inputs; k++) {
        const int64_t part = pr_shape_last(&call->in[k]->shape);
        for (int64_t r = 0; r < rows; r++)
            memcpy(pr_f32(call->out) + r * total + offset, pr_f32(call->in[k]) + r * part,
                   (size_t)part * sizeof(float));
        offset += part;
    }
    return PRUNE_OK;
}

static prune_status backward(pr_op_call *call)
{
    const int64_t total = pr_shape_last(&call->out->shape);
    const int64_t rows = pr_tensor_count(call->out) / total;
    int64_t offset = 0;
    for (int32_t k = 0; k < call->node->n_inputs; k++) {
        const int64_t part = pr_shape_last(&call->in[k]->shape);
        for (int64_t r = 0; call->d_in[k] && r < rows; r++)
            for (int64_t c = 0; c < part; c++)
                pr_f32(call->d_in[k])[r * part + c] += pr_f32(call->d_out)[r * total + offset + c];
        offset += part;
    }
    return PRUNE_OK;
}

const pr_op_info pr_op_concat = {
    .min_inputs = 1,
    .max_inputs = PR_MAX_INPUTS,
    .relation = PR_RELATION_CONCAT,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
