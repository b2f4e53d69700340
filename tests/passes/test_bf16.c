#include "libprune/passes/bf16.h"
#include "tests/support/nets.h"
#include "tests/support/support.h"

static pr_compute compute_of(const prune_model *model, const char *name)
{
    const int32_t node = pr_model_find_node(model, name);
    ck_assert_int_ne(node, PR_NONE);
    return model->nodes[node].precision.compute;
}

START_TEST(products_compute_in_bf16_but_not_the_last_layer)
{
    prune_context *ctx = test_context(1);
    prune_model *model = net_vit(ctx);
    const int32_t fc2 = pr_model_find_node(model, "blocks.1.mlp.fc2");
    model->nodes[fc2].precision.compute = PR_COMPUTE_I8;
    model->nodes[fc2].precision.input = PR_INPUT_TOKEN;
    ck_ok(prune_model_set_floats(model, 0));
    ck_assert_int_eq(compute_of(model, "blocks.0.mlp.fc1"), PR_COMPUTE_F32);
    ck_ok(prune_model_set_floats(model, 2));
    ck_assert_int_eq(compute_of(model, "blocks.0.mlp.fc1"), PR_COMPUTE_BF16);
    ck_assert_int_eq(compute_of(model, "blocks.1.mlp.fc2"), PR_COMPUTE_I8);
    int32_t attention = 0, others = 0;
    for (int32_t i = 0; i < model->n_nodes; i++) {
        const bool bf16 = model->nodes[i].precision.compute == PR_COMPUTE_BF16;
        attention += bf16 && model->nodes[i].op == PR_OP_ATTENTION;
        others += bf16 && !pr_op_get(model->nodes[i].op)->bf16;
    }
    ck_assert_int_eq(attention, 2);
    ck_assert_int_eq(others, 0);
    /* Back from the output: the first layer met stays FP32, the one before does not. */
    int32_t node = model->outputs[0].node;
    while (!pr_op_get(model->nodes[node].op)->bf16) node = model->nodes[node].inputs[0];
    ck_assert_int_eq(model->nodes[node].precision.compute, PR_COMPUTE_F32);
    for (node = model->nodes[node].inputs[0]; !pr_op_get(model->nodes[node].op)->bf16;)
        node = model->nodes[node].inputs[0];
    ck_assert_int_eq(model->nodes[node].precision.compute, PR_COMPUTE_BF16);
    ck_ok(prune_model_set_floats(model, 1));
    for (int32_t i = 0; i < model->n_nodes; i++)
        ck_assert_int_ne(model->nodes[i].precision.compute, PR_COMPUTE_BF16);
    ck_assert_int_eq(compute_of(model, "blocks.1.mlp.fc2"), PR_COMPUTE_I8);
    ck_fails(prune_model_set_floats(model, 3), PRUNE_E_ARGUMENT, "not 3");
    ck_fails(prune_model_set_floats(NULL, 1), PRUNE_E_ARGUMENT, "model");
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("passes/bf16", products_compute_in_bf16_but_not_the_last_layer)
