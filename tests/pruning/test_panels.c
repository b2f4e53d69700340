#include "libprune/pruning/panels.h"
#include "tests/support/graphs.h"
#include "tests/support/support.h"

#include <math.h>

enum { H = 16, W = 20, WIDE = 8 };

/* stem (its second half copies the first) -> consumer -> output. */
static prune_model *make(prune_context *ctx, pr_op_kind op, int32_t groups)
{
    test_graph g = test_graph_create(ctx, H, W, 5);
    int32_t x = test_graph_conv(&g, "stem", 0, 3, WIDE, 3, 2, 1);
    const pr_node *stem = &g.model->nodes[x];
    for (int32_t slot = 0; slot < 2; slot++) {
        const pr_tensor *tensor = pr_node_param(g.model, stem, slot);
        const int64_t half = pr_tensor_count(tensor) / 2;
        memcpy(pr_f32(tensor) + half, pr_f32(tensor), (size_t)half * sizeof(float));
    }
    x = test_graph_node(&g, PR_OP_ELU, "act", x, PR_NONE, NULL);
    if (op == PR_OP_CONV)
        x = test_graph_conv(&g, "consumer", x, WIDE, 6, 3, 1, groups);
    else
        x = test_graph_conv_transpose(&g, "consumer", x, WIDE, 6, 2);
    test_graph_finish(&g, test_graph_conv(&g, "out", x, 6, 1, 1, 1, 1));
    return g.model;
}

/* What the consumer says. */
static int64_t run_model(pr_run *run, int32_t node, float *output)
{
    static float input[H * W * 3];
    test_fill(input, H * W * 3, 9);
    ck_ok(pr_run_forward(run, input));
    const pr_tensor *value = pr_run_value(run, node);
    memcpy(output, value->data, pr_tensor_bytes(value));
    return pr_tensor_count(value);
}

/* Removing channel 1, whose copy is channel 5, changes nothing after the refit, and something
 * without; putting it back restores every bit. With 2 groups the copy is in the other group and
 * cannot help, so the j-th of both groups goes and the refit can only do its best. */
static void check_refit(pr_op_kind op, int32_t groups)
{
    static float before[H * W * 6], fitted[H * W * 6], plain[H * W * 6], back[H * W * 6];
    prune_context *ctx = test_context(2);
    prune_model *model = make(ctx, op, groups);
    const int32_t node = pr_model_find_node(model, "consumer");
    const pr_run_options keep = {.keep = true};
    uint8_t wanted[8] = {0}, removed[WIDE] = {0};
    pr_panels panels;
    pr_run *run = NULL;
    wanted[node] = 1;
    ck_ok(pr_panels_create(&panels, model, wanted, 5000, false));
    ck_assert_int_eq(panels.count, groups);
    ck_ok(pr_run_create(&run, model, 1, H, W, &keep));
    const int64_t n = run_model(run, node, before);
    pr_panels_observe(&panels, model, run, 1);
    pr_panels_finish(&panels, 1e-6);
    removed[1] = 1;
    if (groups > 1) removed[5] = 1;
    ck_ok(pr_panels_refit(&panels, model, node, removed, true));
    (void)run_model(run, node, fitted);
    ck_ok(pr_panels_refit(&panels, model, node, removed, false));
    (void)run_model(run, node, plain);
    memset(removed, 0, sizeof removed);
    ck_ok(pr_panels_refit(&panels, model, node, removed, true));
    (void)run_model(run, node, back);
    ck_assert_mem_eq(before, back, (size_t)n * sizeof *back);
    const double good = test_rms(fitted, before, n), bad = test_rms(plain, before, n);
    ck_assert_msg(bad > 0.05, "rms %g without a refit", bad);
    ck_assert_msg(groups > 1 ? good < bad : good < 1e-3, "rms %g after the refit", good);
    pr_run_free(run);
    pr_panels_free(&panels);
    pr_model_free(model);
    prune_context_free(ctx);
}

START_TEST(refit_takes_over_what_a_copy_did)
{
    check_refit(PR_OP_CONV, 1);
    check_refit(PR_OP_CONV_TRANSPOSE, 1);
}
END_TEST

START_TEST(groups_are_refitted_apart)
{
    check_refit(PR_OP_CONV, 2);
}
END_TEST

/* H is the mean of x x^T over all positions, plus the ridge; G likewise for gradients. */
START_TEST(statistics_are_means_of_products)
{
    prune_context *ctx = test_context(1);
    test_graph g = test_graph_create(ctx, 6, 5, 3);
    const int32_t x = test_graph_conv(&g, "stem", 0, 3, 4, 1, 1, 1);
    const int32_t node = test_graph_conv(&g, "consumer", x, 4, 2, 1, 1, 1);
    test_graph_finish(&g, test_graph_conv(&g, "out", node, 2, 1, 1, 1, 1));
    const pr_run_options keep = {.keep = true};
    static float input[6 * 5 * 3], gradient[6 * 5 * 2];
    const uint8_t wanted[4] = {0, 0, 1, 0};
    pr_panels panels;
    pr_run *run = NULL;
    test_fill(input, 90, 1);
    test_fill(gradient, 60, 2);
    ck_ok(pr_panels_create(&panels, g.model, wanted, 100, true));
    ck_ok(pr_run_create(&run, g.model, 1, 6, 5, &keep));
    ck_ok(pr_run_forward(run, input));
    pr_panels_observe(&panels, g.model, run, 1);
    const pr_shape shape = pr_shape4(1, 6, 5, 2);
    const pr_tensor d = {.dtype = PR_F32, .shape = shape, .data = gradient};
    ck_ok(pr_panels_observe_gradient(&panels, g.model, node, &d, 1));
    pr_panels_finish(&panels, 0);
    const pr_panel *p = &panels.items[0];
    const float *value = pr_f32(pr_run_value(run, x));
    ck_assert_int_eq(p->rows, 5);
    ck_assert_int_eq(p->outputs, 2);
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++) {
            double sum = 0;
            for (int k = 0; k < 30; k++)
                sum +=
                    (i < 4 ? (double)value[k * 4 + i] : 1) * (j < 4 ? (double)value[k * 4 + j] : 1);
            ck_assert(fabs(sum / 30 - p->h[i * 5 + j]) < 1e-5);
        }
    double cross = 0;
    for (int k = 0; k < 30; k++) cross += (double)gradient[2 * k] * (double)gradient[2 * k + 1];
    ck_assert(fabs(cross / 30 - p->g[1]) < 1e-5);
    ck_assert(fabs(cross / 30 - p->g[2]) < 1e-5);
    pr_run_free(run);
    pr_panels_free(&panels);
    pr_model_free(g.model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("panels", refit_takes_over_what_a_copy_did, groups_are_refitted_apart,
          statistics_are_means_of_products)
