/* tokens_to_map: tokens [N, P + gh*gw, D] without their prefix as a map [N, gh, gw, D]. The second
 * input, the patch map, lends the grid. */
#include "libprune/ops/ops.h"

#include <string.h>

static prune_status infer(const prune_model *model, const pr_node *node, const pr_shape *in,
                          pr_shape *out)
{
    (void)model;
    if (in[0].rank != 3 || in[1].rank != 4)
        return pr_op_shape_error(node, "the inputs must be tokens N x T x C and a map");
    if (in[0].dim[0] != in[1].dim[0] ||
        in[0].dim[1] != node->attrs.prefix + in[1].dim[1] * in[1].dim[2])
        return pr_op_shape_error(node, "%lld tokens do not fill a %lldx%lld grid",
                                 (long long)in[0].dim[1], (long long)in[1].dim[1],
                                 (long long)in[1].dim[2]);
    *out = pr_shape4(in[0].dim[0], in[1].dim[1], in[1].dim[2], in[0].dim[2]);
    return PRUNE_OK;
}

static prune_status forward(pr_op_call *call)
{
    const int64_t *in = call->in[0]->shape.dim, skip = call->node->attrs.prefix * in[2];
    const int64_t size = in[1] * in[2] - skip;
    for (int64_t n = 0; n < in[0]; n++)
        memcpy(pr_f32(call->out) + n * size, pr_f32(call->in[0]) + n * (size + skip) + skip,
               (size_t)size * sizeof(float));
    return PRUNE_OK;
}

static prune_status backward(pr_op_call *call)
{
    const int64_t *in = call->in[0]->shape.dim, skip = call->node->attrs.prefix * in[2];
    const int64_t size = in[1] * in[2] - skip;
    if (!call->d_in[0]) return PRUNE_OK;
    for (int64_t n = 0; n < in[0]; n++) {
        float *to = pr_f32(call->d_in[0]) + n * (size + skip) + skip;
        const float *from = pr_f32(call->d_out) + n * size;
        for (int64_t i = 0; i < size; i++) to[i] += from[i];
    }
    return PRUNE_OK;
}

const pr_op_info pr_op_tokens_to_map = {
    .min_inputs = 2,
    .max_inputs = 2,
    .relation = PR_RELATION_SAME,
    .value_inputs = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
