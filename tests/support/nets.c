#include "tests/support/nets.h"

#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>

int32_t net_node(prune_model *model, pr_op_kind op, const char *name, const int32_t *inputs,
                 int32_t n_inputs, const pr_attrs *attrs, const pr_shape *weight,
                 const pr_shape *bias)
{
    const pr_shape *shapes[2] = {weight, bias};
    int32_t index;
    ck_ok(pr_model_add_node(model, &index, op, name, inputs, n_inputs, attrs));
    for (int32_t s = 0; s < 2; s++) {
        if (!shapes[s]) continue;
        pr_tensor tensor;
        ck_ok(pr_tensor_create(&tensor, model->ctx, PR_F32, shapes[s]));
        test_fill(pr_f32(&tensor), pr_tensor_count(&tensor), (uint64_t)(index * 2 + s + 1));
        int64_t fan = pr_tensor_count(&tensor) / shapes[s]->dim[0];
        if (op == PR_OP_CONV_TRANSPOSE) fan = shapes[s]->dim[shapes[s]->rank - 1];
        for (int64_t i = 0; i < pr_tensor_count(&tensor); i++) {
            float *x = &pr_f32(&tensor)[i];
            if (op == PR_OP_LAYER_NORM || op == PR_OP_SCALE)
                *x = s == 0 ? 1.0f + 0.3f * *x : 0.2f * *x;
            else
                *x *= s == 0 ? 1.5f / sqrtf((float)fan) : 0.2f;
        }
        ck_ok(pr_model_add_param(model, index, s, tensor));
    }
    return index;
}

static int32_t conv(prune_model *model, const char *name, int32_t from, int64_t in, int64_t out,
                    int64_t k, int32_t stride, int32_t mode, int32_t groups)
{
    pr_attrs a = pr_attrs_default();
    const pr_shape weight = pr_shape4(out, k, k, in / groups), bias = pr_shape1(out);
    a.stride[0] = a.stride[1] = stride;
    for (int i = 0; i < 4; i++) a.pad[i] = (int32_t)(k / 2);
    a.pad_mode = mode;
    a.groups = groups;
    return net_node(model, PR_OP_CONV, name, &from, 1, &a, &weight, &bias);
}

static int32_t plain(prune_model *model, pr_op_kind op, const char *name, int32_t a, int32_t b)
{
    pr_attrs attrs = pr_attrs_default();
    const int32_t inputs[2] = {a, b};
    attrs.alpha = op == PR_OP_LEAKY_RELU ? 0.1f : 1.0f;
    return net_node(model, op, name, inputs, b == PR_NONE ? 1 : 2, &attrs, NULL, NULL);
}

static int32_t upsample(prune_model *model, const char *name, int32_t from, int32_t like,
                        int32_t mode, int32_t factor)
{
    pr_attrs attrs = pr_attrs_default();
    const int32_t inputs[2] = {from, like};
    attrs.resize_mode = mode;
    attrs.factor = factor;
    return net_node(model, PR_OP_RESIZE, name, inputs, like == PR_NONE ? 1 : 2, &attrs, NULL, NULL);
}

static void describe(prune_model *model, const char *name, int32_t size, int32_t kind)
{
    model->meta.architecture = pr_strdup(model->ctx, name);
    model->meta.preprocess.width = model->meta.preprocess.height = size;
    model->meta.preprocess.multiple = 4;
    model->meta.preprocess.filter = PR_FILTER_BILINEAR;
    model->meta.resize_back = PR_FILTER_BILINEAR;
    model->meta.output_kind = kind;
    model->meta.max_depth = kind == PR_OUTPUT_METRIC ? 80.0f : 0.0f;
    model->meta.disparity_scale = kind == PR_OUTPUT_DISPARITY ? 9.99f : 1.0f;
    model->meta.disparity_offset = kind == PR_OUTPUT_DISPARITY ? 0.01f : 0.0f;
    for (int c = 0; c < 3; c++) {
        model->meta.preprocess.mean[c] = 0.45f;
        model->meta.preprocess.std[c] = 0.225f;
    }
}

