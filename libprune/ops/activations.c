/* Elementwise operators: relu, leaky_relu, elu, gelu (erf form), sigmoid, affine. Each is one
 * function and its derivative, stated next to each other. */
#include "libprune/kernels/train.h"
#include "libprune/ops/ops.h"
#include "libprune/ops/smooth.h"

#include <math.h>

static prune_status infer(const prune_model *model, const pr_node *node, const pr_shape *in,
                          pr_shape *out)
{
    (void)model, (void)node;
    *out = *in;
    return PRUNE_OK;
}

/* Derivatives see the input x and the output y. */
static inline float relu(const pr_attrs *a, float x)
{
    (void)a;
    return x > 0.0f ? x : 0.0f;
}
static inline float relu_slope(const pr_attrs *a, float x, float y)
{
    (void)a, (void)y;
    return x > 0.0f ? 1.0f : 0.0f;
}

static inline float leaky_relu(const pr_attrs *a, float x)
{
    return x > 0.0f ? x : a->alpha * x;
}
static inline float leaky_relu_slope(const pr_attrs *a, float x, float y)
{
    (void)y;
    return x > 0.0f ? 1.0f : a->alpha;
}

static inline float elu(const pr_attrs *a, float x)
{
    return x > 0.0f ? x : a->alpha * expm1f(x);
}
static inline float elu_slope(const pr_attrs *a, float x, float y)
{
    return x > 0.0f ? 1.0f : y + a->alpha;
}

/* gelu(x) = x Phi(x), Phi the normal distribution; gelu' = Phi + x phi. */
static inline float gelu(const pr_attrs *a, float x)
{
    float density;
    (void)a;
    return x * pr_smooth_normal(x, &density);
}
static void gelu_backward_part(void *arg, int64_t begin, int64_t end, int lane)
{
    pr_op_call *call = arg;
    (void)lane;
    pr_train_kernels_get(call->ctx->isa)
        ->gelu_slope(pr_f32(call->in[0]) + begin, pr_f32(call->d_out) + begin,
                     pr_f32(call->d_in[0]) + begin, end - begin);
}
static prune_status gelu_backward(pr_op_call *call)
{
    if (call->d_in[0])
        pr_parallel(call->ctx, pr_tensor_count(call->out), 8192, gelu_backward_part, call);
    return PRUNE_OK;
}

static inline float sigmoid(const pr_attrs *a, float x)
{
    (void)a;
    return x >= 0.0f ? 1.0f / (1.0f + expf(-x)) : expf(x) / (1.0f + expf(x));
}
static inline float sigmoid_slope(const pr_attrs *a, float x, float y)
{
    (void)a, (void)x;
    return y * (1.0f - y);
}

static inline float affine(const pr_attrs *a, float x)
{
    return x * a->scale + a->offset;
}
static inline float affine_slope(const pr_attrs *a, float x, float y)
{
    (void)x, (void)y;
    return a->scale;
}

/* FORWARD(f) and BACKWARD(f) loop over f and f_slope, ROW(f) is the table's row. */
#define FORWARD(f)                                                                                 \
    static void f##_forward_part(void *arg, int64_t begin, int64_t end, int lane)                  \
    {                                                                                              \
        pr_op_call *call = arg;                                                                    \
        const float *restrict x = pr_f32(call->in[0]);                                             \
        float *restrict y = pr_f32(call->out);                                                     \
        (void)lane;                                                                                \
        for (int64_t i = begin; i < end; i++) y[i] = f(&call->node->attrs, x[i]);                  \
    }                                                                                              \
    static prune_status f##_forward(pr_op_call *call)                                              \
    {                                                                                              \
        pr_parallel(call->ctx, pr_tensor_count(call->out), 8192, f##_forward_part, call);          \
        return PRUNE_OK;                                                                           \
    }

#define BACKWARD(f)                                                                                \
    static void f##_backward_part(void *arg, int64_t begin, int64_t end, int lane)                 \
    {                                                                                              \
        pr_op_call *call = arg;                                                                    \
        const float *x = pr_f32(call->in[0]), *y = pr_f32(call->out);                              \
        const float *dy = pr_f32(call->d_out);                                                     \
        float *dx = pr_f32(call->d_in[0]);                                                         \
        (void)lane;                                                                                \
        for (int64_t i = begin; i < end; i++)                                                      \
            dx[i] += dy[i] * f##_slope(&call->node->attrs, x[i], y[i]);                            \
    }                                                                                              \
    static prune_status f##_backward(pr_op_call *call)                                             \
    {                                                                                              \
        if (call->d_in[0])                                                                         \
            pr_parallel(call->ctx, pr_tensor_count(call->out), 8192, f##_backward_part, call);     \
        return PRUNE_OK;                                                                           \
    }

#define ROW(f)                                                                                     \
    const pr_op_info pr_op_##f = {                                                                 \
        .min_inputs = 1,                                                                           \
        .max_inputs = 1,                                                                           \
        .relation = PR_RELATION_SAME,                                                              \
        .infer = infer,                                                                            \
        .forward = f##_forward,                                                                    \
        .backward = f##_backward,                                                                  \
    };

FORWARD(relu)
BACKWARD(relu) ROW(relu) FORWARD(leaky_relu) BACKWARD(leaky_relu) ROW(leaky_relu) FORWARD(elu)
    BACKWARD(elu) ROW(elu) FORWARD(sigmoid) BACKWARD(sigmoid) ROW(sigmoid) FORWARD(affine)
        BACKWARD(affine) ROW(affine) FORWARD(gelu) ROW(gelu)
