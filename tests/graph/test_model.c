#include "libprune/graph/graph.h"
#include "tests/support/support.h"

static prune_model *two_nodes(prune_context *ctx)
{
    prune_model *model;
    pr_attrs attrs = pr_attrs_default();
    int32_t input, linear;
    pr_tensor weight;
    pr_shape shape = pr_shape2(2, 3);
    ck_ok(pr_model_create(&model, ctx));
    ck_ok(pr_model_add_node(model, &input, PR_OP_INPUT, "image", NULL, 0, &attrs));
    ck_ok(pr_model_add_node(model, &linear, PR_OP_LINEAR, "head", &input, 1, &attrs));
    ck_ok(pr_tensor_zeros(&weight, ctx, PR_F32, &shape));
    ck_ok(pr_model_add_param(model, linear, 0, weight));
    ck_ok(pr_model_add_output(model, "depth", linear));
    return model;
}

START_TEST(finds_what_was_added)
{
    prune_context *ctx = test_context(1);
    prune_model *model = two_nodes(ctx);
    int32_t consumers[2];
    ck_assert_int_eq(pr_model_find_node(model, "head"), 1);
    ck_assert_int_eq(pr_model_find_node(model, "nobody"), PR_NONE);
    ck_assert_int_eq(pr_model_find_param(model, "head.weight"), 0);
    ck_assert_ptr_nonnull(pr_node_param(model, &model->nodes[1], 0));
    ck_assert_ptr_null(pr_node_param(model, &model->nodes[1], 1));
    ck_assert_int_eq(pr_model_consumers(model, 0, consumers, 2), 1);
    ck_assert_int_eq(consumers[0], 1);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(refuses_duplicates_and_forward_references)
{
    prune_context *ctx = test_context(1);
    prune_model *model = two_nodes(ctx);
    pr_attrs attrs = pr_attrs_default();
    int32_t index, later = 5;
    ck_fails(pr_model_add_node(model, &index, PR_OP_RELU, "head", &index, 0, &attrs),
             PRUNE_E_FORMAT, "'head'");
    ck_fails(pr_model_add_node(model, &index, PR_OP_RELU, "relu", &later, 1, &attrs),
             PRUNE_E_FORMAT, "'relu'");
    ck_assert_int_eq(model->n_nodes, 2);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("graph.model", finds_what_was_added, refuses_duplicates_and_forward_references)