prune_model *net_conv(prune_context *ctx)
{
    prune_model *m;
    ck_ok(pr_model_create(&m, ctx));
    pr_attrs attrs = pr_attrs_default();
    int32_t x = net_node(m, PR_OP_INPUT, "image", NULL, 0, &attrs, NULL, NULL);
    x = conv(m, "stem", x, 3, 8, 3, 2, PR_PAD_ZEROS, 1);
    const int32_t stem = plain(m, PR_OP_LEAKY_RELU, "stem.act", x, PR_NONE);
    x = conv(m, "depthwise", stem, 8, 8, 3, 1, PR_PAD_ZEROS, 8);
    x = plain(m, PR_OP_RELU, "depthwise.act", x, PR_NONE);
    x = conv(m, "down", x, 8, 12, 3, 2, PR_PAD_ZEROS, 1);
    const int32_t down = plain(m, PR_OP_RELU, "down.act", x, PR_NONE);
    x = conv(m, "unit.conv1", down, 12, 10, 3, 1, PR_PAD_ZEROS, 1);
    x = plain(m, PR_OP_RELU, "unit.act", x, PR_NONE);
    x = conv(m, "unit.conv2", x, 10, 12, 3, 1, PR_PAD_ZEROS, 1);
    x = plain(m, PR_OP_ADD, "unit.add", x, down);
    x = conv(m, "grouped", x, 12, 8, 3, 1, PR_PAD_ZEROS, 2);
    x = plain(m, PR_OP_ELU, "grouped.act", x, PR_NONE);
    x = upsample(m, "up1", x, stem, PR_RESIZE_NEAREST, 1);
    x = plain(m, PR_OP_CONCAT, "skip", x, stem);
    x = conv(m, "up1.conv", x, 16, 8, 3, 1, PR_PAD_REFLECT, 1);
    x = plain(m, PR_OP_ELU, "up1.act", x, PR_NONE);
    x = upsample(m, "up2", x, PR_NONE, PR_RESIZE_BILINEAR, 2);
    x = conv(m, "head", x, 8, 1, 3, 1, PR_PAD_ZEROS, 1);
    x = plain(m, PR_OP_SIGMOID, "depth", x, PR_NONE);
    ck_ok(pr_model_add_output(m, "depth", x));
    describe(m, "net_conv", 32, PR_OUTPUT_DISPARITY);
    return m;
}

enum { WIDTH = 12, HEADS = 3, HIDDEN = 20 };

static int32_t linear(prune_model *m, const char *block, const char *name, int32_t from, int64_t in,
                      int64_t out)
{
    char full[64];
    pr_attrs a = pr_attrs_default();
    const pr_shape weight = pr_shape2(out, in), bias = pr_shape1(out);
    (void)snprintf(full, sizeof full, "%s.%s", block, name);
    return net_node(m, PR_OP_LINEAR, full, &from, 1, &a, &weight, &bias);
}

static int32_t per_channel(prune_model *m, const char *block, const char *name, pr_op_kind op,
                           int32_t from)
{
    char full[64];
    pr_attrs a = pr_attrs_default();
    const pr_shape shape = pr_shape1(WIDTH);
    (void)snprintf(full, sizeof full, "%s.%s", block, name);
    return net_node(m, op, full, &from, 1, &a, &shape, op == PR_OP_LAYER_NORM ? &shape : NULL);
}

/* Two linear layers with a GELU between them, or the gated form. */
static int32_t mlp(prune_model *m, const char *name, int32_t x, bool gated)
{
    char full[64];
    if (gated) {
        pr_attrs a = pr_attrs_default();
        const int32_t half[2] = {linear(m, name, "mlp.w1", x, WIDTH, HIDDEN),
                                 linear(m, name, "mlp.w2", x, WIDTH, HIDDEN)};
        (void)snprintf(full, sizeof full, "%s.mlp.gate", name);
        x = net_node(m, PR_OP_SWIGLU, full, half, 2, &a, NULL, NULL);
        return linear(m, name, "mlp.w3", x, HIDDEN, WIDTH);
    }
    x = linear(m, name, "mlp.fc1", x, WIDTH, HIDDEN);
    (void)snprintf(full, sizeof full, "%s.mlp.act", name);
    x = plain(m, PR_OP_GELU, full, x, PR_NONE);
    return linear(m, name, "mlp.fc2", x, HIDDEN, WIDTH);
}

