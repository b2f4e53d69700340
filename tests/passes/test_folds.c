#include "libprune/interpreter/interpreter.h"
#include "libprune/passes/folds.h"
#include "tests/support/graphs.h"
#include "tests/support/support.h"

enum { SIDE = 12 };

static int32_t add_scale(test_graph *g, const char *name, int32_t in, int64_t channels)
{
    const int32_t node = test_graph_node(g, PR_OP_SCALE, name, in, PR_NONE, NULL);
    const pr_shape shape = pr_shape1(channels);
    pr_tensor weight;
    ck_ok(pr_tensor_create(&weight, g->model->ctx, PR_F32, &shape));
    test_fill(pr_f32(&weight), channels, ++g->seed);
    ck_ok(pr_model_add_param(g->model, node, PR_SLOT_WEIGHT, weight));
    return node;
}

static void run(const prune_model *model, float *out)
{
    float input[SIDE * SIDE * 3];
    pr_run *r;
    test_fill(input, SIDE * SIDE * 3, 1);
    ck_ok(pr_run_create(&r, model, 1, SIDE, SIDE, NULL));
    ck_ok(pr_run_forward(r, input));
    memcpy(out, pr_run_output(r)->data, pr_tensor_bytes(pr_run_output(r)));
    pr_run_free(r);
}

/* Scales after each kind of layer fold; one after a value that others read too, and one after an
 * activation, stay. */
START_TEST(scales_move_into_the_layers_before_them)
{
    prune_context *ctx = test_context(1);
    test_graph g = test_graph_create(ctx, SIDE, SIDE, 4);
    float before[SIDE * SIDE], after[SIDE * SIDE];
    int32_t v = test_graph_conv(&g, "a", 0, 3, 6, 3, 2, 1);
    v = add_scale(&g, "a.scale", v, 6);
    v = test_graph_conv_transpose(&g, "b", v, 6, 5, 2);
    v = add_scale(&g, "b.scale", v, 5);
    v = test_graph_linear(&g, "c", v, 5, 4);
    v = add_scale(&g, "c.scale", v, 4);
    const int32_t shared = test_graph_linear(&g, "shared", v, 4, 4);
    v = add_scale(&g, "shared.scale", shared, 4);
    v = test_graph_node(&g, PR_OP_ADD, "sum", shared, v, NULL);
    v = test_graph_node(&g, PR_OP_RELU, "relu", v, PR_NONE, NULL);
    v = add_scale(&g, "relu.scale", v, 4);
    test_graph_finish(&g, test_graph_conv(&g, "d", v, 4, 1, 1, 1, 1));
    const int32_t nodes = g.model->n_nodes;
    run(g.model, before);
    int32_t folded;
    ck_ok(pr_fold_scales(g.model, &folded));
    ck_assert_int_eq(folded, 3);
    ck_assert_int_eq(g.model->n_nodes, nodes - 3);
    ck_assert_int_eq(pr_model_find_node(g.model, "c.scale"), PR_NONE);
    ck_assert_int_ne(pr_model_find_node(g.model, "shared.scale"), PR_NONE);
    ck_assert_int_ne(pr_model_find_node(g.model, "relu.scale"), PR_NONE);
    run(g.model, after);
    ck_assert_double_lt(test_rms(after, before, SIDE * SIDE), 1e-6);
    const json_t *entry = json_array_get(g.model->history, json_array_size(g.model->history) - 1);
    ck_assert_int_eq(json_integer_value(json_object_get(entry, "layers")), 3);
    ck_ok(pr_fold_scales(g.model, &folded));
    ck_assert_int_eq(folded, 0);
    prune_model_free(g.model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(stored_halves_stay_halves)
{
    prune_context *ctx = test_context(1);
    test_graph g = test_graph_create(ctx, SIDE, SIDE, 4);
    const int32_t conv = test_graph_conv(&g, "a", 0, 3, 1, 3, 1, 1);
    float before[SIDE * SIDE], after[SIDE * SIDE];
    int32_t folded;
    test_graph_finish(&g, add_scale(&g, "a.scale", conv, 1));
    pr_tensor *slot = &g.model->params[g.model->nodes[conv].params[PR_SLOT_WEIGHT]].tensor;
    pr_tensor half;
    ck_ok(pr_tensor_convert(&half, ctx, slot, PR_F16));
    pr_tensor_release(slot);
    *slot = half;
    run(g.model, before);
    ck_ok(pr_fold_scales(g.model, &folded));
    ck_assert_int_eq(folded, 1);
    ck_assert_int_eq(g.model->params[g.model->nodes[conv].params[PR_SLOT_WEIGHT]].tensor.dtype,
                     PR_F16);
    run(g.model, after);
    ck_assert_double_lt(test_rms(after, before, SIDE * SIDE), 1e-3);
    prune_model_free(g.model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("passes/folds", scales_move_into_the_layers_before_them, stored_halves_stay_halves)
