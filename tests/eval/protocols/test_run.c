/* Running a predictor over samples: failures name the frame, cancelling stops. */
#include "tests/eval/made_up.h"

static prune_status fail_on_third(void *user, const prune_sample *sample, float *values,
                                  prune_prediction *prediction)
{
    if (strcmp(sample->name, "frame02") == 0) {
        prune_align align;
        return prune_align_parse(&align, "no such thing");
    }
    return made_up_predict(user, sample, values, prediction);
}

static bool cancel_now(void *user)
{
    (void)user;
    return true;
}

START_TEST(failures_name_the_frame)
{
    prune_context *ctx = test_context(1);
    made_up set;
    prune_samples *samples = made_up_samples(&set, ctx, 5);
    prune_evaluation *evaluation = made_up_evaluation(ctx, "eigen-benchmark");
    ck_fails(prune_evaluation_run(evaluation, samples, fail_on_third, &set), PRUNE_E_ARGUMENT,
             "frame02: there is no alignment");
    ck_assert_uint_eq(prune_evaluation_frames(evaluation), 2);
    prune_evaluation_free(evaluation);
    set.broken = 0;
    evaluation = made_up_evaluation(ctx, "eigen-benchmark");
    ck_fails(prune_evaluation_run(evaluation, samples, made_up_predict, &set), PRUNE_E_IO,
             "broken.png");
    prune_evaluation_free(evaluation);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

START_TEST(cancelling_stops)
{
    prune_context_options options;
    prune_context_options_init(&options);
    options.threads = 1;
    options.cancel = cancel_now;
    prune_context *ctx;
    ck_ok(prune_context_create(&ctx, &options));
    made_up set;
    prune_samples *samples = made_up_samples(&set, ctx, 5);
    prune_evaluation *evaluation = made_up_evaluation(ctx, "eigen-benchmark");
    ck_assert_int_eq(prune_evaluation_run(evaluation, samples, made_up_predict, &set),
                     PRUNE_E_CANCELLED);
    prune_evaluation_free(evaluation);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("eval.run", failures_name_the_frame, cancelling_stops)
