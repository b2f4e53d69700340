/* linear: y[.., o] = b[o] + sum_i w[o,i] x[.., i] over the last axis of any rank.
 * Weight [O, I], bias [O]. */
#include "libprune/kernels/product.h"
#include "libprune/kernels/sgemm.h"
#include "libprune/ops/ops.h"

static prune_status infer(const prune_model *model, const pr_node *node, const pr_shape *in,
                          pr_shape *out)
{
    const pr_tensor *weight = pr_node_param(model, node, PR_SLOT_WEIGHT);
    if (!weight || weight->shape.rank != 2)
        return pr_op_shape_error(node, "the weight must be O x I");
    const int64_t *w = weight->shape.dim;
    if (in->rank < 2 || pr_shape_last(in) != w[1])
        return pr_op_shape_error(node, "input has %lld channels, the weight expects %lld",
                                 (long long)pr_shape_last(in), (long long)w[1]);
    *out = *in;
    out->dim[out->rank - 1] = w[0];
    if (node->params[PR_SLOT_BIAS] == PR_NONE) return PRUNE_OK;
    pr_shape bias = pr_shape1(w[0]);
    return pr_op_expect_param(model, node, PR_SLOT_BIAS, &bias);
}

static uint64_t macs(const prune_model *model, const pr_node *node, const pr_shape *in,
                     const pr_shape *out)
{
    (void)model, (void)node;
    return (uint64_t)(pr_shape_count(out) * pr_shape_last(in));
}

static prune_status cut(pr_cut_call *call)
{
    PR_TRY(pr_op_cut_precision(call));
    PR_TRY(pr_op_cut_param(call, PR_SLOT_WEIGHT, 1, call->in[0]));
    PR_TRY(pr_op_cut_param(call, PR_SLOT_WEIGHT, 0, call->out));
    return pr_op_cut_param(call, PR_SLOT_BIAS, 0, call->out);
}

static prune_status forward(pr_op_call *call)
{
    const pr_tensor *x = call->in[0], *w = call->param[PR_SLOT_WEIGHT];
    const pr_tensor *bias = call->param[PR_SLOT_BIAS];
    const int64_t k = w->shape.dim[1], n = w->shape.dim[0], m = pr_tensor_count(x) / k;
    float *y = pr_f32(call->out);
    pr_sgemm(call->ctx, false, true, m, n, k, 1.0f, pr_f32(x), k, pr_f32(w), k, 0.0f, y, n);
    for (int64_t r = 0; bias && r < m; r++)
        for (int64_t o = 0; o < n; o++) y[r * n + o] += pr_f32(bias)[o];
    return PRUNE_OK;
}

/* dx = dy w;  dw = dy^T x;  db = column sums of dy. */
static prune_status backward(pr_op_call *call)
{
    const pr_tensor *x = call->in[0], *w = call->param[PR_SLOT_WEIGHT];
    const int64_t k = w->shape.dim[1], n = w->shape.dim[0], m = pr_tensor_count(x) / k;
    pr_tensor *dw = call->d_param[PR_SLOT_WEIGHT], *db = call->d_param[PR_SLOT_BIAS];
    pr_product p = {.m = m, .n = k, .k = n, .a = pr_f32(call->d_out), .lda = n};
    p.b = pr_f32(w);
    p.ldb = p.ldo = k;
    if (call->d_in[0]) {
        p.out = pr_f32(call->d_in[0]);
        PR_TRY(pr_product_f32(call->ctx, &p));
    }
    if (!dw && !db) return PRUNE_OK;
    p.a_transposed = true;
    p.m = n;
    p.k = m;
    p.b = pr_f32(x);
    p.out = dw ? pr_f32(dw) : NULL;
    p.a_sums = db ? pr_f32(db) : NULL;
    return pr_product_f32(call->ctx, &p);
}

const pr_op_info pr_op_linear = {
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
