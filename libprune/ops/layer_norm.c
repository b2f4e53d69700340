/* layer_norm over the last axis: y = (x - mean) / sqrt(var + eps) * weight + bias, biased variance.
 *
 * norm_width (0: all channels) is the number of channels that mean and variance count. After a
 * cut of the residual stream it keeps its old value: removed channels count as zeros, so that the
 * smaller network computes what the original does with those channels zeroed. With W = norm_width
 * and C channels left: mean = sum(x) / W, var = (sum((x - mean)^2) + (W - C) mean^2) / W. */
#include "libprune/kernels/train.h"
#include "libprune/ops/ops.h"

#include <math.h>

static prune_status infer(const prune_model *model, const pr_node *node, const pr_shape *in,
                          pr_shape *out)
{
    const pr_shape channels = pr_shape1(pr_shape_last(in));
    if (in->rank < 2) return pr_op_shape_error(node, "the input needs at least two axes");
    if (node->attrs.norm_width != 0 && node->attrs.norm_width < channels.dim[0])
        return pr_op_shape_error(node, "norm_width %d is smaller than the %lld channels",
                                 node->attrs.norm_width, (long long)channels.dim[0]);
    if (!(node->attrs.epsilon > 0.0f)) return pr_op_shape_error(node, "epsilon must be positive");
    *out = *in;
    PR_TRY(pr_op_expect_param(model, node, PR_SLOT_WEIGHT, &channels));
    return pr_op_expect_param(model, node, PR_SLOT_BIAS, &channels);
}

static prune_status cut(pr_cut_call *call)
{
    pr_node *node = &call->model->nodes[call->node];
    if (call->out.list && node->attrs.norm_width == 0)
        node->attrs.norm_width =
            (int32_t)pr_node_param(call->model, node, PR_SLOT_WEIGHT)->shape.dim[0];
    PR_TRY(pr_op_cut_param(call, PR_SLOT_WEIGHT, 0, call->out));
    return pr_op_cut_param(call, PR_SLOT_BIAS, 0, call->out);
}

typedef struct job {
    pr_op_call *call;
    int64_t channels;
    double width; /* channels that the statistics count */
    float *sums;  /* backward, per lane: C weight gradients, C bias gradients */
} job;

static void statistics(const job *j, const float *x, float *mean, float *inverse)
{
    double sum = 0, squares = 0;
    for (int64_t c = 0; c < j->channels; c++) sum += (double)x[c];
    const double m = sum / j->width;
    for (int64_t c = 0; c < j->channels; c++) {
        const double d = (double)x[c] - m;
        squares += d * d;
    }
    squares += (j->width - (double)j->channels) * m * m;
    *mean = (float)m;
    *inverse = (float)(1.0 / sqrt(squares / j->width + (double)j->call->node->attrs.epsilon));
}

static void forward_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    const job *j = arg;
    const float *weight = pr_f32(j->call->param[0]), *bias = pr_f32(j->call->param[1]);
    (void)lane;
    for (int64_t r = begin; r < end; r++) {
        const float *x = pr_f32(j->call->in[0]) + r * j->channels;
        float *y = pr_f32(j->call->out) + r * j->channels, mean, inverse;
        statistics(j, x, &mean, &inverse);
        for (int64_t c = 0; c < j->channels; c++)
            y[c] = (x[c] - mean) * inverse * weight[c] + bias[c];
    }
}

static job job_make(pr_op_call *call)
{
    const int64_t channels = pr_shape_last(&call->in[0]->shape);
    const int32_t width = call->node->attrs.norm_width;
    return (job){call, channels, width ? (double)width : (double)channels, NULL};
}

static prune_status forward(pr_op_call *call)
{
    job j = job_make(call);
    pr_parallel(call->ctx, pr_tensor_count(call->in[0]) / j.channels, 32, forward_rows, &j);
    return PRUNE_OK;
}

static void backward_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    const job *j = arg;
    const pr_op_call *call = j->call;
    const int64_t first = begin * j->channels;
    float *d_weight = j->sums + (int64_t)lane * 2 * j->channels;
    pr_train_kernels_get(call->ctx->isa)
        ->layer_norm_slope(
            end - begin, j->channels, (int64_t)j->width, call->node->attrs.epsilon,
            pr_f32(call->in[0]) + first, pr_f32(call->param[0]), pr_f32(call->d_out) + first,
            call->d_in[0] ? pr_f32(call->d_in[0]) + first : NULL, d_weight, d_weight + j->channels);
}

/* The formulas stand in kernels/train_loops.h. */
static prune_status backward(pr_op_call *call)
{
    job j = job_make(call);
    const int32_t lanes = call->ctx->threads;
    j.sums = pr_calloc(call->ctx, (size_t)(lanes * 2 * j.channels), sizeof(float));
    if (!j.sums) return PRUNE_E_MEMORY;
    pr_parallel(call->ctx, pr_tensor_count(call->in[0]) / j.channels, 32, backward_rows, &j);
    for (int s = 0; s < 2; s++)
        for (int32_t lane = 0; call->d_param[s] && lane < lanes; lane++)
            for (int64_t c = 0; c < j.channels; c++)
                pr_f32(call->d_param[s])[c] += j.sums[(lane * 2 + s) * j.channels + c];
    pr_free(call->ctx, j.sums);
    return PRUNE_OK;
}

const pr_op_info pr_op_layer_norm = {
    .min_inputs = 1,
    .max_inputs = 1,
    .required_slots = 2,
    .relation = PR_RELATION_SAME,
    .infer = infer,
    .cut = cut,
    .forward = forward,
    .backward = backward,
};
