#include "tests/pruning/planning.h"

/* A channel that nobody reads has no gradient, one that is read tenfold has the most. */
START_TEST(unread_channels_go_first)
{
    prune_model *model = test_graph_encoder_decoder(test_context(1), 28, 40, 8, 1);
    const pr_node *consumer = &model->nodes[pr_model_find_node(model, "decoder.2")];
    const pr_tensor *weight = pr_node_param(model, consumer, PR_SLOT_WEIGHT);
    for (int64_t i = 0; i < pr_tensor_count(weight); i++) {
        if (i % 8 == 4) pr_f32(weight)[i] = 0;
        if (i % 8 == 1) pr_f32(weight)[i] *= 10;
    }
    planning t = planning_open(model, 0.9, PRUNE_SALIENCY_TAYLOR);
    const int32_t *order = t.p.orders[planning_space(&t, "decoder.1")].order;
    ck_assert_int_eq(order[0], 4);
    ck_assert_int_eq(order[7], 1);
    planning_close(&t);
}
END_TEST

TEST_MAIN("saliency taylor", unread_channels_go_first)
