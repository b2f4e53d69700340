#include "tests/support/graphs.h"

#include "tests/support/support.h"

#include <math.h>
#include <prune/model.h>
#include <stdio.h>

test_graph test_graph_create(prune_context *ctx, int32_t height, int32_t width, uint64_t seed)
{
    test_graph g = {.seed = seed};
    ck_ok(pr_model_create(&g.model, ctx));
    pr_preprocess *rule = &g.model->meta.preprocess;
    *rule = (pr_preprocess){.fit = PR_FIT_EXACT, .filter = PR_FILTER_BILINEAR, .multiple = 1};
    rule->height = height;
    rule->width = width;
    for (int i = 0; i < 3; i++) {
        rule->mean[i] = 0.5F;
        rule->std[i] = 0.25F;
    }
    g.model->meta.output_kind = PR_OUTPUT_METRIC;
    g.model->meta.max_depth = 80;
    int32_t input;
    const pr_attrs attrs = pr_attrs_default();
    ck_ok(pr_model_add_node(g.model, &input, PR_OP_INPUT, "image", NULL, 0, &attrs));
    return g;
}

int32_t test_graph_node(test_graph *g, pr_op_kind op, const char *name, int32_t first,
                        int32_t second, const pr_attrs *attrs)
{
    const pr_attrs neutral = pr_attrs_default();
    const int32_t inputs[2] = {first, second};
    int32_t index = PR_NONE;
    ck_ok(pr_model_add_node(g->model, &index, op, name, inputs, second == PR_NONE ? 1 : 2,
                            attrs ? attrs : &neutral));
    return index;
}

/* Uniform weights that keep the variance about the same through the layer. */
static void add_param(test_graph *g, int32_t node, int32_t slot, pr_shape shape, double scale,
                      double offset)
{
    pr_tensor tensor;
    ck_ok(pr_tensor_create(&tensor, g->model->ctx, PR_F32, &shape));
    test_fill(pr_f32(&tensor), pr_tensor_count(&tensor), ++g->seed);
    for (int64_t i = 0; i < pr_tensor_count(&tensor); i++)
        pr_f32(&tensor)[i] = (float)((double)pr_f32(&tensor)[i] * scale + offset);
    ck_ok(pr_model_add_param(g->model, node, slot, tensor));
}

int32_t test_graph_conv(test_graph *g, const char *name, int32_t in, int64_t in_channels,
                        int64_t out_channels, int64_t kernel, int32_t stride, int32_t groups)
{
    pr_attrs attrs = pr_attrs_default();
    for (int i = 0; i < 4; i++) attrs.pad[i] = (int32_t)kernel / 2;
    attrs.stride[0] = attrs.stride[1] = stride;
    attrs.groups = groups;
    const int32_t node = test_graph_node(g, PR_OP_CONV, name, in, PR_NONE, &attrs);
    const int64_t part = in_channels / groups;
    add_param(g, node, PR_SLOT_WEIGHT, pr_shape4(out_channels, kernel, kernel, part),
              1.7 / sqrt((double)(kernel * kernel * part)), 0);
    add_param(g, node, PR_SLOT_BIAS, pr_shape1(out_channels), 0.3, 0);
    return node;
}

int32_t test_graph_conv_transpose(test_graph *g, const char *name, int32_t in, int64_t in_channels,
                                  int64_t out_channels, int32_t factor)
{
    pr_attrs attrs = pr_attrs_default();
    attrs.stride[0] = attrs.stride[1] = factor;
    const int32_t node = test_graph_node(g, PR_OP_CONV_TRANSPOSE, name, in, PR_NONE, &attrs);
    add_param(g, node, PR_SLOT_WEIGHT, pr_shape4(factor, factor, out_channels, in_channels),
              1.7 / sqrt((double)in_channels), 0);
    add_param(g, node, PR_SLOT_BIAS, pr_shape1(out_channels), 0.3, 0);
    return node;
}

int32_t test_graph_linear(test_graph *g, const char *name, int32_t in, int64_t in_channels,
                          int64_t out_channels)
{
    const int32_t node = test_graph_node(g, PR_OP_LINEAR, name, in, PR_NONE, NULL);
    add_param(g, node, PR_SLOT_WEIGHT, pr_shape2(out_channels, in_channels),
              1.7 / sqrt((double)in_channels), 0);
    add_param(g, node, PR_SLOT_BIAS, pr_shape1(out_channels), 0.3, 0);
    return node;
}

int32_t test_graph_norm(test_graph *g, const char *name, int32_t in, int64_t channels)
{
    pr_attrs attrs = pr_attrs_default();
    attrs.norm_width = (int32_t)channels;
    attrs.epsilon = 1e-6F;
    const int32_t node = test_graph_node(g, PR_OP_LAYER_NORM, name, in, PR_NONE, &attrs);
    add_param(g, node, PR_SLOT_WEIGHT, pr_shape1(channels), 0.3, 1);
    add_param(g, node, PR_SLOT_BIAS, pr_shape1(channels), 0.3, 0);
    return node;
}

