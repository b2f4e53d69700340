/* A protocol's metric as the library's judge. */
#include "tests/eval/made_up.h"

START_TEST(agrees_with_the_evaluation)
{
    prune_context *ctx = test_context(1);
    made_up set;
    prune_samples *samples = made_up_samples(&set, ctx, 6);
    prune_evaluation *evaluation = made_up_evaluation(ctx, "eigen-benchmark");
    ck_ok(prune_evaluation_run(evaluation, samples, made_up_predict, &set));
    static const char *const names[] = {"abs_rel", "rmse", "d1"};
    for (int n = 0; n < 3; n++) {
        prune_metric *metric;
        double value, mean;
        ck_ok(prune_protocol_metric(&metric, ctx, "eigen-benchmark", names[n], NULL));
        ck_assert_str_eq(metric->name, names[n]);
        ck_assert_int_eq(metric->higher_is_better, n == 2);
        ck_fails(metric->value(metric->user, &value), PRUNE_E_ARGUMENT, "no frame");
        for (int pass = 0; pass < 2; pass++) {
            metric->reset(metric->user);
            for (uint64_t i = 0; i < 6; i++) {
                prune_sample sample;
                float values[MADE_UP_WIDTH * MADE_UP_HEIGHT];
                ck_ok(prune_samples_load(samples, i, &sample));
                prune_prediction prediction = {MADE_UP_WIDTH, MADE_UP_HEIGHT, values, 0, 1, 0};
                ck_ok(made_up_predict(&set, &sample, values, &prediction));
                ck_ok(metric->add(metric->user, &prediction, &sample));
                prune_samples_release(samples, &sample);
            }
            ck_ok(metric->value(metric->user, &value));
            ck_ok(prune_evaluation_mean(evaluation, names[n], &mean, NULL, NULL));
            ck_assert_double_eq_tol(value, mean, 1e-12);
        }
        prune_metric_free(metric);
    }
    prune_metric *metric;
    ck_ok(prune_protocol_metric(&metric, ctx, "affine", NULL, "default"));
    ck_assert_str_eq(metric->name, "abs_rel");
    prune_metric_free(metric);
    ck_fails(prune_protocol_metric(&metric, ctx, "eigen", "mae", NULL), PRUNE_E_ARGUMENT, "'mae'");
    ck_fails(prune_protocol_metric(&metric, ctx, "eigen", NULL, "x"), PRUNE_E_ARGUMENT, "'x'");
    ck_fails(prune_protocol_metric(&metric, ctx, "x", NULL, NULL), PRUNE_E_ARGUMENT, "'x'");
    prune_evaluation_free(evaluation);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("eval.metric", agrees_with_the_evaluation)
