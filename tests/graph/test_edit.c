#include "libprune/graph/graph.h"
#include "tests/support/support.h"

/* image -> a -> b -> sum(a, b) -> depth, and `dead` hanging off a. */
static prune_model *diamond(prune_context *ctx)
{
    prune_model *model;
    pr_attrs attrs = pr_attrs_default();
    int32_t image, a, b, sum, dead, pair[2];
    pr_tensor weight;
    pr_shape shape = pr_shape1(3);
    ck_ok(pr_model_create(&model, ctx));
    ck_ok(pr_model_add_node(model, &image, PR_OP_INPUT, "image", NULL, 0, &attrs));
    ck_ok(pr_model_add_node(model, &a, PR_OP_RELU, "a", &image, 1, &attrs));
    ck_ok(pr_model_add_node(model, &dead, PR_OP_SCALE, "dead", &a, 1, &attrs));
    ck_ok(pr_tensor_zeros(&weight, ctx, PR_F32, &shape));
    ck_ok(pr_model_add_param(model, dead, 0, weight));
    ck_ok(pr_model_add_node(model, &b, PR_OP_SCALE, "b", &a, 1, &attrs));
    ck_ok(pr_tensor_zeros(&weight, ctx, PR_F32, &shape));
    ck_ok(pr_model_add_param(model, b, 0, weight));
    pair[0] = a, pair[1] = b;
    ck_ok(pr_model_add_node(model, &sum, PR_OP_ADD, "sum", pair, 2, &attrs));
    ck_ok(pr_model_add_output(model, "depth", sum));
    return model;
}

START_TEST(drops_the_dead_and_keeps_the_rest)
{
    prune_context *ctx = test_context(1);
    prune_model *model = diamond(ctx);
    ck_ok(pr_model_drop_dead(model));
    ck_assert_int_eq(model->n_nodes, 4);
    ck_assert_int_eq(model->n_params, 1);
    ck_assert_str_eq(model->params[0].name, "b.weight");
    ck_assert_int_eq(model->nodes[2].params[0], 0);
    ck_assert_int_eq(model->outputs[0].node, 3);
    ck_assert_str_eq(model->nodes[model->nodes[3].inputs[1]].name, "b");
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(rewiring_removes_a_branch)
{
    prune_context *ctx = test_context(1);
    prune_model *model = diamond(ctx);
    pr_model_rewire(model, pr_model_find_node(model, "sum"), pr_model_find_node(model, "a"));
    ck_ok(pr_model_drop_dead(model));
    ck_assert_int_eq(model->n_nodes, 2);
    ck_assert_int_eq(model->n_params, 0);
    ck_assert_str_eq(model->nodes[model->outputs[0].node].name, "a");
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(a_clone_shares_until_somebody_writes)
{
    prune_context *ctx = test_context(1);
    prune_model *model = diamond(ctx), *copy;
    ck_ok(pr_model_record(model, "cut", json_pack("{s:i}", "seed", 7)));
    ck_ok(prune_model_clone(&copy, model));
    ck_assert_ptr_eq(copy->params[0].tensor.data, model->params[0].tensor.data);
    ck_ok(pr_tensor_own(&copy->params[0].tensor, ctx));
    ck_assert_ptr_ne(copy->params[0].tensor.data, model->params[0].tensor.data);
    pr_f32(&copy->params[0].tensor)[0] = 5;
    ck_assert_float_eq(pr_f32(&model->params[0].tensor)[0], 0.0f);
    json_t *a = pr_model_to_json(model), *b = pr_model_to_json(copy);
    ck_assert(json_equal(a, b));
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(copy->history, 0), "step")),
                     "cut");
    json_decref(a);
    json_decref(b);
    pr_model_free(model); /* the copy outlives the original */
    ck_assert_float_eq(pr_f32(&copy->params[1].tensor)[0], 0.0f);
    pr_model_free(copy);
    prune_context_free(ctx);
}
END_TEST

START_TEST(replacing_swaps_everything)
{
    prune_context *ctx = test_context(1);
    prune_model *model = diamond(ctx), *other;
    ck_ok(prune_model_clone(&other, model));
    ck_ok(pr_model_drop_dead(other));
    pr_model_replace(model, other);
    ck_assert_int_eq(model->n_nodes, 4);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("graph.edit", drops_the_dead_and_keeps_the_rest, rewiring_removes_a_branch,
          a_clone_shares_until_somebody_writes, replacing_swaps_everything)
