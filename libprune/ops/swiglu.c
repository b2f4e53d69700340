/* swiglu: y = silu(a) * b, silu(a) = a / (1 + exp(-a)), elementwise on two inputs of one shape
 * (Shazeer 2020, "GLU Variants Improve Transformer"). Checkpoints that compute a and b as the two
 * halves of one linear layer are split on import, as q, k and v are: cutting a neuron then removes
 * the same unit of both halves by the ordinary rule for elementwise operators. */
#include "libprune/ops/ops.h"
#include "libprune/ops/smooth.h"

static prune_status infer(const prune_model *model, const pr_node *node, const pr_shape *in,
                          pr_shape *out)
{
    (void)model;
    if (!pr_shape_equal(&in[0], &in[1]))
        return pr_op_shape_error(node, "its two inputs differ in shape");
    *out = in[0];
    return PRUNE_OK;
}

static inline float logistic(float x)
{
    return 1.0f / (1.0f + pr_smooth_exp(-x));
}

static void forward_part(void *arg, int64_t begin, int64_t end, int lane)
{
    const pr_op_call *call = arg;
    const float *restrict a = pr_f32(call->in[0]), *restrict b = pr_f32(call->in[1]);
    float *restrict y = pr_f32(call->out);
    (void)lane;
    for (int64_t i = begin; i < end; i++) y[i] = a[i] * logistic(a[i]) * b[i];
}

static prune_status forward(pr_op_call *call)
{
    pr_parallel(call->ctx, pr_tensor_count(call->out), 8192, forward_part, call);
    return PRUNE_OK;
}

/* s = logistic(a):  da = dy b s (1 + a (1 - s));  db = dy a s. The inputs may be one value. */
static void backward_part(void *arg, int64_t begin, int64_t end, int lane)
{
    const pr_op_call *call = arg;
    const float *a = pr_f32(call->in[0]), *b = pr_f32(call->in[1]), *dy = pr_f32(call->d_out);
    float *da = call->d_in[0] ? pr_f32(call->d_in[0]) : NULL;
    float *db = call->d_in[1] ? pr_f32(call->d_in[1]) : NULL;
    (void)lane;
    for (int64_t i = begin; i < end; i++) {
        const float s = logistic(a[i]);
        if (da) da[i] += dy[i] * b[i] * s * (1.0f + a[i] * (1.0f - s));
        if (db) db[i] += dy[i] * a[i] * s;
    }
}

static prune_status backward(pr_op_call *call)
{
    pr_parallel(call->ctx, pr_tensor_count(call->out), 8192, backward_part, call);
    return PRUNE_OK;
}

const pr_op_info pr_op_swiglu = {
    .min_inputs = 2,
    .max_inputs = 2,
    .relation = PR_RELATION_SAME,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
