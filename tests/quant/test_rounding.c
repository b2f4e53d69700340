#include "libprune/passes/integer.h"
#include "libprune/quant/assign.h"
#include "libprune/quant/judge.h"
#include "libprune/quant/rounding.h"
#include "tests/quant/fixture.h"

static scene world;

static void annotate(prune_model *model, prune_samples *samples, int32_t scheme, bool *candidate)
{
    prune_quant_options options;
    pr_watch watch[512];
    pr_calibration calibration;
    prune_quant_options_init(&options);
    options.scheme = scheme;
    ck_ok(pr_assign_candidates(model, &options, candidate));
    pr_assign_watch(model, candidate, (pr_scheme)scheme, watch);
    ck_ok(pr_calibration_create(&calibration, model, watch, PR_OBSERVER_MIN_MAX));
    ck_ok(pr_calibration_run(&calibration, samples, 6, 1));
    ck_ok(pr_assign_records(model, candidate, &calibration, &options));
    pr_calibration_free(&calibration);
}

static void use(prune_model *model, pr_rounding *rounding, const bool *candidate, bool int8)
{
    for (int32_t i = 0; i < model->n_nodes; i++) {
        if (!candidate[i]) continue;
        model->nodes[i].precision.compute = int8 ? PR_COMPUTE_I8 : PR_COMPUTE_F32;
        if (rounding) pr_rounding_swap(rounding, model, i);
    }
}

/* All layers of a network, compensated and not: the error at the output is smaller, the stored
 * floats are integers times their scale, and swapping back restores the weights. */
static void compare(prune_model *model, int32_t scheme, double at_most)
{
    prune_context *ctx = model->ctx;
    prune_model *work;
    bool candidate[512];
    pr_rounding rounding;
    pr_quant_judge judge;
    double nearest, compensated;
    scene_make(&world, 12, false);
    prune_samples *samples = scene_samples(ctx, &world);
    ck_ok(pr_model_clone(&work, model));
    annotate(work, samples, scheme, candidate);
    ck_ok(pr_quant_judge_create(&judge, model, samples, 4, NULL));
    ck_ok(pr_rounding_create(&rounding, work, candidate, samples, 12, 1));
    use(work, NULL, candidate, true);
    ck_ok(pr_quant_judge_measure(&judge, work, &nearest));
    use(work, &rounding, candidate, true);
    ck_ok(pr_quant_judge_measure(&judge, work, &compensated));
    ck_assert_msg(compensated < at_most * nearest, "compensated %g, nearest %g", compensated,
                  nearest);
    for (int32_t i = 0; i < work->n_nodes; i++) {
        pr_tensor again;
        if (!candidate[i]) continue;
        const pr_tensor *weight = pr_node_param(work, &work->nodes[i], PR_SLOT_WEIGHT);
        ck_ok(pr_integer_round_trip(&again, work, i));
        ck_assert_double_lt(test_rms(pr_f32(&again), pr_f32(weight), pr_tensor_count(weight)),
                            1e-6);
        pr_tensor_release(&again);
    }
    use(work, &rounding, candidate, false);
    ck_assert(same_weights(work, model));
    pr_rounding_free(&rounding);
    pr_quant_judge_free(&judge);
    prune_samples_free(samples);
    prune_model_free(work);
}

START_TEST(convolutions_are_compensated)
{
    prune_context *ctx = test_context(2);
    prune_model *model = fixture_model(ctx);
    for (int scheme = 1; scheme < 3; scheme++) compare(model, scheme, 1);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(linear_and_transposed_layers_are_compensated)
{
    prune_context *ctx = test_context(2);
    test_graph g = test_graph_create(ctx, SCENE_H, SCENE_W, 11);
    int32_t v = test_graph_conv(&g, "a", 0, 3, 6, 3, 2, 1);
    v = test_graph_conv_transpose(&g, "b", v, 6, 5, 2);
    v = test_graph_node(&g, PR_OP_RELU, "r", v, PR_NONE, NULL);
    v = test_graph_linear(&g, "c", v, 5, 8);
    v = test_graph_conv(&g, "d", v, 8, 1, 3, 1, 1);
    test_graph_finish(&g, test_graph_node(&g, PR_OP_SIGMOID, "s", v, PR_NONE, NULL));
    compare(g.model, 0, 1);
    prune_model_free(g.model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("quant/rounding", convolutions_are_compensated,
          linear_and_transposed_layers_are_compensated)