int32_t test_graph_attention(test_graph *g, const char *name, int32_t in, int64_t channels,
                             int32_t heads, int32_t qk_width, int32_t v_width)
{
    char part[3][64], own[64], proj[64];
    for (int i = 0; i < 3; i++) (void)snprintf(part[i], sizeof part[i], "%s.%c", name, "qkv"[i]);
    (void)snprintf(own, sizeof own, "%s.attention", name);
    (void)snprintf(proj, sizeof proj, "%s.proj", name);
    int32_t inputs[3];
    for (int i = 0; i < 3; i++)
        inputs[i] = test_graph_linear(g, part[i], in, channels,
                                      (int64_t)heads * (i < 2 ? qk_width : v_width));
    pr_attrs attrs = pr_attrs_default();
    attrs.heads = heads;
    attrs.qk_width = qk_width;
    attrs.v_width = v_width;
    attrs.scale = 0.5F;
    int32_t node;
    ck_ok(pr_model_add_node(g->model, &node, PR_OP_ATTENTION, own, inputs, 3, &attrs));
    return test_graph_linear(g, proj, node, (int64_t)heads * v_width, channels);
}

void test_graph_finish(test_graph *g, int32_t node)
{
    ck_ok(pr_model_add_output(g->model, "depth", node));
}

static int32_t decoder_conv(test_graph *g, const char *name, int32_t in, int64_t from, int64_t to)
{
    const int32_t conv = test_graph_conv(g, name, in, from, to, 3, 1, 1);
    char act[64];
    g->model->nodes[conv].attrs.pad_mode = PR_PAD_REFLECT;
    (void)snprintf(act, sizeof act, "%s.elu", name);
    pr_attrs attrs = pr_attrs_default();
    attrs.alpha = 1;
    return test_graph_node(g, PR_OP_ELU, act, conv, PR_NONE, &attrs);
}

prune_model *test_graph_encoder_decoder(prune_context *ctx, int32_t height, int32_t width,
                                        int32_t channels, uint64_t seed)
{
    test_graph g = test_graph_create(ctx, height, width, seed);
    pr_attrs leaky = pr_attrs_default(), twice = pr_attrs_default();
    leaky.alpha = 0.1F;
    twice.factor = 2;
    int32_t v = test_graph_conv(&g, "conv1", 0, 3, channels, 7, 2, 1);
    v = test_graph_node(&g, PR_OP_RELU, "relu1", v, PR_NONE, NULL);
    v = test_graph_conv(&g, "convs.0.0", v, channels, channels * 2, 3, 2, 1);
    v = test_graph_node(&g, PR_OP_LEAKY_RELU, "convs.0.1", v, PR_NONE, &leaky);
    v = test_graph_conv(&g, "convs.0.2", v, channels * 2, channels * 2, 3, 1, 1);
    v = test_graph_node(&g, PR_OP_LEAKY_RELU, "convs.0.3", v, PR_NONE, &leaky);
    v = decoder_conv(&g, "decoder.0", v, channels * 2, channels);
    v = test_graph_node(&g, PR_OP_RESIZE, "up.0", v, PR_NONE, &twice);
    v = decoder_conv(&g, "decoder.1", v, channels, channels);
    v = test_graph_node(&g, PR_OP_RESIZE, "up.1", v, PR_NONE, &twice);
    v = decoder_conv(&g, "decoder.2", v, channels, channels);
    v = test_graph_conv(&g, "head", v, channels, 1, 3, 1, 1);
    v = test_graph_node(&g, PR_OP_SIGMOID, "sigmoid", v, PR_NONE, NULL);
    test_graph_finish(&g, v);
    g.model->meta.output_kind = PR_OUTPUT_DISPARITY;
    g.model->meta.disparity_scale = 9.99F;
    g.model->meta.disparity_offset = 0.01F;
    return g.model;
}

prune_model *test_graph_transformer(prune_context *ctx, uint64_t seed)
{
    prune_new_options options;
    prune_new_options_init(&options);
    options.width = 16;
    options.blocks = 4;
    options.heads = 2;
    options.neck = "8,8,12,12";
    options.fusion = 8;
    options.head = 6;
    options.input_height = 28;
    options.input_width = 42;
    options.seed = seed;
    prune_model *model = NULL;
    ck_ok(prune_model_new(&model, ctx, &options));
    /* A fresh network says nearly the same everywhere: a larger last layer makes it vary. */
    int32_t last = model->n_nodes - 1;
    while (model->nodes[last].op != PR_OP_CONV) last--;
    const pr_tensor *weight = pr_node_param(model, &model->nodes[last], PR_SLOT_WEIGHT);
    for (int64_t i = 0; i < pr_tensor_count(weight); i++) pr_f32(weight)[i] *= 30;
    return model;
}
