#include "libprune/train/tuner.h"
#include "tests/train/scene.h"

#include <math.h>

static scene world;

static prune_tune_options make_options(void)
{
    prune_tune_options options;
    prune_tune_options_init(&options);
    options.batch = 2;
    return options;
}

/* Held-back pictures are never tuned on, and every picture has one of the two roles. */
START_TEST(held_back_pictures_are_not_tuned_on)
{
    prune_context *ctx = test_context(1);
    scene_make(&world, SCENE_COUNT, true);
    prune_samples *samples = scene_samples(ctx, &world);
    prune_model *model = tiny_model(ctx, 80, 1);
    prune_tune_options options = make_options();
    pr_tuner tuner;
    ck_ok(pr_tuner_open(&tuner, model, NULL, samples, &options));
    ck_assert_uint_eq(tuner.held.count, SCENE_COUNT / 5);
    ck_assert_uint_eq(tuner.feed.count, SCENE_COUNT - SCENE_COUNT / 5);
    int roles[SCENE_COUNT] = {0};
    for (uint64_t i = 0; i < tuner.held.count; i++) roles[tuner.held.indices[i]]++;
    for (uint64_t i = 0; i < tuner.feed.count; i++) roles[tuner.feed.indices[i]]++;
    for (int i = 0; i < SCENE_COUNT; i++) ck_assert_int_eq(roles[i], 1);
    pr_tuner_close(&tuner);
    prune_model_free(model);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

START_TEST(weights_follow_the_task)
{
    prune_context *ctx = test_context(1);
    scene_make(&world, 4, true);
    prune_samples *samples = scene_samples(ctx, &world);
    prune_model *metric = tiny_model(ctx, 80, 1), *relative = tiny_model(ctx, 0, 1);
    prune_tune_options options = make_options();
    pr_tuner tuner;
    ck_ok(pr_tuner_open(&tuner, metric, NULL, samples, &options));
    ck_assert_double_eq(tuner.weights[PR_LOSS_SILOG], 1);
    ck_assert_double_eq(tuner.weights[PR_LOSS_GRADIENT], 0.5);
    ck_assert_double_eq(tuner.weights[PR_LOSS_DISTILL], 0);
    pr_tuner_close(&tuner);
    ck_ok(pr_tuner_open(&tuner, relative, NULL, samples, &options));
    ck_assert_double_eq(tuner.weights[PR_LOSS_SILOG], 0);
    ck_assert_double_eq(tuner.weights[PR_LOSS_SSI], 1);
    pr_tuner_close(&tuner);
    options.gradient = 0.25;
    ck_ok(pr_tuner_open(&tuner, metric, metric, samples, &options));
    ck_assert_double_eq(tuner.weights[PR_LOSS_SILOG], 0);
    ck_assert_double_eq(tuner.weights[PR_LOSS_DISTILL], 1);
    ck_assert_double_eq(tuner.weights[PR_LOSS_GRADIENT], 0.25);
    pr_tuner_close(&tuner);
    prune_model_free(metric);
    prune_model_free(relative);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

/* A step changes the private copy and never the original; a teacher with other pictures in mind is
 * refused. */
START_TEST(the_original_stays_as_it_is)
{
    prune_context *ctx = test_context(2);
    scene_make(&world, 4, true);
    prune_samples *samples = scene_samples(ctx, &world);
    prune_model *model = tiny_model(ctx, 80, 1), *copy = tiny_model(ctx, 80, 1);
    prune_tune_options options = make_options();
    pr_tuner tuner;
    double loss;
    ck_ok(pr_tuner_open(&tuner, model, copy, samples, &options));
    ck_ok(pr_tuner_step(&tuner, 1e-3, &loss));
    ck_assert(!same_weights(tuner.model, model));
    ck_assert(same_weights(model, copy));
    pr_tuner_close(&tuner);
    copy->meta.preprocess.mean[0] += 0.1F;
    ck_fails(pr_tuner_open(&tuner, model, copy, samples, &options), PRUNE_E_ARGUMENT, "teacher");
    prune_model_free(model);
    prune_model_free(copy);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

/* How much the judge's score moves from step to step, late in a run whose rate stays high. */
static double restlessness(double ema)
{
    enum { STEPS = 60, LATE = 40 };
    prune_context *ctx = test_context(2);
    scene_make(&world, 4, true);
    prune_samples *samples = scene_samples(ctx, &world);
    prune_model *model = tiny_model(ctx, 80, 1);
    prune_tune_options options = make_options();
    if (ema >= 0) options.ema = ema;
    pr_tuner tuner;
    ck_ok(pr_tuner_open(&tuner, model, NULL, samples, &options));
    double sum = 0, last = 0, score = 0, loss;
    for (int step = 0; step < STEPS; step++, last = score) {
        ck_ok(pr_tuner_step(&tuner, 5e-3, &loss));
        ck_ok(pr_tuner_judge(&tuner, &score));
        if (step >= LATE) sum += fabs(score - last);
    }
    pr_tuner_close(&tuner);
    prune_model_free(model);
    prune_samples_free(samples);
    prune_context_free(ctx);
    return sum;
}

/* Whoever picks the best of several judgements picks the luckiest swing, if scores swing. By
 * default an average is judged, which does not. */
START_TEST(scores_of_the_average_are_calm)
{
    ck_assert_double_lt(restlessness(-1), 0.5 * restlessness(0));
}
END_TEST

TEST_MAIN("train.tuner", held_back_pictures_are_not_tuned_on, weights_follow_the_task,
          the_original_stays_as_it_is, scores_of_the_average_are_calm)
