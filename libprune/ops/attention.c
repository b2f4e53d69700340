/* attention: q [N, T, heads*dq], k [N, T, heads*dq], v [N, T, heads*dv] to [N, T, heads*dv]:
 * per head softmax(scale * q k^T) v. scale is an attribute of its own: it stays what it was when
 * widths are cut. Score rows are computed in blocks, never the whole T x T matrix. */
#include "libprune/kernels/attention_train.h"
#include "libprune/kernels/sgemm.h"
#include "libprune/ops/ops.h"
#include "libprune/ops/smooth.h"

#include <math.h>

enum { BLOCK = 64 }; /* query rows at once */

static prune_status infer(const prune_model *model, const pr_node *node, const pr_shape *in,
                          pr_shape *out)
{
    const pr_attrs *a = &node->attrs;
    (void)model;
    if (a->heads < 1 || a->qk_width < 1 || a->v_width < 1)
        return pr_op_shape_error(node, "heads and widths must be at least 1");
    for (int i = 0; i < 3; i++) {
        const int64_t width = (int64_t)a->heads * (i < 2 ? a->qk_width : a->v_width);
        if (in[i].rank != 3 || in[i].dim[2] != width || in[i].dim[0] != in[0].dim[0] ||
            in[i].dim[1] != in[0].dim[1])
            return pr_op_shape_error(node, "input %d must be N x T x %lld", i, (long long)width);
    }
    *out = in[2];
    return PRUNE_OK;
}

static uint64_t macs(const prune_model *model, const pr_node *node, const pr_shape *in,
                     const pr_shape *out)
{
    const pr_attrs *a = &node->attrs;
    (void)model, (void)out;
    return (uint64_t)(in->dim[0] * in->dim[1] * in->dim[1] * a->heads * (a->qk_width + a->v_width));
}

/* Whole heads go, or the same number of channels from every head that stays. */
static prune_status cut_widths(const pr_node *node, pr_kept kept, int32_t *heads, int32_t *width)
{
    int32_t remaining = 0, each = 0, count = 0;
    if (!kept.list) return PRUNE_OK;
    for (int32_t i = 0; i < kept.count; i++) {
        count++;
        const bool last = i + 1 == kept.count || kept.list[i + 1] / *width != kept.list[i] / *width;
        if (!last) continue;
        if (each != 0 && count != each)
            return pr_op_shape_error(node, "a cut leaves heads of %d and of %d channels", each,
                                     count);
        each = count;
        count = 0;
        remaining++;
    }
    *heads = remaining;
    *width = each;
    return PRUNE_OK;
}

static prune_status cut(pr_cut_call *call)
{
    pr_node *node = &call->model->nodes[call->node];
    int32_t heads[3], width[3] = {node->attrs.qk_width, node->attrs.qk_width, node->attrs.v_width};
    for (int i = 0; i < 3; i++) {
        heads[i] = node->attrs.heads;
        PR_TRY(cut_widths(node, call->in[i], &heads[i], &width[i]));
    }
    if (heads[0] != heads[1] || heads[0] != heads[2] || width[0] != width[1])
        return pr_op_shape_error(node, "a cut must take the same heads from q, k and v");
    node->attrs.heads = heads[0];
    node->attrs.qk_width = width[0];
    node->attrs.v_width = width[2];
    return PRUNE_OK;
}

typedef struct job {
    pr_op_call *call;
    int64_t tokens, blocks, dq, dv, lq, lv; /* l*: row strides of q/k and of v/out */
    float scale, *scratch;
} job;

static job job_make(pr_op_call *call)
{
    const pr_attrs *a = &call->node->attrs;
    const int64_t tokens = call->in[0]->shape.dim[1];
    return (job){.call = call,
                 .tokens = tokens,
                 .blocks = (tokens + BLOCK - 1) / BLOCK,
                 .dq = a->qk_width,
                 .dv = a->v_width,
                 .lq = (int64_t)a->heads * a->qk_width,
                 .lv = (int64_t)a->heads * a->v_width,
                 .scale = a->scale};
}

