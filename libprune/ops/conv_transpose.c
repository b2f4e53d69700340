/* conv_transpose with kernel == stride, so outputs do not overlap:
 * y[n, s*h+ky, s*w+kx, o] = b[o] + sum_i weight[ky,kx,o,i] x[n,h,w,i].
 * One product with kh*kw*O columns, then a scatter of O-long runs. */
#include "libprune/kernels/sgemm.h"
#include "libprune/ops/ops.h"

#include <string.h>

static prune_status infer(const prune_model *model, const pr_node *node, const pr_shape *in,
                          pr_shape *out)
{
    const pr_tensor *weight = pr_node_param(model, node, PR_SLOT_WEIGHT);
    if (in->rank != 4) return pr_op_shape_error(node, "the input must be N x H x W x C");
    if (!weight || weight->shape.rank != 4)
        return pr_op_shape_error(node, "the weight must be kh x kw x O x I");
    const int64_t *w = weight->shape.dim;
    if (w[3] != in->dim[3])
        return pr_op_shape_error(node, "input has %lld channels, the weight expects %lld",
                                 (long long)in->dim[3], (long long)w[3]);
    if (w[0] != node->attrs.stride[0] || w[1] != node->attrs.stride[1])
        return pr_op_shape_error(node, "only kernel == stride is supported");
    *out = pr_shape4(in->dim[0], in->dim[1] * w[0], in->dim[2] * w[1], w[2]);
    if (node->params[PR_SLOT_BIAS] == PR_NONE) return PRUNE_OK;
    pr_shape bias = pr_shape1(w[2]);
    return pr_op_expect_param(model, node, PR_SLOT_BIAS, &bias);
}

static uint64_t macs(const prune_model *model, const pr_node *node, const pr_shape *in,
                     const pr_shape *out)
{
    (void)model, (void)node;
    return (uint64_t)(pr_shape_count(out) * in->dim[3]);
}

static prune_status cut(pr_cut_call *call)
{
    PR_TRY(pr_op_cut_precision(call));
    PR_TRY(pr_op_cut_param(call, PR_SLOT_WEIGHT, 3, call->in[0]));
    PR_TRY(pr_op_cut_param(call, PR_SLOT_WEIGHT, 2, call->out));
    return pr_op_cut_param(call, PR_SLOT_BIAS, 0, call->out);
}

typedef struct geometry {
    int64_t rows, in, out, taps, kh, kw, height, width;
} geometry;

static geometry measure(const pr_op_call *call)
{
    const int64_t *x = call->in[0]->shape.dim, *w = call->param[PR_SLOT_WEIGHT]->shape.dim;
    return (geometry){x[0] * x[1] * x[2], w[3], w[2], w[0] * w[1], w[0], w[1], x[1], x[2]};
}

/* Position in the output map of tap (ky, kx) of input row r. */
static int64_t place(const geometry *g, int64_t r, int64_t tap)
{
    const int64_t x = r % g->width, y = r / g->width; /* y counts lines of all images */
    return ((y * g->kh + tap / g->kw) * g->width * g->kw + x * g->kw + tap % g->kw) * g->out;
}

static prune_status forward(pr_op_call *call)
{
    const geometry g = measure(call);
    const pr_tensor *bias = call->param[PR_SLOT_BIAS];
    float *product, *y = pr_f32(call->out);
    PR_TRY(pr_new(call->ctx, (void **)&product, (size_t)(g.rows * g.taps * g.out), sizeof(float)));
    pr_sgemm(call->ctx, false, true, g.rows, g.taps * g.out, g.in, 1.0f, pr_f32(call->in[0]), g.in,
             pr_f32(call->param[PR_SLOT_WEIGHT]), g.in, 0.0f, product, g.taps * g.out);
    for (int64_t r = 0; r < g.rows; r++)
        for (int64_t t = 0; t < g.taps; t++) {
            float *to = y + place(&g, r, t);
            const float *from = product + (r * g.taps + t) * g.out;
            for (int64_t o = 0; o < g.out; o++) to[o] = from[o] + (bias ? pr_f32(bias)[o] : 0.0f);
        }
    pr_free(call->ctx, product);
    return PRUNE_OK;
}

static prune_status backward(pr_op_call *call)
{
    const geometry g = measure(call);
    const float *dy = pr_f32(call->d_out);
    float *gathered, *db = call->d_param[1] ? pr_f32(call->d_param[1]) : NULL;
    PR_TRY(pr_new(call->ctx, (void **)&gathered, (size_t)(g.rows * g.taps * g.out), sizeof(float)));
    for (int64_t r = 0; r < g.rows; r++)
        for (int64_t t = 0; t < g.taps; t++) {
            const float *from = dy + place(&g, r, t);
            memcpy(gathered + (r * g.taps + t) * g.out, from, (size_t)g.out * sizeof(float));
            for (int64_t o = 0; db && o < g.out; o++) db[o] += from[o];
        }
    if (call->d_in[0])
        pr_sgemm(call->ctx, false, false, g.rows, g.in, g.taps * g.out, 1.0f, gathered,
                 g.taps * g.out, pr_f32(call->param[PR_SLOT_WEIGHT]), g.in, 1.0f,
                 pr_f32(call->d_in[0]), g.in);
    if (call->d_param[PR_SLOT_WEIGHT])
        pr_sgemm(call->ctx, true, false, g.taps * g.out, g.in, g.rows, 1.0f, gathered,
                 g.taps * g.out, pr_f32(call->in[0]), g.in, 1.0f,
                 pr_f32(call->d_param[PR_SLOT_WEIGHT]), g.in);
    pr_free(call->ctx, gathered);
    return PRUNE_OK;
}

const pr_op_info pr_op_conv_transpose = {
    .min_inputs = 1,
    .max_inputs = 1,
    .required_slots = 1,
    .quantizable = true,
    .bf16 = true,
    .relation = PR_RELATION_NONE,
    .infer = infer,
    .macs = macs,
    .cut = cut,
    .forward = forward,
    .backward = backward,
};
