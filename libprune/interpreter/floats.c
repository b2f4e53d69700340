/* Float nodes in every mode but PLAIN: computed by the same kernels as in a session on this
 * machine, node by node. For one thing they are fast. For another, the EXACT mode needs the same
 * bits: a rounding that differs in the last bit tips now and then a later quantization by one step;
 * every further layer makes more of them, until after a few layers the two results differ by as
 * much as INT8 differs from FP32 (measured: 4 % of the output's deviation). That these kernels are
 * right is checked against the PLAIN mode, which shares nothing with them. */
#include "libprune/interpreter/run.h"
#include "libprune/kernels/kernels.h"

typedef struct matrix {
    prune_context *ctx;
    const pr_kernels *kernels;
    pr_packed *packs;
    int64_t n_packs;
    void *scratch;
} matrix;

static void matrix_close(matrix *m)
{
    for (int64_t i = 0; m->packs && i < m->n_packs; i++) pr_packed_free(m->ctx, &m->packs[i]);
    pr_free(m->ctx, m->packs);
    pr_free(m->ctx, m->scratch);
}

/* `parts` matrices of n rows (groups, taps); the bias belongs to all taps or is cut by group. */
static prune_status matrix_open(matrix *m, const pr_op_call *call, int64_t parts, int64_t n,
                                int64_t k, bool shared_bias)
{
    const pr_tensor *bias = call->param[PR_SLOT_BIAS];
    const float *weight = pr_f32(call->param[PR_SLOT_WEIGHT]);
    *m = (matrix){.ctx = call->ctx, .kernels = pr_kernels_get(call->ctx->isa), .n_packs = parts};
    m->packs = pr_calloc(call->ctx, (size_t)parts, sizeof *m->packs);
    if (!m->packs) return PRUNE_E_MEMORY;
    const bool bf16 = call->node->precision.compute == PR_COMPUTE_BF16;
    for (int64_t i = 0; i < parts; i++) {
        const float *own = bias ? pr_f32(bias) + (shared_bias ? 0 : i * n) : NULL;
        PR_TRY((bf16 ? pr_pack_bf16 : pr_pack_f32)(&m->packs[i], call->ctx, m->kernels, NULL, n, k,
                                                   weight + i * n * k, own));
    }
    return PRUNE_OK;
}

static prune_status linear(pr_op_call *call)
{
    const int64_t *w = call->param[PR_SLOT_WEIGHT]->shape.dim;
    matrix m;
    prune_status status;
    PR_GO(matrix_open(&m, call, 1, w[0], w[1], false));
    pr_gemm gemm = {.m = pr_tensor_count(call->in[0]) / w[1], .a = call->in[0]->data, .lda = w[1]};
    gemm.b = m.packs;
    gemm.e.out = pr_f32(call->out);
    gemm.e.out_stride = w[0];
    if (m.packs->bf16) {
        PR_GO(
            pr_new(call->ctx, &m.scratch, pr_gemm_bf16_scratch(call->ctx, m.kernels, m.packs), 1));
        pr_gemm_bf16(call->ctx, m.kernels, &gemm, m.scratch);
    } else {
        pr_gemm_f32(call->ctx, m.kernels, &gemm);
    }
done:
    matrix_close(&m);
    return status;
}

/* In the form that a session chooses. */
static prune_status conv_open(matrix *m, const pr_op_call *call, const pr_conv *c)
{
    const int64_t *w = call->param[PR_SLOT_WEIGHT]->shape.dim;
    const pr_tensor *bias = call->param[PR_SLOT_BIAS];
    const pr_kernels *kernels = pr_kernels_get(call->ctx->isa);
    const pr_pack_kind kind = pr_pack_kind_f32(kernels, c, w[0]);
    if (call->node->precision.compute == PR_COMPUTE_BF16 || !pr_winograd_tile(kind)) {
        return matrix_open(m, call, c->groups, w[0] / c->groups, w[1] * w[2] * w[3], false);
    }
    *m = (matrix){.ctx = call->ctx, .kernels = kernels, .n_packs = 1};
    m->packs = pr_calloc(call->ctx, 1, sizeof *m->packs);
    if (!m->packs) return PRUNE_E_MEMORY;
    return pr_pack_winograd_f32(m->packs, call->ctx, kernels, NULL, kind, w[0], w[3],
                                pr_f32(call->param[PR_SLOT_WEIGHT]), bias ? pr_f32(bias) : NULL);
}

