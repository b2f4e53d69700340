/* resize of a map: nearest, bilinear (half-pixel centres) or bilinear with aligned corners. The
 * output is `factor` times the size of the last input: of the map itself, or of a second input
 * that lends its size. Coordinates follow torch: float32, clamped to the image. */
#include "libprune/ops/ops.h"

#include <math.h>

static prune_status infer(const prune_model *model, const pr_node *node, const pr_shape *in,
                          pr_shape *out)
{
    const pr_shape *like = &in[node->n_inputs - 1];
    const int64_t factor = node->attrs.factor;
    (void)model;
    if (in->rank != 4 || like->rank != 4)
        return pr_op_shape_error(node, "the inputs must be N x H x W x C");
    if (factor < 1 || factor > 64 || like->dim[1] > 65536 || like->dim[2] > 65536)
        return pr_op_shape_error(node, "factor %lld is not in 1..64", (long long)factor);
    *out = pr_shape4(in->dim[0], like->dim[1] * factor, like->dim[2] * factor, in->dim[3]);
    return PRUNE_OK;
}

/* Two source cells and the weight of the second, along one axis. */
typedef struct tap {
    int64_t first, second;
    float weight;
} tap;

static tap tap_at(int32_t mode, int64_t in, int64_t out, int64_t d)
{
    if (mode == PR_RESIZE_NEAREST) return (tap){d * in / out, d * in / out, 0.0f};
    float source;
    if (mode == PR_RESIZE_BILINEAR_CORNERS)
        source = out > 1 ? (float)d * ((float)(in - 1) / (float)(out - 1)) : 0.0f;
    else
        source = fmaxf(((float)d + 0.5f) * ((float)in / (float)out) - 0.5f, 0.0f);
    int64_t first = (int64_t)source;
    if (first > in - 1) first = in - 1;
    return (tap){first, first + 1 < in ? first + 1 : first, source - (float)first};
}

typedef struct job {
    pr_op_call *call;
    const tap *columns;
} job;

static void forward_lines(void *arg, int64_t begin, int64_t end, int lane)
{
    const job *j = arg;
    const pr_op_call *call = j->call;
    const int64_t *in = call->in[0]->shape.dim, *out = call->out->shape.dim, c = in[3];
    (void)lane;
    for (int64_t line = begin; line < end; line++) {
        const tap v = tap_at(call->node->attrs.resize_mode, in[1], out[1], line % out[1]);
        const float *image = pr_f32(call->in[0]) + line / out[1] * in[1] * in[2] * c;
        const float *top = image + v.first * in[2] * c, *low = image + v.second * in[2] * c;
        float *to = pr_f32(call->out) + line * out[2] * c;
        for (int64_t x = 0; x < out[2]; x++, to += c) {
            const tap h = j->columns[x];
            const float *a = top + h.first * c, *b = top + h.second * c;
            const float *d = low + h.first * c, *e = low + h.second * c;
            for (int64_t i = 0; i < c; i++)
                to[i] = (1.0f - v.weight) * ((1.0f - h.weight) * a[i] + h.weight * b[i]) +
                        v.weight * ((1.0f - h.weight) * d[i] + h.weight * e[i]);
        }
    }
}

/* One output line's gradient into one input line, where it weighs `weight`. */
static void add_line(const job *j, const float *from, float weight, float *to)
{
    const int64_t *out = j->call->out->shape.dim, c = out[3];
    for (int64_t x = 0; x < out[2]; x++, from += c) {
        const tap h = j->columns[x];
        const float first = (1.0f - h.weight) * weight, second = h.weight * weight;
        for (int64_t i = 0; i < c; i++) to[h.first * c + i] += first * from[i];
        if (second == 0.0f) continue;
        for (int64_t i = 0; i < c; i++) to[h.second * c + i] += second * from[i];
    }
}

/* A lane owns input lines [begin, end) of all images, and takes from every output line what belongs
 * to them: two output lines may share an input line. */
static void backward_lines(void *arg, int64_t begin, int64_t end, int lane)
{
    const job *j = arg;
    const pr_op_call *call = j->call;
    const int64_t *in = call->in[0]->shape.dim, *out = call->out->shape.dim, c = in[3];
    (void)lane;
    for (int64_t line = begin / in[1] * out[1]; line < (end - 1) / in[1] * out[1] + out[1];
         line++) {
        const tap v = tap_at(call->node->attrs.resize_mode, in[1], out[1], line % out[1]);
        const int64_t top = line / out[1] * in[1] + v.first, low = top - v.first + v.second;
        const float *from = pr_f32(call->d_out) + line * out[2] * c;
        if (top >= begin && top < end)
            add_line(j, from, 1.0f - v.weight, pr_f32(call->d_in[0]) + top * in[2] * c);
        if (low >= begin && low < end && v.weight != 0.0f)
            add_line(j, from, v.weight, pr_f32(call->d_in[0]) + low * in[2] * c);
    }
}

static prune_status plan_columns(pr_op_call *call, tap **columns)
{
    const int64_t *in = call->in[0]->shape.dim, *out = call->out->shape.dim;
    PR_TRY(pr_new(call->ctx, (void **)columns, (size_t)out[2], sizeof **columns));
    for (int64_t x = 0; x < out[2]; x++)
        (*columns)[x] = tap_at(call->node->attrs.resize_mode, in[2], out[2], x);
    return PRUNE_OK;
}

static prune_status forward(pr_op_call *call)
{
    tap *columns;
    PR_TRY(plan_columns(call, &columns));
    job j = {call, columns};
    pr_parallel(call->ctx, call->out->shape.dim[0] * call->out->shape.dim[1], 8, forward_lines, &j);
    pr_free(call->ctx, columns);
    return PRUNE_OK;
}

static prune_status backward(pr_op_call *call)
{
    tap *columns;
    if (!call->d_in[0]) return PRUNE_OK;
    PR_TRY(plan_columns(call, &columns));
    job j = {call, columns};
    const int64_t *in = call->in[0]->shape.dim;
    pr_parallel(call->ctx, in[0] * in[1], 8, backward_lines, &j);
    pr_free(call->ctx, columns);
    return PRUNE_OK;
}

const pr_op_info pr_op_resize = {
    .min_inputs = 1,
    .max_inputs = 2,
    .relation = PR_RELATION_SAME,
    .value_inputs = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
