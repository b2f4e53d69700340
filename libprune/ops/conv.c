/* conv: y[n,oy,ox,o] = b[o] + sum_{ky,kx,i} w[o,ky,kx,i] x[n, oy*s+ky-p, ox*s+kx-p, i].
 * Weight [O, kh, kw, I/groups], bias [O]; patches times weights, chunk by chunk. */
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
    float *scratch;  /* per lane: chunk x patch floats */
    float *d_weight; /* per lane: O x patch floats, then O bias sums */
    bool direct;     /* 1x1, stride 1, no padding, one group: the image is the patch matrix */
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

typedef struct mirror_job {
    const job *j;
    pr_node node; /* padding of the mirrored convolution */
    int64_t patch, chunk;
    float *mirrored, *scratch;
} mirror_job;

static void mirror_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    const mirror_job *m = arg;
    const job *j = m->j;
    const int64_t channels = j->in->dim[3];
    float *rows = m->scratch + (int64_t)lane * m->chunk * m->patch;
    for (int64_t r = begin; r < end; r += m->chunk) {
        const int64_t n = end - r < m->chunk ? end - r : m->chunk;
        pr_im2col(pr_f32(j->call->d_out), j->out, &m->node, j->kh, j->kw, j->in, r, r + n, 0, rows);
        pr_sgemm_serial(false, false, n, channels, m->patch, 1.0f, rows, m->patch, m->mirrored,
                        channels, 1.0f, pr_f32(j->call->d_in[0]) + r * channels, channels);
    }
}

static prune_status backward_mirrored(const job *j)
{
    prune_status status = PRUNE_OK;
    prune_context *ctx = j->call->ctx;
    mirror_job m = {.j = j, .node = *j->call->node, .patch = j->kh * j->kw * j->out->dim[3]};
    const int64_t last[2] = {j->kh - 1, j->kw - 1};
    for (int side = 0; side < 4; side++)
        m.node.attrs.pad[side] = (int32_t)last[side % 2] - j->call->node->attrs.pad[side];
    m.chunk = CHUNK_FLOATS / m.patch;
    if (m.chunk < CHUNK_MIN_ROWS) m.chunk = CHUNK_MIN_ROWS;
    PR_GO(pr_new(ctx, (void **)&m.mirrored, (size_t)(m.patch * j->in->dim[3]), sizeof(float)));
    PR_GO(pr_new(ctx, (void **)&m.scratch, (size_t)(ctx->threads * m.chunk * m.patch),
                 sizeof(float)));
    mirror_weight(j->call->param[PR_SLOT_WEIGHT], m.mirrored);
    pr_parallel(ctx, row_count(j->in), 64, mirror_rows, &m);
done:
    pr_free(ctx, m.mirrored);
    pr_free(ctx, m.scratch);
    return status;
}

static void backward_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    job *j = arg;
    pr_op_call *call = j->call;
    const int64_t channels = j->out->dim[3];
    float *rows = j->scratch + (int64_t)lane * j->chunk * j->patch;
    float *d_weight = j->d_weight + (int64_t)lane * channels * (j->patch + 1);
    float *d_bias = d_weight + channels * j->patch;
    for (int64_t r = begin; r < end; r += j->chunk) {
        const int64_t n = end - r < j->chunk ? end - r : j->chunk;
        const float *d_out = pr_f32(call->d_out) + r * channels;
        for (int32_t g = 0; g < call->node->attrs.groups; g++) {
            const float *patches = rows;
            if (j->direct)
                patches = pr_f32(call->in[0]) + r * j->patch;
            else
                pr_im2col(pr_f32(call->in[0]), j->in, call->node, j->kh, j->kw, j->out, r, r + n, g,
                          rows);
            pr_sgemm_serial(true, false, j->part_out, j->patch, n, 1.0f, d_out + g * j->part_out,
                            channels, patches, j->patch, 1.0f,
                            d_weight + g * j->part_out * j->patch, j->patch);
        }
        for (int64_t i = 0; i < n; i++)
            for (int64_t o = 0; o < channels; o++) d_bias[o] += d_out[i * channels + o];
    }
}

static prune_status backward_weight(job *j)
{
    pr_op_call *call = j->call;
    const int64_t channels = j->out->dim[3], size = channels * (j->patch + 1);
    float *d_weight = call->d_param[PR_SLOT_WEIGHT] ? pr_f32(call->d_param[PR_SLOT_WEIGHT]) : NULL;
    float *d_bias = call->d_param[PR_SLOT_BIAS] ? pr_f32(call->d_param[PR_SLOT_BIAS]) : NULL;
    if (!d_weight && !d_bias) return PRUNE_OK;
    j->d_weight = pr_calloc(call->ctx, (size_t)(call->ctx->threads * size), sizeof(float));
    if (!j->d_weight) return PRUNE_E_MEMORY;
    pr_parallel(call->ctx, row_count(j->out), 64, backward_rows, j);
    for (int32_t lane = 0; lane < call->ctx->threads; lane++) { /* fixed order of the sums */
        const float *part = j->d_weight + lane * size;
        for (int64_t i = 0; d_weight && i < channels * j->patch; i++) d_weight[i] += part[i];
        for (int64_t o = 0; d_bias && o < channels; o++) d_bias[o] += part[channels * j->patch + o];
    }
    pr_free(call->ctx, j->d_weight);
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
