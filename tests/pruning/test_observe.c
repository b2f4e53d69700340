#include "tests/pruning/planning.h"

START_TEST(pictures_are_spread_and_limited)
{
    planning t = planning_open(test_graph_encoder_decoder(test_context(1), 28, 40, 8, 1), 0.9,
                               PRUNE_SALIENCY_MAGNITUDE);
    ck_assert_int_eq(t.p.n_pictures, 4); /* of 5 */
    ck_assert_uint_eq(t.p.pictures[0], 0);
    ck_assert_uint_eq(t.p.pictures[3], 3);
    ck_assert_int_eq(t.p.height, 28);
    ck_assert_int_eq(t.p.width, 40);
    planning_close(&t);
}
END_TEST

START_TEST(panels_see_every_view)
{
    planning t = planning_open(test_graph_transformer(test_context(2), 1), 0.9,
                               PRUNE_SALIENCY_RECONSTRUCTION);
    ck_assert_int_gt(t.p.panels.count, 10);
    for (int32_t i = 0; i < t.p.panels.count; i++) {
        const pr_panel *p = &t.p.panels.items[i];
        /* 6 views of 6 or 7 tokens at least, gradients from every other one. */
        ck_assert_int_ge(p->n_inputs, 6);
        ck_assert_int_ge(p->n_gradients, 3);
        ck_assert_int_lt(p->n_gradients, p->n_inputs);
    }
    for (int32_t v = 0; v < t.model->n_nodes; v++)
        if (t.model->nodes[v].op == PR_OP_ATTENTION)
            for (int32_t c = 0; c < 16; c++)
                ck_assert(t.p.energy[t.p.spaces.slots[t.model->nodes[v].inputs[0]] + c] > 0);
    planning_close(&t);
}
END_TEST

/* Same seed, same numbers; orders hold every unit once. */
START_TEST(observations_repeat)
{
    double sums[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        planning t = planning_open(test_graph_transformer(test_context(2), 1), 0.9,
                                   PRUNE_SALIENCY_RECONSTRUCTION);
        const pr_panel *p = &t.p.panels.items[0];
        for (int64_t k = 0; k < p->rows * p->rows; k++) sums[i] += p->h[k];
        for (int32_t s = 0; s < t.p.spaces.count; s++) {
            int64_t sum = 0, n = t.p.spaces.items[s].n_units;
            for (int64_t u = 0; t.p.eligible[s] && u < n; u++) sum += t.p.orders[s].order[u];
            ck_assert_int_eq(sum, t.p.eligible[s] ? n * (n - 1) / 2 : 0);
        }
        planning_close(&t);
    }
    ck_assert(sums[0] == sums[1]);
}
END_TEST

TEST_MAIN("observe", pictures_are_spread_and_limited, panels_see_every_view, observations_repeat)
