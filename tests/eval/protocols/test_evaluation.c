/* Means, intervals and paired differences over frames. */
#include "tests/eval/made_up.h"
#include "tests/support/faults.h"

START_TEST(means_weigh_images_alike)
{
    prune_context *ctx = test_context(1);
    made_up set;
    prune_samples *samples = made_up_samples(&set, ctx, 40);
    prune_evaluation *evaluation = made_up_evaluation(ctx, "eigen-benchmark");
    double mean, low, high;
    ck_fails(prune_evaluation_mean(evaluation, "abs_rel", &mean, NULL, NULL), PRUNE_E_ARGUMENT,
             "no frame");
    ck_ok(prune_evaluation_run(evaluation, samples, made_up_predict, &set));
    ck_assert_uint_eq(prune_evaluation_frames(evaluation), 40);
    ck_assert(!prune_evaluation_few_frames(evaluation));
    ck_assert_int_eq(prune_evaluation_alignment(evaluation), PRUNE_ALIGN_NONE);
    ck_ok(prune_evaluation_mean(evaluation, "abs_rel", &mean, &low, &high));
    ck_assert_double_eq_tol(mean, 0.205, 1e-6);
    ck_assert(low < mean && mean < high);
    const char *name;
    ck_ok(prune_evaluation_frame(evaluation, 3, "rmse", &name, &mean));
    ck_assert_str_eq(name, "frame03");
    ck_assert_double_eq_tol(mean, 0.4, 1e-6);
    ck_fails(prune_evaluation_frame(evaluation, 40, "rmse", &name, &mean), PRUNE_E_ARGUMENT,
             "only 40");
    ck_fails(prune_evaluation_mean(evaluation, "mae", &mean, NULL, NULL), PRUNE_E_ARGUMENT,
             "no metric 'mae'");
    prune_evaluation_free(evaluation);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

/* All frames get worse by exactly 0.002: the paired interval knows, though the frames differ. */
START_TEST(differences_are_paired)
{
    prune_context *ctx = test_context(1);
    made_up set;
    prune_samples *samples = made_up_samples(&set, ctx, 25), *part;
    prune_evaluation *before = made_up_evaluation(ctx, "eigen-benchmark");
    prune_evaluation *after = made_up_evaluation(ctx, "eigen-benchmark");
    prune_evaluation *other = made_up_evaluation(ctx, "kitti-devkit");
    ck_ok(prune_evaluation_run(before, samples, made_up_predict, &set));
    for (int i = 0; i < 25; i++) set.error[i] += 0.002;
    uint64_t backwards[25];
    for (uint64_t i = 0; i < 25; i++) backwards[i] = 24 - i;
    ck_ok(prune_samples_subset(&part, samples, backwards, 25));
    ck_ok(prune_evaluation_run(after, part, made_up_predict, &set));
    double difference, low, high;
    ck_ok(prune_evaluation_difference(before, after, "abs_rel", &difference, &low, &high));
    ck_assert_double_eq_tol(difference, 0.002, 1e-6);
    ck_assert_double_eq_tol(low, 0.002, 1e-6);
    ck_assert_double_eq_tol(high, 0.002, 1e-6);
    ck_ok(prune_evaluation_run(other, part, made_up_predict, &set));
    ck_fails(prune_evaluation_difference(before, other, "abs_rel", &difference, &low, &high),
             PRUNE_E_ARGUMENT, "cannot be compared");
    prune_evaluation_free(before);
    prune_evaluation_free(after);
    prune_evaluation_free(other);
    prune_samples_free(part);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

START_TEST(refuses_mixed_alignments)
{
    prune_context *ctx = test_context(1);
    prune_evaluation *evaluation = made_up_evaluation(ctx, "eigen-benchmark");
    float depth[4] = {1, 2, 3, 4};
    prune_depth_map truth = {2, 2, depth};
    prune_sample sample = golden_sample("x", &truth);
    prune_prediction prediction = {2, 2, depth, 2, 0, 0};
    ck_ok(prune_evaluation_add(evaluation, &prediction, &sample));
    prediction.output_kind = 0;
    ck_fails(prune_evaluation_add(evaluation, &prediction, &sample), PRUNE_E_ARGUMENT,
             "say --align");
    prune_evaluation_free(evaluation);
    prune_evaluation_options options;
    prune_evaluation_options_init(&options);
    options.protocol = "garg";
    ck_fails(prune_evaluation_create(&evaluation, ctx, &options), PRUNE_E_ARGUMENT, "'garg'");
    prune_context_free(ctx);
}
END_TEST

static prune_status evaluate(prune_context *ctx)
{
    float depth[4] = {1, 2, 3, 4}, values[4] = {1, 2, 4, 4};
    prune_depth_map truth = {2, 2, depth};
    prune_sample sample = golden_sample("x", &truth);
    prune_prediction prediction = {2, 2, values, 2, 1, 0};
    prune_evaluation *evaluation;
    prune_evaluation_options options;
    prune_evaluation_options_init(&options);
    options.protocol = "kitti-devkit";
    prune_status status = prune_evaluation_create(&evaluation, ctx, &options);
    if (status != PRUNE_OK) return status;
    status = prune_evaluation_add(evaluation, &prediction, &sample);
    double mean, low, high;
    if (status == PRUNE_OK)
        status = prune_evaluation_mean(evaluation, "abs_rel", &mean, &low, &high);
    if (status == PRUNE_OK)
        status = prune_evaluation_difference(evaluation, evaluation, "rmse", &mean, &low, &high);
    prune_metric *metric = NULL;
    if (status == PRUNE_OK) status = prune_protocol_metric(&metric, ctx, "eigen", NULL, NULL);
    prune_metric_free(metric);
    prune_evaluation_free(evaluation);
    return status;
}

START_TEST(out_of_memory_is_an_error)
{
    fault_walk(evaluate, false);
}
END_TEST

TEST_MAIN("eval.evaluation", means_weigh_images_alike, differences_are_paired,
          refuses_mixed_alignments, out_of_memory_is_an_error)
