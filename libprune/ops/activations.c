/* Elementwise operators: relu, leaky_relu, elu, gelu (erf form), sigmoid, affine. Each is one
 * function and its derivative, stated next to each other. */
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
static inline float gelu_slope(const pr_attrs *a, float x, float y)
{
    float density, phi = pr_smooth_normal(x, &density);
    (void)a, (void)y;
    return phi + x * density;
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

#define ROW(f)                                                                                     \
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
    }                                                                                              \
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
    }                                                                                              \
    const pr_op_info pr_op_##f = {                                                                 \
        .min_inputs = 1,                                                                           \
        .max_inputs = 1,                                                                           \
        .relation = PR_RELATION_SAME,                                                              \
        .infer = infer,                                                                            \
        .forward = f##_forward,                                                                    \
        .backward = f##_backward,                                                                  \
    };

ROW(relu)
ROW(leaky_relu)
ROW(elu)
ROW(gelu)
ROW(sigmoid)
ROW(affine)
