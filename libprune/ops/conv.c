/* conv: y[n,oy,ox,o] = b[o] + sum_{ky,kx,i} w[o,ky,kx,i] x[n, oy*s+ky-p, ox*s+kx-p, i].
 * Weight [O, kh, kw, I/groups], bias [O]; patches times weights, chunk by chunk. */
#include "libprune/kernels/product.h"
#include "libprune/kernels/sgemm.h"
#include "libprune/ops/ops.h"

#include <string.h>

/* Rows of patches gathered at once: enough for the product to run at full speed, small enough to
 * stay in the second-level cache. */
enum { CHUNK_FLOATS = 1 << 16, CHUNK_MIN_ROWS = 16 };

static prune_status infer(const prune_model *model, const pr_node *node, const pr_shape *in,
                          pr_shape *out)
{
    const pr_attrs *a = &node->attrs;
    const pr_tensor *weight = pr_node_param(model, node, PR_SLOT_WEIGHT);
    if (in->rank != 4) return pr_op_shape_error(node, "the input must be N x H x W x C");
    if (!weight || weight->shape.rank != 4)
        return pr_op_shape_error(node, "the weight must be O x kh x kw x I");
    const int64_t *w = weight->shape.dim, channels = in->dim[3];
    if (a->groups < 1 || channels % a->groups != 0 || w[0] % a->groups != 0 ||
        w[3] != channels / a->groups)
        return pr_op_shape_error(node,
                                 "input has %lld channels in %d groups, the weight expects %lld "
                                 "per group",
                                 (long long)channels, a->groups, (long long)w[3]);
    if (a->stride[0] < 1 || a->stride[1] < 1)
        return pr_op_shape_error(node, "the stride must be at least 1");
    const bool reflect = a->pad_mode == PR_PAD_REFLECT;
    for (int i = 0; i < 4; i++)
        if (a->pad[i] > (reflect ? in->dim[1 + i % 2] - 1 : w[1 + i % 2] * 4))
            return pr_op_shape_error(node, "padding %d does not fit the input", a->pad[i]);
    *out = pr_shape4(in->dim[0], pr_conv_size(in->dim[1], w[1], a->stride[0], a->pad[0], a->pad[2]),
                     pr_conv_size(in->dim[2], w[2], a->stride[1], a->pad[1], a->pad[3]), w[0]);
    if (out->dim[1] < 1 || out->dim[2] < 1)
        return pr_op_shape_error(node, "the input %lldx%lld is smaller than the kernel %lldx%lld",
                                 (long long)in->dim[1], (long long)in->dim[2], (long long)w[1],
                                 (long long)w[2]);
    if (node->params[PR_SLOT_BIAS] == PR_NONE) return PRUNE_OK;
    pr_shape bias = pr_shape1(w[0]);
    return pr_op_expect_param(model, node, PR_SLOT_BIAS, &bias);
}

static uint64_t macs(const prune_model *model, const pr_node *node, const pr_shape *in,
                     const pr_shape *out)
{
    const int64_t *w = pr_node_param(model, node, PR_SLOT_WEIGHT)->shape.dim;
    (void)in;
    return (uint64_t)(pr_shape_count(out) * w[1] * w[2] * w[3]);
}

/* Grouped weights: a depthwise convolution loses whole groups; otherwise every group loses the
 * same positions (passes/spaces.c ties them together), so group 0 tells them all. */
static prune_status cut(pr_cut_call *call)
{
    pr_node *node = &call->model->nodes[call->node];
    const pr_tensor *weight = pr_node_param(call->model, node, PR_SLOT_WEIGHT);
    const int32_t groups = node->attrs.groups, part = (int32_t)weight->shape.dim[3];
    pr_kept in = call->in[0];
    PR_TRY(pr_op_cut_precision(call));
    if (in.list && groups > 1 && part == 1) {
        node->attrs.groups = in.count;
        in.list = NULL;
    } else if (in.list && groups > 1) {
        if (in.count % groups != 0)
            return pr_op_shape_error(node, "a cut must take the same from each of %d groups",
                                     groups);
        in.count /= groups; /* the list begins with group 0's positions */
    }
    PR_TRY(pr_op_cut_param(call, PR_SLOT_WEIGHT, 3, in));
    PR_TRY(pr_op_cut_param(call, PR_SLOT_WEIGHT, 0, call->out));
    return pr_op_cut_param(call, PR_SLOT_BIAS, 0, call->out);
}

typedef struct job {
    pr_op_call *call;
    const pr_shape *in, *out;
    int64_t kh, kw, part_in, part_out, patch, chunk;
    float *scratch; /* per lane: chunk x patch floats */
    int32_t group;  /* of d_weight in work */
    bool direct;    /* 1x1, stride 1, no padding, one group: the image is the patch matrix */
} job;

