#include "tests/pruning/planning.h"

/* Where one layer has copies of all its channels, that layer gives way first. */
START_TEST(the_layer_with_copies_gives_way)
{
    prune_model *model = test_graph_encoder_decoder(test_context(2), 28, 40, 8, 1);
    planning_copy_half(model, "decoder.1");
    planning t = planning_open(model, 0.9, PRUNE_SALIENCY_RECONSTRUCTION);
    t.p.options.granularity = 1;
    const int32_t s = planning_space(&t, "decoder.1");
    ck_ok(pr_planner_allocate_by_error(&t.p));
    ck_assert(t.p.reached);
    ck_assert((double)t.p.cost.macs <= 0.9 * (double)t.p.cost_before.macs);
    int32_t most = 0;
    for (int32_t i = 0; i < t.p.spaces.count; i++)
        if (t.p.eligible[i] && t.p.taken[i] > t.p.taken[most]) most = i;
    ck_assert_int_eq(most, s);
    planning_close(&t);
}
END_TEST

/* Measured allocation leaves less error than equal shares at the same cost. */
START_TEST(better_than_equal_shares)
{
    double errors[2];
    for (int uniform = 0; uniform < 2; uniform++) {
        prune_model *model = test_graph_encoder_decoder(test_context(2), 28, 40, 8, 2);
        planning_copy_half(model, "decoder.0");
        planning t = planning_open(model, 0.75, PRUNE_SALIENCY_RECONSTRUCTION);
        if (uniform)
            ck_ok(pr_planner_allocate_uniform(&t.p));
        else
            ck_ok(pr_planner_allocate_by_error(&t.p));
        ck_assert(t.p.reached);
        errors[uniform] = t.p.error;
        planning_close(&t);
    }
    ck_assert_msg(errors[0] < errors[1], "%g by error, %g uniform", errors[0], errors[1]);
}
END_TEST

/* A branch that adds nothing goes first where blocks may go. */
START_TEST(silent_block_goes_first)
{
    prune_model *model = test_graph_transformer(test_context(1), 5);
    pr_blocks blocks;
    ck_ok(pr_blocks_create(&blocks, model));
    const int32_t branch = blocks.items[2].branch;
    pr_blocks_free(&blocks);
    for (int32_t slot = 0; slot < 2; slot++) {
        const pr_tensor *tensor = pr_node_param(model, &model->nodes[branch], slot);
        if (tensor) memset(tensor->data, 0, pr_tensor_bytes(tensor));
    }
    planning t = planning_open(model, 0.999, PRUNE_SALIENCY_MAGNITUDE);
    t.p.options.blocks = true;
    for (int32_t i = 0; i < t.p.spaces.count; i++) t.p.eligible[i] = false;
    ck_ok(pr_planner_allocate_by_error(&t.p));
    ck_assert(t.p.gone[2]);
    for (int32_t i = 0; i < t.p.blocks.count; i++) ck_assert_int_eq(t.p.gone[i], i == 2);
    planning_close(&t);
}
END_TEST

/* A goal out of reach: goes as far as possible and says so. */
START_TEST(stops_where_nothing_is_left)
{
    planning t = planning_open(test_graph_encoder_decoder(test_context(1), 28, 40, 8, 1), 0.01,
                               PRUNE_SALIENCY_MAGNITUDE);
    ck_ok(pr_planner_allocate_by_error(&t.p));
    ck_assert(!t.p.reached);
    for (int32_t i = 0; i < t.p.spaces.count; i++)
        if (t.p.eligible[i]) ck_assert_int_eq(t.p.taken[i], t.p.orders[i].limit);
    planning_close(&t);
}
END_TEST

TEST_MAIN("allocate", the_layer_with_copies_gives_way, better_than_equal_shares,
          silent_block_goes_first, stops_where_nothing_is_left)
