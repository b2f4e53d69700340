/* scale: y[.., c] = x[.., c] * weight[c] (LayerScale). */
#include "libprune/kernels/train.h"
#include "libprune/ops/ops.h"

static prune_status infer(const prune_model *model, const pr_node *node, const pr_shape *in,
                          pr_shape *out)
{
    const pr_shape channels = pr_shape1(pr_shape_last(in));
    *out = *in;
    return pr_op_expect_param(model, node, PR_SLOT_WEIGHT, &channels);
}

static prune_status cut(pr_cut_call *call)
{
    return pr_op_cut_param(call, PR_SLOT_WEIGHT, 0, call->out);
}

static void forward_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    const pr_op_call *call = arg;
    const float *restrict weight = pr_f32(call->param[0]);
    const int64_t n = pr_shape_last(&call->out->shape);
    (void)lane;
    for (int64_t r = begin; r < end; r++) {
        const float *restrict x = pr_f32(call->in[0]) + r * n;
        float *restrict y = pr_f32(call->out) + r * n;
        for (int64_t c = 0; c < n; c++) y[c] = x[c] * weight[c];
    }
}

static prune_status forward(pr_op_call *call)
{
    const int64_t n = pr_shape_last(&call->out->shape);
    pr_parallel(call->ctx, pr_tensor_count(call->out) / n, 64, forward_rows, call);
    return PRUNE_OK;
}

typedef struct job {
    const pr_op_call *call;
    float *sums; /* per lane: weight gradients */
} job;

static void backward_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    const job *j = arg;
    const pr_op_call *call = j->call;
    const pr_train_kernels *kernels = pr_train_kernels_get(call->ctx->isa);
    const int64_t n = pr_shape_last(&call->out->shape);
    for (int64_t r = begin; r < end; r++)
        kernels->scale_slope(pr_f32(call->d_out) + r * n, pr_f32(call->in[0]) + r * n,
                             pr_f32(call->param[0]),
                             call->d_in[0] ? pr_f32(call->d_in[0]) + r * n : NULL,
                             call->d_param[0] ? j->sums + lane * n : NULL, n);
}

/* dx = dy * weight;  dweight = sum over rows of dy * x. */
static prune_status backward(pr_op_call *call)
{
    const int64_t n = pr_shape_last(&call->out->shape);
    const int32_t lanes = call->ctx->threads;
    job j = {call, pr_calloc(call->ctx, (size_t)(lanes * n), sizeof(float))};
    if (!j.sums) return PRUNE_E_MEMORY;
    pr_parallel(call->ctx, pr_tensor_count(call->out) / n, 64, backward_rows, &j);
    for (int32_t lane = 0; call->d_param[0] && lane < lanes; lane++)
        for (int64_t c = 0; c < n; c++) pr_f32(call->d_param[0])[c] += j.sums[lane * n + c];
    pr_free(call->ctx, j.sums);
    return PRUNE_OK;
}

const pr_op_info pr_op_scale = {
    .min_inputs = 1,
    .max_inputs = 1,
    .required_slots = 1,
    .relation = PR_RELATION_SAME,
    .infer = infer,
    .cut = cut,
    .forward = forward,
    .backward = backward,
};