static prune_status job_open(job *j, pr_op_call *call)
{
    const pr_attrs *a = &call->node->attrs;
    const int64_t *w = call->param[PR_SLOT_WEIGHT]->shape.dim;
    *j = (job){.call = call, .in = &call->in[0]->shape, .out = &call->out->shape};
    j->kh = w[1];
    j->kw = w[2];
    j->part_in = w[3];
    j->part_out = w[0] / a->groups;
    j->patch = w[1] * w[2] * w[3];
    j->chunk = CHUNK_FLOATS / j->patch;
    if (j->chunk < CHUNK_MIN_ROWS) j->chunk = CHUNK_MIN_ROWS;
    j->direct = w[1] == 1 && w[2] == 1 && a->groups == 1 && a->stride[0] == 1 &&
                a->stride[1] == 1 && !a->pad[0] && !a->pad[1] && !a->pad[2] && !a->pad[3];
    return pr_new(call->ctx, (void **)&j->scratch,
                  (size_t)(call->ctx->threads * j->chunk * j->patch), sizeof(float));
}

static void forward_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    job *j = arg;
    pr_op_call *call = j->call;
    const pr_tensor *bias = call->param[PR_SLOT_BIAS];
    const int64_t channels = j->out->dim[3];
    float *rows = j->scratch + (int64_t)lane * j->chunk * j->patch;
    for (int64_t r = begin; r < end; r += j->chunk) {
        const int64_t n = end - r < j->chunk ? end - r : j->chunk;
        for (int32_t g = 0; g < call->node->attrs.groups; g++) {
            const float *patches = rows;
            if (j->direct)
                patches = pr_f32(call->in[0]) + r * j->patch;
            else
                pr_im2col(pr_f32(call->in[0]), j->in, call->node, j->kh, j->kw, j->out, r, r + n, g,
                          rows);
            pr_sgemm_serial(false, true, n, j->part_out, j->patch, 1.0f, patches, j->patch,
                            pr_f32(call->param[PR_SLOT_WEIGHT]) + g * j->part_out * j->patch,
                            j->patch, 0.0f, pr_f32(call->out) + r * channels + g * j->part_out,
                            channels);
        }
        for (int64_t i = r; bias && i < r + n; i++)
            for (int64_t o = 0; o < channels; o++)
                pr_f32(call->out)[i * channels + o] += pr_f32(bias)[o];
    }
}

static int64_t row_count(const pr_shape *out)
{
    return out->dim[0] * out->dim[1] * out->dim[2];
}

static prune_status forward(pr_op_call *call)
{
    job j;
    PR_TRY(job_open(&j, call));
    pr_parallel(call->ctx, row_count(j.out), 64, forward_rows, &j);
    pr_free(call->ctx, j.scratch);
    return PRUNE_OK;
}

/* A lane owns a band of input lines: it goes through every output line that touches the band. */
static void backward_lines(void *arg, int64_t begin, int64_t end, int lane)
{
    job *j = arg;
    pr_op_call *call = j->call;
    const pr_attrs *a = &call->node->attrs;
    const int64_t height = j->in->dim[1], oh = j->out->dim[1], ow = j->out->dim[2];
    const int64_t channels = j->out->dim[3];
    float *rows = j->scratch + (int64_t)lane * j->chunk * j->patch;
    for (int64_t n = begin / height; n * height < end; n++) {
        const int64_t y0 = begin > n * height ? begin - n * height : 0;
        const int64_t y1 = end < (n + 1) * height ? end - n * height : height;
        /* Reflected lines lie up to one padding further out. */
        const int64_t slack = a->pad_mode == PR_PAD_REFLECT ? a->pad[0] + a->pad[2] : 0;
        int64_t first = (y0 - slack + a->pad[0] - j->kh + 1) / a->stride[0] - 1;
        int64_t last = (y1 + slack + a->pad[0]) / a->stride[0] + 1;
        first = first < 0 ? 0 : first;
        last = last > oh ? oh : last;
        const int64_t stop = (n * oh + last) * ow;
        for (int64_t r = (n * oh + first) * ow; r < stop; r += j->chunk) {
            const int64_t count = stop - r < j->chunk ? stop - r : j->chunk;
            for (int32_t g = 0; g < a->groups; g++) {
                pr_sgemm_serial(false, false, count, j->patch, j->part_out, 1.0f,
                                pr_f32(call->d_out) + r * channels + g * j->part_out, channels,
                                pr_f32(call->param[PR_SLOT_WEIGHT]) + g * j->part_out * j->patch,
                                j->patch, 0.0f, rows, j->patch);
                pr_col2im_add(rows, j->in, call->node, j->kh, j->kw, j->out, r, r + count, g,
                              n * height + y0, n * height + y1, pr_f32(call->d_in[0]));
            }
        }
    }
}

/* Stride 1, zero padding, one group: the gradient of the input is itself a convolution, of d_out
 * with the mirrored kernel and the padding that is missing to kernel - 1. Rows of patches into few
 * columns beat few columns into rows of patches that then have to be scattered. */
static bool mirrors(const pr_op_call *call, int64_t kh, int64_t kw)
{
    const pr_attrs *a = &call->node->attrs;
    return a->groups == 1 && a->stride[0] == 1 && a->stride[1] == 1 &&
           a->pad_mode == PR_PAD_ZEROS && a->pad[0] < kh && a->pad[2] < kh && a->pad[1] < kw &&
           a->pad[3] < kw;
}

