#include "tests/pruning/planning.h"

START_TEST(error_follows_the_weights_and_comes_back)
{
    planning t = planning_open(test_graph_encoder_decoder(test_context(1), 28, 40, 8, 1), 0.9,
                               PRUNE_SALIENCY_MAGNITUDE);
    const int32_t s = planning_space(&t, "decoder.0"), late = planning_space(&t, "decoder.1");
    uint8_t *touched = pr_calloc(t.ctx, (size_t)t.model->n_nodes, 1);
    double start, cut, other, back, whole;
    ck_ok(pr_judge_error(&t.p, t.nothing, &start));
    ck_assert(start < 1e-6); /* the model is its own teacher */
    pr_planner_touched(&t.p, s, touched);
    pr_planner_take(&t.p, s, 4);
    ck_ok(pr_planner_refit(&t.p, touched));
    ck_ok(pr_judge_error(&t.p, touched, &cut));
    ck_assert(cut > 1e-3);
    /* The partial run says what a whole one says. */
    memset(t.p.judge.changed, 1, (size_t)t.model->n_nodes);
    ck_ok(pr_judge_error(&t.p, t.nothing, &whole));
    ck_assert(cut == whole);
    /* Back to the start, then another layer: the first change leaves no trace. */
    pr_planner_take(&t.p, s, 0);
    ck_ok(pr_planner_refit(&t.p, touched));
    ck_ok(pr_judge_error(&t.p, touched, &back));
    ck_assert(back == start);
    pr_planner_touched(&t.p, late, touched);
    pr_planner_take(&t.p, late, 2);
    ck_ok(pr_planner_refit(&t.p, touched));
    ck_ok(pr_judge_error(&t.p, touched, &other));
    memset(t.p.judge.changed, 1, (size_t)t.model->n_nodes);
    ck_ok(pr_judge_error(&t.p, t.nothing, &whole));
    ck_assert(other == whole && other > 1e-4);
    pr_free(t.ctx, touched);
    planning_close(&t);
}
END_TEST

TEST_MAIN("pruning judge", error_follows_the_weights_and_comes_back)
