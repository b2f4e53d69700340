#include "libprune/models/builder.h"

#include <stdio.h>

enum { MAX_KEY = 256 };

int32_t pr_build_node(pr_builder *builder, pr_op_kind op, const char *name, int32_t first,
                      int32_t second, const pr_attrs *attrs)
{
    if (builder->status != PRUNE_OK) return 0;
    int32_t index = 0, inputs[2] = {first, second};
    int32_t count = first == PR_NONE ? 0 : second == PR_NONE ? 1 : 2;
    pr_attrs neutral = pr_attrs_default();
    builder->status = pr_model_add_node(builder->model, &index, op, name, inputs, count,
                                        attrs ? attrs : &neutral);
    return builder->status == PRUNE_OK ? index : 0;
}

int32_t pr_build_unary(pr_builder *builder, pr_op_kind op, const char *name, int32_t input)
{
    return pr_build_node(builder, op, name, input, PR_NONE, NULL);
}

void pr_build_bind(pr_builder *builder, int32_t node, int32_t slot, pr_tensor *tensor)
{
    if (builder->status == PRUNE_OK)
        builder->status = pr_model_add_param(builder->model, node, slot, *tensor);
    else
        pr_tensor_release(tensor);
    *tensor = (pr_tensor){0};
}

bool pr_build_fetch(pr_builder *builder, const char *key, const pr_shape *shape, pr_tensor *out)
{
    *out = (pr_tensor){0};
    if (builder->status == PRUNE_OK)
        builder->status = builder->weights->fetch(builder->weights->user, key, shape, out);
    return builder->status == PRUNE_OK && out->data;
}

void pr_build_param(pr_builder *builder, int32_t node, int32_t slot, const char *key,
                    const pr_shape *shape)
{
    pr_tensor tensor;
    if (pr_build_fetch(builder, key, shape, &tensor)) pr_build_bind(builder, node, slot, &tensor);
}

prune_status pr_models_permute(pr_tensor *out, prune_context *ctx, const pr_tensor *in,
                               const int32_t order[4])
{
    pr_shape shape = {.rank = 4};
    int64_t stride[4], step[4], run = 1;
    for (int k = 3; k >= 0; k--) {
        stride[k] = run;
        run *= in->shape.dim[k];
    }
    for (int k = 0; k < 4; k++) {
        shape.dim[k] = in->shape.dim[order[k]];
        step[k] = stride[order[k]];
    }
    pr_tensor result;
    PR_TRY(pr_tensor_create(&result, ctx, PR_F32, &shape));
    const float *from = pr_f32(in);
    float *to = pr_f32(&result);
    for (int64_t a = 0; a < shape.dim[0]; a++)
        for (int64_t b = 0; b < shape.dim[1]; b++)
            for (int64_t c = 0; c < shape.dim[2]; c++) {
                const float *row = from + a * step[0] + b * step[1] + c * step[2];
                for (int64_t d = 0; d < shape.dim[3]; d++) *to++ = row[d * step[3]];
            }
    *out = result;
    return PRUNE_OK;
}

static void module_key(char *key, const char *module, const char *slot)
{
    (void)snprintf(key, MAX_KEY, "%s.%s", module, slot);
}

static void bind_bias(pr_builder *builder, int32_t node, const char *module, int64_t width)
{
    char key[MAX_KEY];
    pr_shape shape = pr_shape1(width);
    module_key(key, module, "bias");
    pr_build_param(builder, node, PR_SLOT_BIAS, key, &shape);
}

static void bind_permuted(pr_builder *builder, int32_t node, const char *module, pr_shape shape,
                          const int32_t order[4])
{
    char key[MAX_KEY];
    pr_tensor stored, weight = {0};
    module_key(key, module, "weight");
    if (!pr_build_fetch(builder, key, &shape, &stored)) return;
    builder->status = pr_models_permute(&weight, builder->model->ctx, &stored, order);
    pr_tensor_release(&stored);
    pr_build_bind(builder, node, PR_SLOT_WEIGHT, &weight);
}

void pr_build_conv_params(pr_builder *builder, int32_t node, const char *module, int64_t out,
                          int64_t in, int64_t kernel, bool bias)
{
    static const int32_t order[4] = {0, 2, 3, 1};
    bind_permuted(builder, node, module, pr_shape4(out, in, kernel, kernel), order);
    if (bias) bind_bias(builder, node, module, out);
}

void pr_build_conv_transpose_params(pr_builder *builder, int32_t node, const char *module,
                                    int64_t out, int64_t in, int64_t kernel)
{
    static const int32_t order[4] = {2, 3, 1, 0};
    bind_permuted(builder, node, module, pr_shape4(in, out, kernel, kernel), order);
    bind_bias(builder, node, module, out);
}

void pr_build_linear_params(pr_builder *builder, int32_t node, const char *module, int64_t out,
                            int64_t in)
{
    char key[MAX_KEY];
    pr_shape shape = pr_shape2(out, in);
    module_key(key, module, "weight");
    pr_build_param(builder, node, PR_SLOT_WEIGHT, key, &shape);
    bind_bias(builder, node, module, out);
}

void pr_build_norm_params(pr_builder *builder, int32_t node, const char *module, int64_t width)
{
    char key[MAX_KEY];
    pr_shape shape = pr_shape1(width);
    module_key(key, module, "weight");
    pr_build_param(builder, node, PR_SLOT_WEIGHT, key, &shape);
    bind_bias(builder, node, module, width);
}

pr_attrs pr_build_conv_attrs(int32_t stride, int32_t pad)
{
    pr_attrs attrs = pr_attrs_default();
    attrs.stride[0] = attrs.stride[1] = stride;
    for (int k = 0; k < 4; k++) attrs.pad[k] = pad;
    return attrs;
}