static prune_status conv(pr_op_call *call)
{
    const int64_t *w = call->param[PR_SLOT_WEIGHT]->shape.dim, *in = call->in[0]->shape.dim;
    const int64_t *out = call->out->shape.dim;
    const pr_attrs *a = &call->node->attrs;
    matrix m;
    prune_status status;
    pr_conv c = {.batch = in[0], .height = in[1], .width = in[2], .channels = in[3]};
    c.upsample = 1;
    c.out_height = out[1];
    c.out_width = out[2];
    for (int i = 0; i < 2; i++) {
        c.kernel[i] = w[1 + i];
        c.stride[i] = a->stride[i];
        c.pad[i] = a->pad[i];
    }
    c.reflect = a->pad_mode == PR_PAD_REFLECT;
    c.groups = a->groups;
    PR_GO(conv_open(&m, call, &c));
    c.image = call->in[0]->data;
    c.b = m.packs;
    c.e.out = pr_f32(call->out);
    c.e.out_stride = out[3];
    PR_GO(pr_new(call->ctx, &m.scratch, pr_conv_scratch(call->ctx, m.kernels, &c, false) + 1, 1));
    pr_conv_f32(call->ctx, m.kernels, &c, m.scratch);
done:
    matrix_close(&m);
    return status;
}

static prune_status conv_transpose(pr_op_call *call)
{
    const int64_t *w = call->param[PR_SLOT_WEIGHT]->shape.dim, *in = call->in[0]->shape.dim;
    matrix m;
    prune_status status;
    PR_GO(matrix_open(&m, call, w[0] * w[1], w[2], w[3], true));
    pr_conv_transpose t = {.batch = in[0], .height = in[1], .width = in[2], .channels = in[3]};
    t.kernel[0] = w[0];
    t.kernel[1] = w[1];
    t.image = call->in[0]->data;
    t.b = m.packs;
    t.e.out = pr_f32(call->out);
    t.e.out_stride = w[2];
    PR_GO(pr_new(call->ctx, &m.scratch, pr_conv_transpose_scratch(call->ctx, m.kernels, &t), 1));
    pr_conv_transpose_run(call->ctx, m.kernels, &t, false, m.scratch);
done:
    matrix_close(&m);
    return status;
}

static prune_status attention(pr_op_call *call)
{
    const pr_attrs *attrs = &call->node->attrs;
    const int64_t *q = call->in[0]->shape.dim;
    const pr_kernels *kernels = pr_kernels_get(call->ctx->isa);
    void *scratch;
    pr_attention a = {.batch = q[0], .tokens = q[1], .heads = attrs->heads};
    a.qk_width = attrs->qk_width;
    a.v_width = attrs->v_width;
    a.scale = attrs->scale;
    a.q = pr_f32(call->in[0]);
    a.k = pr_f32(call->in[1]);
    a.v = pr_f32(call->in[2]);
    a.q_stride = a.k_stride = a.heads * a.qk_width;
    a.v_stride = a.out_stride = a.heads * a.v_width;
    a.out = pr_f32(call->out);
    if (call->saved) a.log_sum = pr_f32(call->saved);
    pr_compute compute = call->node->precision.compute;
    /* As a session does. */
    if (compute == PR_COMPUTE_I8 && pr_attention_prefers_bf16(kernels)) compute = PR_COMPUTE_BF16;
    const size_t bytes = compute == PR_COMPUTE_I8 ? pr_attention_i8_scratch(call->ctx, kernels, &a)
                         : compute == PR_COMPUTE_BF16
                             ? pr_attention_bf16_scratch(call->ctx, kernels, &a)
                             : pr_attention_scratch(call->ctx, kernels, &a);
    PR_TRY(pr_new(call->ctx, &scratch, bytes, 1));
    if (compute == PR_COMPUTE_I8)
        pr_attention_i8(call->ctx, kernels, &a, scratch);
    else if (compute == PR_COMPUTE_BF16)
        pr_attention_bf16(call->ctx, kernels, &a, scratch);
    else
        pr_attention_f32(call->ctx, kernels, &a, scratch);
    pr_free(call->ctx, scratch);
    return PRUNE_OK;
}

static void norm_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    const pr_op_call *call = arg;
    const int64_t width = pr_shape_last(&call->out->shape);
    const pr_attrs *a = &call->node->attrs;
    const pr_tensor *bias = call->param[PR_SLOT_BIAS];
    (void)lane;
    pr_kernels_get(call->ctx->isa)
        ->layer_norm(end - begin, width, a->norm_width ? a->norm_width : width, a->epsilon,
                     pr_f32(call->in[0]) + begin * width, width,
                     pr_f32(call->param[PR_SLOT_WEIGHT]), bias ? pr_f32(bias) : NULL,
                     pr_f32(call->out) + begin * width, width);
}

static prune_status layer_norm(pr_op_call *call)
{
    const int64_t width = pr_shape_last(&call->out->shape);
    pr_parallel(call->ctx, pr_tensor_count(call->out) / width, 32, norm_rows, call);
    return PRUNE_OK;
}