/* Returns ln of the sum of exponentials. */
static float softmax(float *row, int64_t n)
{
    float largest = row[0], sum = 0;
    for (int64_t i = 1; i < n; i++) largest = row[i] > largest ? row[i] : largest;
    for (int64_t i = 0; i < n; i++) row[i] = pr_smooth_exp(row[i] - largest);
    for (int64_t i = 0; i < n; i++) sum += row[i];
    for (int64_t i = 0; i < n; i++) row[i] /= sum;
    return largest + logf(sum);
}

/* Probabilities of `rows` queries from `first` on, for head h of image n, into p [rows, T]. */
static void probabilities(const job *j, int64_t n, int64_t h, int64_t first, int64_t rows, float *p)
{
    const float *q = pr_f32(j->call->in[0]) + (n * j->tokens + first) * j->lq + h * j->dq;
    const float *k = pr_f32(j->call->in[1]) + n * j->tokens * j->lq + h * j->dq;
    pr_sgemm_serial(false, true, rows, j->tokens, j->dq, j->scale, q, j->lq, k, j->lq, 0.0f, p,
                    j->tokens);
    const pr_tensor *saved = j->call->saved;
    float *log_sum = NULL;
    if (saved) log_sum = pr_f32(saved) + (n * j->call->node->attrs.heads + h) * j->tokens + first;
    for (int64_t r = 0; r < rows; r++) {
        const float value = softmax(p + r * j->tokens, j->tokens);
        if (log_sum) log_sum[r] = value;
    }
}

static void forward_blocks(void *arg, int64_t begin, int64_t end, int lane)
{
    const job *j = arg;
    float *p = j->scratch + (int64_t)lane * BLOCK * j->tokens;
    for (int64_t item = begin; item < end; item++) {
        const int64_t first = item % j->blocks * BLOCK, h = item / j->blocks;
        const int64_t n = h / j->call->node->attrs.heads, head = h % j->call->node->attrs.heads;
        const int64_t rows = j->tokens - first < BLOCK ? j->tokens - first : BLOCK;
        probabilities(j, n, head, first, rows, p);
        pr_sgemm_serial(false, false, rows, j->dv, j->tokens, 1.0f, p, j->tokens,
                        pr_f32(j->call->in[2]) + n * j->tokens * j->lv + head * j->dv, j->lv, 0.0f,
                        pr_f32(j->call->out) + (n * j->tokens + first) * j->lv + head * j->dv,
                        j->lv);
    }
}

static prune_status forward(pr_op_call *call)
{
    job j = job_make(call);
    PR_TRY(pr_new(call->ctx, (void **)&j.scratch, (size_t)(call->ctx->threads * BLOCK * j.tokens),
                  sizeof(float)));
    pr_parallel(call->ctx, call->in[0]->shape.dim[0] * call->node->attrs.heads * j.blocks, 1,
                forward_blocks, &j);
    pr_free(call->ctx, j.scratch);
    return PRUNE_OK;
}

static void saved(const pr_node *node, const pr_shape *in, pr_shape *shape)
{
    *shape = pr_shape3(in->dim[0], node->attrs.heads, in->dim[1]);
}

static prune_status backward(pr_op_call *call)
{
    const pr_attrs *a = &call->node->attrs;
    const int64_t *q = call->in[0]->shape.dim;
    const pr_attention_gradient gradient = {
        .batch = q[0],
        .tokens = q[1],
        .heads = a->heads,
        .qk_width = a->qk_width,
        .v_width = a->v_width,
        .scale = a->scale,
        .q = pr_f32(call->in[0]),
        .k = pr_f32(call->in[1]),
        .v = pr_f32(call->in[2]),
        .out = pr_f32(call->out),
        .d_out = pr_f32(call->d_out),
        .log_sum = pr_f32(call->saved),
        .dq = call->d_in[0] ? pr_f32(call->d_in[0]) : NULL,
        .dk = call->d_in[1] ? pr_f32(call->d_in[1]) : NULL,
        .dv = call->d_in[2] ? pr_f32(call->d_in[2]) : NULL,
    };
    return pr_attention_backward(call->ctx, &gradient);
}

const pr_op_info pr_op_attention = {
    .min_inputs = 3,
    .max_inputs = 3,
    .int8_inputs = true,
    .bf16 = true,
    .relation = PR_RELATION_ATTENTION,
    .infer = infer,
    .macs = macs,
    .cut = cut,
    .forward = forward,
    .backward = backward,
    .saved = saved,
};
