#include "libprune/passes/shapes.h"
#include "tests/support/nets.h"
#include "tests/support/support.h"

START_TEST(counts_a_network_by_hand)
{
    prune_context *ctx = test_context(1);
    prune_model *model;
    pr_attrs a = pr_attrs_default();
    const pr_shape weight = pr_shape4(1, 3, 3, 3), bias = pr_shape1(1);
    ck_ok(pr_model_create(&model, ctx));
    model->meta.preprocess.width = 10, model->meta.preprocess.height = 8;
    int32_t x = net_node(model, PR_OP_INPUT, "image", NULL, 0, &a, NULL, NULL);
    for (int i = 0; i < 4; i++) a.pad[i] = 1;
    x = net_node(model, PR_OP_CONV, "conv", &x, 1, &a, &weight, &bias);
    ck_ok(pr_model_add_output(model, "depth", x));
    uint64_t macs;
    ck_ok(pr_model_macs(model, 0, 0, &macs));
    ck_assert_uint_eq(macs, 8 * 10 * 27);
    ck_ok(pr_model_macs(model, 16, 10, &macs));
    ck_assert_uint_eq(macs, 16 * 10 * 27);
    ck_assert_uint_eq(pr_model_params(model), 28);
    ck_assert_uint_eq(pr_model_bytes(model), 28 * 4);
    model->nodes[x].precision.compute = PR_COMPUTE_I8;
    ck_assert_uint_eq(pr_model_bytes(model), 27 + 4 + 4); /* integers, one scale, the bias */
    model->nodes[x].precision.compute = PR_COMPUTE_BF16;
    ck_assert_uint_eq(pr_model_bytes(model), 27 * 2 + 4);
    prune_model_info bf16 = {.struct_size = (uint32_t)sizeof bf16};
    ck_ok(prune_model_describe(model, 0, 0, &bf16));
    ck_assert_int_eq(bf16.bf16_layers, 1);
    model->nodes[x].precision.compute = PR_COMPUTE_F32;
    ck_ok(pr_model_set_origin(model));
    ck_assert_uint_eq(model->origin_params, 28);
    prune_model_info info = {.struct_size = (uint32_t)sizeof info};
    ck_ok(prune_model_describe(model, 0, 0, &info));
    ck_assert_uint_eq(info.macs, 8 * 10 * 27);
    ck_assert_int_eq(info.layers, 1);
    ck_assert_int_eq(info.input_width, 10);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(refuses_graphs_that_cannot_run)
{
    prune_context *ctx = test_context(1);
    prune_model *model = net_vit(ctx);
    pr_shape shapes[128];
    ck_ok(pr_shapes_infer(model, 1, 16, 24, shapes));
    const int32_t relu = pr_model_find_node(model, "out2.act");
    model->nodes[relu].precision.compute = PR_COMPUTE_I8;
    ck_fails(pr_shapes_infer(model, 1, 16, 16, shapes), PRUNE_E_SHAPE, "out2.act");
    model->nodes[relu].precision.compute = PR_COMPUTE_F32;
    model->nodes[relu].precision.compute = PR_COMPUTE_BF16;
    ck_fails(pr_shapes_infer(model, 1, 16, 16, shapes), PRUNE_E_SHAPE, "BF16");
    model->nodes[relu].precision.compute = PR_COMPUTE_F32;
    const int32_t fc = pr_model_find_node(model, "blocks.0.mlp.fc1");
    model->nodes[fc].precision.compute = PR_COMPUTE_BF16;
    ck_ok(pr_shapes_infer(model, 1, 16, 16, shapes));
    model->nodes[fc].precision.input = PR_INPUT_TOKEN;
    ck_fails(pr_shapes_infer(model, 1, 16, 16, shapes), PRUNE_E_SHAPE, "not quantized");
    model->nodes[fc].precision.input = PR_INPUT_NONE;
    model->nodes[fc].precision.compute = PR_COMPUTE_I8;
    ck_fails(pr_shapes_infer(model, 1, 16, 16, shapes), PRUNE_E_SHAPE, "quantized input");
    model->nodes[fc].precision.input = PR_INPUT_TENSOR;
    ck_fails(pr_shapes_infer(model, 1, 16, 16, shapes), PRUNE_E_SHAPE, "1 input scales");
    model->nodes[fc].precision.input = PR_INPUT_TOKEN;
    ck_ok(pr_shapes_infer(model, 1, 16, 16, shapes));
    const int32_t attention = pr_model_find_node(model, "blocks.0.attn");
    model->nodes[attention].precision.compute = PR_COMPUTE_I8;
    ck_fails(pr_shapes_infer(model, 1, 16, 16, shapes), PRUNE_E_SHAPE, "per token");
    model->nodes[attention].precision.input = PR_INPUT_TENSOR;
    ck_fails(pr_shapes_infer(model, 1, 16, 16, shapes), PRUNE_E_SHAPE, "per token");
    model->nodes[attention].precision.input = PR_INPUT_TOKEN;
    ck_ok(pr_shapes_infer(model, 1, 16, 16, shapes));
    prune_model_info info = {.struct_size = sizeof info};
    ck_ok(prune_model_describe(model, 16, 16, &info));
    ck_assert_int_eq(info.int8_layers, 1);
    ck_assert_int_eq(info.int8_attentions, 1);
    model->nodes[fc].n_inputs = 0;
    ck_fails(pr_shapes_infer(model, 1, 16, 16, shapes), PRUNE_E_SHAPE, "0 inputs");
    model->nodes[fc].n_inputs = 1;
    const int32_t bound = model->nodes[fc].params[0];
    model->nodes[fc].params[0] = PR_NONE;
    ck_fails(pr_shapes_infer(model, 1, 16, 16, shapes), PRUNE_E_SHAPE, "'weight' is missing");
    model->nodes[fc].params[0] = bound;
    ck_fails(pr_shapes_infer(model, 1, (int64_t)1 << 30, (int64_t)1 << 30, shapes), PRUNE_E_SHAPE,
             "not supported");
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("passes.shapes", counts_a_network_by_hand, refuses_graphs_that_cannot_run)
