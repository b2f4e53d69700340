#include "tests/pruning/planning.h"

/* The channel that the consumer hardly reads goes first, the one that it reads most stays. */
START_TEST(small_columns_go_first)
{
    prune_model *model = test_graph_encoder_decoder(test_context(1), 28, 40, 8, 1);
    const pr_node *consumer = &model->nodes[pr_model_find_node(model, "decoder.1")];
    const pr_tensor *weight = pr_node_param(model, consumer, PR_SLOT_WEIGHT);
    for (int64_t i = 0; i < pr_tensor_count(weight); i++) {
        if (i % 8 == 3) pr_f32(weight)[i] *= 0.01F;
        if (i % 8 == 6) pr_f32(weight)[i] *= 10;
    }
    planning t = planning_open(model, 0.9, PRUNE_SALIENCY_MAGNITUDE);
    const int32_t *order = t.p.orders[planning_space(&t, "decoder.0")].order;
    ck_assert_int_eq(order[0], 3);
    ck_assert_int_eq(order[7], 6);
    planning_close(&t);
}
END_TEST

/* q and k: the channel with the smallest rows, in each head. */
START_TEST(small_rows_of_q_go_first)
{
    prune_model *model = test_graph_transformer(test_context(1), 2);
    int32_t node = 0;
    while (model->nodes[node].op != PR_OP_ATTENTION) node++;
    const pr_node *q = &model->nodes[model->nodes[node].inputs[0]];
    float *rows = pr_f32(pr_node_param(model, q, PR_SLOT_WEIGHT));
    for (int i = 0; i < 16; i++) {
        rows[5 * 16 + i] *= 0.01F;  /* head 0, channel 5 */
        rows[10 * 16 + i] *= 0.01F; /* head 1, channel 2 */
    }
    planning t = planning_open(model, 0.9, PRUNE_SALIENCY_MAGNITUDE);
    for (int32_t i = 0; i < t.p.spaces.count; i++) {
        const pr_space *space = &t.p.spaces.items[i];
        if (space->kind != PR_SPACE_QK || space->attention != node) continue;
        ck_assert_int_eq(t.p.orders[i].order[0], 5);
        ck_assert_int_eq(t.p.orders[i].order[8], 10);
    }
    planning_close(&t);
}
END_TEST

TEST_MAIN("saliency magnitude", small_columns_go_first, small_rows_of_q_go_first)
