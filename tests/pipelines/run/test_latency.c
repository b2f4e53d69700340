#include "tests/pipelines/scene.h"

START_TEST(models_take_turns)
{
    prune_context *ctx = test_context(2);
    prune_model *vit = net_vit(ctx), *conv = net_conv(ctx);
    const prune_model *models[] = {vit, conv};
    prune_latency results[2];
    ck_ok(prune_latency_measure(ctx, models, 2, 0, 0, 0.02, results));
    for (int i = 0; i < 2; i++) {
        ck_assert_int_ge(results[i].runs, 7);
        ck_assert_double_gt(results[i].minimum, 0);
        ck_assert_double_ge(results[i].median, results[i].minimum);
        ck_assert_uint_gt(results[i].memory, 0);
    }
    ck_assert_int_eq(results[0].runs, results[1].runs);
    ck_assert_uint_gt(prune_peak_memory(), 1 << 20);
    prune_model_free(vit), prune_model_free(conv);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("pipelines.run.latency", models_take_turns)