typedef struct resizing {
    const pr_op_call *call;
    const int32_t *x0, *x1, *y0, *y1;
    const float *wx, *wy;
} resizing;

static void resize_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    const resizing *r = arg;
    const pr_op_call *call = r->call;
    const int64_t *in = call->in[0]->shape.dim, *out = call->out->shape.dim;
    const int64_t line = in[2] * in[3];
    (void)lane;
    for (int64_t i = begin; i < end; i++) {
        const int64_t y = i % out[1];
        const float *image = pr_f32(call->in[0]) + i / out[1] * in[1] * line;
        pr_kernels_get(call->ctx->isa)
            ->resize_row(out[2], out[3], image + r->y0[y] * line, image + r->y1[y] * line, r->wy[y],
                         r->x0, r->x1, r->wx, pr_f32(call->out) + i * out[2] * out[3]);
    }
}

static prune_status resize(pr_op_call *call)
{
    const int64_t *in = call->in[0]->shape.dim, *out = call->out->shape.dim;
    const bool corners = call->node->attrs.resize_mode == PR_RESIZE_BILINEAR_CORNERS;
    const int64_t count = out[1] + out[2];
    int32_t *cells;
    PR_TRY(pr_new(call->ctx, (void **)&cells, (size_t)count, 2 * sizeof *cells + sizeof(float)));
    int32_t *x0 = cells, *x1 = x0 + out[2], *y0 = x1 + out[2], *y1 = y0 + out[1];
    float *wx = (float *)(void *)(cells + 2 * count), *wy = wx + out[2];
    pr_resize_axis(corners, in[2], out[2], x0, x1, wx);
    pr_resize_axis(corners, in[1], out[1], y0, y1, wy);
    resizing r = {call, x0, x1, y0, y1, wx, wy};
    pr_parallel(call->ctx, out[0] * out[1], 8, resize_rows, &r);
    pr_free(call->ctx, cells);
    return PRUNE_OK;
}

typedef struct activating {
    const pr_op_call *call;
    pr_activation act;
} activating;

static void activate_part(void *arg, int64_t begin, int64_t end, int lane)
{
    const activating *job = arg;
    const pr_op_call *call = job->call;
    (void)lane;
    pr_kernels_get(call->ctx->isa)
        ->activate(job->act, call->node->attrs.alpha, pr_f32(call->in[0]) + begin,
                   pr_f32(call->out) + begin, end - begin);
}

static prune_status activate(pr_op_call *call, pr_activation act)
{
    activating job = {call, act};
    pr_parallel(call->ctx, pr_tensor_count(call->out), 8192, activate_part, &job);
    return PRUNE_OK;
}

static void add_part(void *arg, int64_t begin, int64_t end, int lane)
{
    const pr_op_call *call = arg;
    (void)lane;
    pr_kernels_get(call->ctx->isa)
        ->add(pr_f32(call->in[0]) + begin, pr_f32(call->in[1]) + begin, pr_f32(call->out) + begin,
              end - begin);
}

static prune_status add(pr_op_call *call)
{
    pr_parallel(call->ctx, pr_tensor_count(call->out), 8192, add_part, call);
    return PRUNE_OK;
}

static prune_status gate(pr_op_call *call)
{
    pr_gate_f32(pr_kernels_get(call->ctx->isa), pr_f32(call->in[0]), pr_f32(call->in[1]),
                pr_f32(call->out), pr_tensor_count(call->out));
    return PRUNE_OK;
}

prune_status pr_run_kernel_forward(pr_op_call *call)
{
    switch (call->node->op) {
    case PR_OP_LINEAR:
        return linear(call);
    case PR_OP_CONV:
        return conv(call);
    case PR_OP_CONV_TRANSPOSE:
        return conv_transpose(call);
    case PR_OP_ATTENTION:
        return attention(call);
    case PR_OP_LAYER_NORM:
        return layer_norm(call);
    case PR_OP_RELU:
        return activate(call, PR_ACT_RELU);
    case PR_OP_LEAKY_RELU:
        return activate(call, PR_ACT_LEAKY_RELU);
    case PR_OP_ELU:
        return activate(call, PR_ACT_ELU);
    case PR_OP_GELU:
        return activate(call, PR_ACT_GELU);
    case PR_OP_SIGMOID:
        return activate(call, PR_ACT_SIGMOID);
    case PR_OP_ADD:
        return add(call);
    case PR_OP_SWIGLU:
        return gate(call);
    case PR_OP_RESIZE:
        if (call->node->attrs.resize_mode != PR_RESIZE_NEAREST) return resize(call);
        break;
    default:
        break;
    }
    return pr_op_get(call->node->op)->forward(call);
}