static int32_t block(prune_model *m, const char *name, int32_t x, bool gated)
{
    char full[64];
    pr_attrs a = pr_attrs_default();
    const int32_t norm1 = per_channel(m, name, "norm1", PR_OP_LAYER_NORM, x);
    const int32_t qkv[3] = {linear(m, name, "attn.q", norm1, WIDTH, WIDTH),
                            linear(m, name, "attn.k", norm1, WIDTH, WIDTH),
                            linear(m, name, "attn.v", norm1, WIDTH, WIDTH)};
    a.heads = HEADS;
    a.qk_width = a.v_width = WIDTH / HEADS;
    a.scale = 0.5f;
    (void)snprintf(full, sizeof full, "%s.attn", name);
    int32_t y = net_node(m, PR_OP_ATTENTION, full, qkv, 3, &a, NULL, NULL);
    y = linear(m, name, "attn.proj", y, WIDTH, WIDTH);
    y = per_channel(m, name, "ls1", PR_OP_SCALE, y);
    (void)snprintf(full, sizeof full, "%s.add1", name);
    x = plain(m, PR_OP_ADD, full, x, y);
    y = per_channel(m, name, "norm2", PR_OP_LAYER_NORM, x);
    y = mlp(m, name, y, gated);
    y = per_channel(m, name, "ls2", PR_OP_SCALE, y);
    (void)snprintf(full, sizeof full, "%s.add2", name);
    return plain(m, PR_OP_ADD, full, x, y);
}

/* Tap: final norm, tokens to map, 1x1 projection. */
static int32_t tap(prune_model *m, const char *name, int32_t tokens, int32_t patches, int64_t out)
{
    char full[64];
    pr_attrs a = pr_attrs_default();
    const int32_t inputs[2] = {per_channel(m, name, "norm", PR_OP_LAYER_NORM, tokens), patches};
    a.prefix = 1;
    (void)snprintf(full, sizeof full, "%s.map", name);
    const int32_t map = net_node(m, PR_OP_TOKENS_TO_MAP, full, inputs, 2, &a, NULL, NULL);
    (void)snprintf(full, sizeof full, "%s.project", name);
    return conv(m, full, map, WIDTH, out, 1, 1, PR_PAD_ZEROS, 1);
}

static prune_model *vit(prune_context *ctx, bool gated)
{
    prune_model *m;
    ck_ok(pr_model_create(&m, ctx));
    pr_attrs a = pr_attrs_default();
    int32_t x = net_node(m, PR_OP_INPUT, "image", NULL, 0, &a, NULL, NULL);
    const pr_shape patch = pr_shape4(WIDTH, 4, 4, 3), width = pr_shape1(WIDTH);
    a.stride[0] = a.stride[1] = 4;
    const int32_t map = net_node(m, PR_OP_CONV, "patch_embed", &x, 1, &a, &patch, &width);
    const pr_shape prefix = pr_shape2(1, WIDTH), position = pr_shape2(1 + 4 * 4, WIDTH);
    a = pr_attrs_default();
    a.grid[0] = a.grid[1] = 4;
    a.prefix = 1;
    x = net_node(m, PR_OP_TOKEN_EMBED, "embed", &map, 1, &a, &prefix, &position);
    const int32_t first = block(m, "blocks.0", x, gated),
                  second = block(m, "blocks.1", first, gated);
    int32_t coarse = tap(m, "tap1", second, map, 8), fine = tap(m, "tap0", first, map, 8);
    const pr_shape up = pr_shape4(2, 2, 8, 8), eight = pr_shape1(8);
    a = pr_attrs_default();
    a.stride[0] = a.stride[1] = 2;
    fine = net_node(m, PR_OP_CONV_TRANSPOSE, "tap0.up", &fine, 1, &a, &up, &eight);
    coarse = upsample(m, "coarse.up", coarse, fine, PR_RESIZE_BILINEAR_CORNERS, 1);
    x = plain(m, PR_OP_ADD, "fuse", coarse, fine);
    x = conv(m, "out1", x, 8, 6, 3, 1, PR_PAD_ZEROS, 1);
    x = upsample(m, "out.up", x, map, PR_RESIZE_BILINEAR_CORNERS, 4);
    x = conv(m, "out2", x, 6, 5, 3, 1, PR_PAD_ZEROS, 1);
    x = plain(m, PR_OP_RELU, "out2.act", x, PR_NONE);
    x = conv(m, "out3", x, 5, 1, 1, 1, PR_PAD_ZEROS, 1);
    x = plain(m, PR_OP_SIGMOID, "out.act", x, PR_NONE);
    a = pr_attrs_default();
    a.scale = 80.0f;
    x = net_node(m, PR_OP_AFFINE, "depth", &x, 1, &a, NULL, NULL);
    ck_ok(pr_model_add_output(m, "depth", x));
    describe(m, gated ? "net_gated" : "net_vit", 16, PR_OUTPUT_METRIC);
    return m;
}

prune_model *net_vit(prune_context *ctx)
{
    return vit(ctx, false);
}

prune_model *net_gated(prune_context *ctx)
{
    return vit(ctx, true);
}
