#include "tests/pruning/planning.h"

/* With every channel twice, one of each pair goes before the second of any pair, whatever the
 * weights: that is what magnitude and gradient cannot see. */
START_TEST(copies_go_first)
{
    prune_model *model = test_graph_encoder_decoder(test_context(2), 28, 40, 8, 1);
    planning_copy_half(model, "decoder.0");
    planning t = planning_open(model, 0.9, PRUNE_SALIENCY_RECONSTRUCTION);
    const int32_t *order = t.p.orders[planning_space(&t, "decoder.0")].order;
    bool pair[4] = {false};
    for (int k = 0; k < 4; k++) {
        ck_assert_msg(!pair[order[k] % 4], "the %d-th to go leaves a pair empty", k);
        pair[order[k] % 4] = true;
    }
    planning_close(&t);
}
END_TEST

/* The cost of a removal is the error that the refit leaves: for every unit alone, removed as the
 * first, the order begins with the one whose refit changes the consumer's output least. */
START_TEST(the_first_to_go_leaves_the_least_error)
{
    prune_model *model = test_graph_encoder_decoder(test_context(1), 28, 40, 8, 3);
    planning t = planning_open(model, 0.9, PRUNE_SALIENCY_RECONSTRUCTION);
    const int32_t s = planning_space(&t, "decoder.0");
    const pr_panel *panel = NULL;
    for (int32_t i = 0; i < t.p.panels.count; i++)
        if (t.p.panels.items[i].node == t.p.spaces.items[s].consumers[0])
            panel = &t.p.panels.items[i];
    const pr_node *node = &t.p.work->nodes[panel->node];
    double least = 1e300;
    int32_t best = -1;
    for (int32_t unit = 0; unit < 8; unit++) {
        uint8_t removed[8] = {0};
        double error = 0;
        removed[unit] = 1;
        ck_ok(pr_panels_refit(&t.p.panels, t.p.work, panel->node, removed, true));
        const float *now = pr_f32(pr_node_param(t.p.work, node, PR_SLOT_WEIGHT));
        const float *bias = pr_f32(pr_node_param(t.p.work, node, PR_SLOT_BIAS));
        double *d = pr_calloc(t.ctx, (size_t)(panel->outputs * panel->rows), sizeof *d);
        for (int64_t o = 0; o < panel->outputs; o++)
            for (int64_t r = 0; r < panel->rows; r++)
                d[o * panel->rows + r] =
                    (double)(r < panel->inputs ? now[o * panel->inputs + r] : bias[o]) -
                    (double)panel->weight[o * panel->rows + r];
        /* trace(D H D^T G) */
        for (int64_t a = 0; a < panel->outputs; a++)
            for (int64_t b = 0; b < panel->outputs; b++) {
                double sum = 0;
                for (int64_t i = 0; i < panel->rows; i++)
                    for (int64_t j = 0; j < panel->rows; j++)
                        sum += d[a * panel->rows + i] * panel->h[i * panel->rows + j] *
                               d[b * panel->rows + j];
                error += sum * panel->g[a * panel->outputs + b];
            }
        pr_free(t.ctx, d);
        if (error < least) {
            least = error;
            best = unit;
        }
    }
    ck_assert_int_eq(t.p.orders[s].order[0], best);
    planning_close(&t);
}
END_TEST

TEST_MAIN("saliency reconstruction", copies_go_first, the_first_to_go_leaves_the_least_error)