/* weight [O, kh, kw, I] to mirrored [kh, kw, O, I], kh and kw backwards: the matrix that rows of
 * d_out patches are multiplied with. */
static void mirror_weight(const pr_tensor *weight, float *mirrored)
{
    const int64_t *w = weight->shape.dim, taps = w[1] * w[2];
    for (int64_t o = 0; o < w[0]; o++)
        for (int64_t t = 0; t < taps; t++)
            memcpy(mirrored + ((taps - 1 - t) * w[0] + o) * w[3],
                   pr_f32(weight) + (o * taps + t) * w[3], (size_t)w[3] * sizeof(float));
}

static pr_conv mirrored_conv(const job *j, const pr_packed *b)
{
    const int64_t *in = j->in->dim, *out = j->out->dim;
    const pr_attrs *a = &j->call->node->attrs;
    float *d_in = pr_f32(j->call->d_in[0]);
    return (pr_conv){
        .batch = out[0],
        .height = out[1],
        .width = out[2],
        .channels = out[3],
        .upsample = 1,
        .out_height = in[1],
        .out_width = in[2],
        .kernel = {j->kh, j->kw},
        .stride = {1, 1},
        .pad = {j->kh - 1 - a->pad[0], j->kw - 1 - a->pad[1]},
        .groups = 1,
        .image = j->call->d_out->data,
        .b = b,
        .e = {.residual = d_in, .residual_stride = in[3], .out = d_in, .out_stride = in[3]}};
}

static prune_status backward_mirrored(const job *j)
{
    prune_status status = PRUNE_OK;
    prune_context *ctx = j->call->ctx;
    const pr_kernels *kernels = pr_kernels_get(ctx->isa);
    const int64_t channels = j->in->dim[3], patch = j->kh * j->kw * j->out->dim[3];
    pr_packed b = {.n = channels, .k = patch, .k_padded = patch};
    const pr_conv conv = mirrored_conv(j, &b);
    float *mirrored = NULL, *packed = NULL;
    void *scratch = NULL;
    PR_GO(pr_new(ctx, (void **)&mirrored, (size_t)(patch * channels), sizeof(float)));
    PR_GO(pr_new(ctx, (void **)&packed, (size_t)pr_pack_f32_size(kernels, channels, patch),
                 sizeof(float)));
    PR_GO(pr_new(ctx, &scratch, pr_conv_scratch(ctx, kernels, &conv, false) + 1, 1));
    mirror_weight(j->call->param[PR_SLOT_WEIGHT], mirrored);
    pr_pack_f32_transposed(kernels, channels, patch, mirrored, channels, packed);
    b.data = packed;
    pr_conv_f32(ctx, kernels, &conv, scratch);
done:
    pr_free(ctx, mirrored);
    pr_free(ctx, packed);
    pr_free(ctx, scratch);
    return status;
}

static void patches_of(void *user, int64_t begin, int64_t end, float *to)
{
    const job *j = user;
    pr_im2col(pr_f32(j->call->in[0]), j->in, j->call->node, j->kh, j->kw, j->out, begin, end,
              j->group, to);
}

/* dw = dy^T patches, one product per group;  db = column sums of dy. */
static prune_status backward_weight(job *j)
{
    pr_op_call *call = j->call;
    const int64_t channels = j->out->dim[3];
    pr_tensor *dw = call->d_param[PR_SLOT_WEIGHT], *db = call->d_param[PR_SLOT_BIAS];
    if (!dw && !db) return PRUNE_OK;
    pr_product p = {.m = j->part_out, .n = j->patch, .k = row_count(j->out), .lda = channels};
    p.a_transposed = true;
    p.ldb = p.ldo = j->patch;
    p.user = j;
    if (j->direct)
        p.b = pr_f32(call->in[0]);
    else
        p.rows_of_b = patches_of;
    for (j->group = 0; j->group < call->node->attrs.groups; j->group++) {
        const int64_t first = j->group * j->part_out;
        p.a = pr_f32(call->d_out) + first;
        p.out = dw ? pr_f32(dw) + first * j->patch : NULL;
        p.a_sums = db ? pr_f32(db) + first : NULL;
        PR_TRY(pr_product_f32(call->ctx, &p));
    }
    return PRUNE_OK;
}

static prune_status backward(pr_op_call *call)
{
    job j;
    PR_TRY(job_open(&j, call));
    prune_status status = PRUNE_OK;
    if (call->d_in[0] && mirrors(call, j.kh, j.kw))
        status = backward_mirrored(&j);
    else if (call->d_in[0])
        pr_parallel(call->ctx, j.in->dim[0] * j.in->dim[1], 8, backward_lines, &j);
    if (status == PRUNE_OK) status = backward_weight(&j);
    pr_free(call->ctx, j.scratch);
    return status;
}

const pr_op_info pr_op_conv = {
    .min_inputs = 1,
    .max_inputs = 1,
    .required_slots = 1,
    .quantizable = true,
    .bf16 = true,
    .relation = PR_RELATION_GROUPED, /* groups = 1: new channels */
    .infer = infer,
    .macs = macs,
    .cut = cut,
    .forward = forward,
    .backward = backward,
};
