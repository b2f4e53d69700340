/* The table of operators, and what their rows share. */
#include "libprune/ops/ops.h"

#include <stdio.h>

const pr_op_info *pr_op_get(pr_op_kind op)
{
    static const pr_op_info *const rows[PR_OP_COUNT] = {
        [PR_OP_INPUT] = &pr_op_input,
        [PR_OP_CONV] = &pr_op_conv,
        [PR_OP_CONV_TRANSPOSE] = &pr_op_conv_transpose,
        [PR_OP_LINEAR] = &pr_op_linear,
        [PR_OP_LAYER_NORM] = &pr_op_layer_norm,
        [PR_OP_SCALE] = &pr_op_scale,
        [PR_OP_TOKEN_EMBED] = &pr_op_token_embed,
        [PR_OP_TOKENS_TO_MAP] = &pr_op_tokens_to_map,
        [PR_OP_ATTENTION] = &pr_op_attention,
        [PR_OP_ADD] = &pr_op_add,
        [PR_OP_CONCAT] = &pr_op_concat,
        [PR_OP_RESIZE] = &pr_op_resize,
        [PR_OP_RELU] = &pr_op_relu,
        [PR_OP_LEAKY_RELU] = &pr_op_leaky_relu,
        [PR_OP_ELU] = &pr_op_elu,
        [PR_OP_GELU] = &pr_op_gelu,
        [PR_OP_SIGMOID] = &pr_op_sigmoid,
        [PR_OP_AFFINE] = &pr_op_affine,
        [PR_OP_SWIGLU] = &pr_op_swiglu,
    };
    return (unsigned)op < PR_OP_COUNT ? rows[op] : NULL;
}

prune_status pr_op_shape_error(const pr_node *node, const char *format, ...)
{
    char detail[320];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    return pr_fail(PRUNE_E_SHAPE, "node '%s' (%s): %s", node->name, pr_op_name(node->op), detail);
}

prune_status pr_op_expect_param(const prune_model *model, const pr_node *node, int32_t slot,
                                const pr_shape *shape)
{
    const pr_tensor *tensor = pr_node_param(model, node, slot);
    char got[96], wanted[96];
    if (tensor && pr_shape_equal(&tensor->shape, shape)) return PRUNE_OK;
    if (!tensor)
        return pr_op_shape_error(node, "parameter '%s' is missing", pr_op_slot(node->op, slot));
    return pr_op_shape_error(node, "parameter '%s' is %s, expected %s", pr_op_slot(node->op, slot),
                             pr_shape_text(&tensor->shape, got, sizeof got),
                             pr_shape_text(shape, wanted, sizeof wanted));
}

prune_status pr_op_cut_param(pr_cut_call *call, int32_t slot, int32_t axis, pr_kept kept)
{
    int32_t index = call->model->nodes[call->node].params[slot];
    if (index == PR_NONE || !kept.list) return PRUNE_OK;
    pr_tensor *tensor = &call->model->params[index].tensor, cut;
    PR_TRY(pr_tensor_select(&cut, call->model->ctx, tensor, axis, kept.list, kept.count));
    pr_tensor_release(tensor);
    *tensor = cut;
    return PRUNE_OK;
}

static prune_status cut_vector(prune_context *ctx, pr_tensor *vector, pr_kept kept)
{
    pr_tensor cut;
    if (!vector->data || !kept.list || pr_tensor_count(vector) == 1) return PRUNE_OK;
    PR_TRY(pr_tensor_select(&cut, ctx, vector, 0, kept.list, kept.count));
    pr_tensor_release(vector);
    *vector = cut;
    return PRUNE_OK;
}

prune_status pr_op_cut_precision(pr_cut_call *call)
{
    pr_precision *precision = &call->model->nodes[call->node].precision;
    prune_context *ctx = call->model->ctx;
    if (precision->input == PR_INPUT_CHANNEL) {
        PR_TRY(cut_vector(ctx, &precision->input_scale, call->in[0]));
        PR_TRY(cut_vector(ctx, &precision->input_zero, call->in[0]));
    }
    return cut_vector(ctx, &precision->weight_scale, call->out);
}
