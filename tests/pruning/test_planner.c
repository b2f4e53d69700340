#include "libprune/passes/cut.h"
#include "tests/pruning/planning.h"

START_TEST(words_of_a_list)
{
    ck_assert(pr_planner_lists("head,qk", "head"));
    ck_assert(pr_planner_lists("head,qk", "qk"));
    ck_assert(!pr_planner_lists("head,qk", "hea"));
    ck_assert(!pr_planner_lists("head,qk", "neuron"));
    ck_assert(!pr_planner_lists("", "head"));
}
END_TEST

/* What the planner measures with zeroed weights is what the cut model does: for all kinds. */
START_TEST(zeroed_weights_mean_the_cut_model)
{
    static float input[28 * 42 * 3], zeroed[28 * 42];
    prune_model *model = test_graph_transformer(test_context(1), 4);
    planning t = {.ctx = model->ctx, .model = model};
    prune_cut_options_init(&t.p.options);
    t.p.options.kinds = "head,qk,neuron,channel,residual";
    t.p.options.images = 2;
    t.p.options.views = 0;
    t.p.samples = test_pictures(t.ctx, 2, 60, 40);
    ck_ok(pr_planner_open(&t.p, model));
    ck_ok(pr_planner_observe(&t.p));
    ck_ok(pr_planner_order(&t.p));
    uint8_t *touched = pr_calloc(t.ctx, (size_t)model->n_nodes, 1);
    for (int32_t s = 0; s < t.p.spaces.count; s++) {
        if (!t.p.eligible[s]) continue;
        pr_planner_take(&t.p, s, t.p.orders[s].limit / 3);
        pr_planner_touched(&t.p, s, touched);
        ck_ok(pr_planner_refit(&t.p, touched));
    }
    test_fill(input, 28 * 42 * 3, 3);
    pr_run *run = NULL;
    ck_ok(pr_run_create(&run, t.p.work, 1, 28, 42, NULL));
    ck_ok(pr_run_forward(run, input));
    memcpy(zeroed, pr_run_output(run)->data, sizeof zeroed);
    pr_run_free(run);
    pr_cost cost;
    uint64_t macs;
    ck_ok(pr_planner_cost(&t.p, &cost));
    ck_ok(pr_spaces_cut(t.p.work, &t.p.spaces, t.p.removed));
    ck_ok(pr_model_macs(t.p.work, 28, 42, &macs));
    ck_assert_uint_eq(cost.macs, macs);
    ck_ok(pr_run_create(&run, t.p.work, 1, 28, 42, NULL));
    ck_ok(pr_run_forward(run, input));
    ck_assert(test_rms(pr_f32(pr_run_output(run)), zeroed, 28 * 42) < 1e-4);
    pr_run_free(run);
    pr_free(t.ctx, touched);
    planning_close(&t);
}
END_TEST

START_TEST(uniform_share_is_the_smallest_that_is_enough)
{
    planning t = planning_open(test_graph_encoder_decoder(test_context(1), 28, 40, 16, 1), 0.6,
                               PRUNE_SALIENCY_MAGNITUDE);
    ck_ok(pr_planner_allocate_uniform(&t.p));
    ck_assert(t.p.reached);
    ck_assert((double)t.p.cost.macs <= 0.6 * (double)t.p.cost_before.macs);
    ck_assert((double)t.p.cost.macs > 0.5 * (double)t.p.cost_before.macs);
    ck_assert(t.p.error > 0);
    planning_close(&t);
}
END_TEST

TEST_MAIN("planner", words_of_a_list, zeroed_weights_mean_the_cut_model,
          uniform_share_is_the_smallest_that_is_enough)
