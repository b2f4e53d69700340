/* add: the sum of two values of one shape (residual connections). */
#include "libprune/kernels/train.h"
#include "libprune/ops/ops.h"

static prune_status infer(const prune_model *model, const pr_node *node, const pr_shape *in,
                          pr_shape *out)
{
    char a[96], b[96];
    (void)model;
    *out = in[0];
    if (pr_shape_equal(&in[0], &in[1])) return PRUNE_OK;
    return pr_op_shape_error(node, "the inputs differ: %s and %s",
                             pr_shape_text(&in[0], a, sizeof a),
                             pr_shape_text(&in[1], b, sizeof b));
}

static prune_status forward(pr_op_call *call)
{
    const float *a = pr_f32(call->in[0]), *b = pr_f32(call->in[1]);
    const int64_t count = pr_tensor_count(call->out);
    for (int64_t i = 0; i < count; i++) pr_f32(call->out)[i] = a[i] + b[i];
    return PRUNE_OK;
}

static void backward_part(void *arg, int64_t begin, int64_t end, int lane)
{
    const pr_op_call *call = arg;
    (void)lane;
    for (int k = 0; k < 2; k++)
        if (call->d_in[k])
            pr_train_kernels_get(call->ctx->isa)
                ->add_row(pr_f32(call->d_out) + begin, pr_f32(call->d_in[k]) + begin, end - begin);
}

static prune_status backward(pr_op_call *call)
{
    pr_parallel(call->ctx, pr_tensor_count(call->out), 8192, backward_part, call);
    return PRUNE_OK;
}

const pr_op_info pr_op_add = {
    .min_inputs = 2,
    .max_inputs = 2,
    .relation = PR_RELATION_SAME,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
