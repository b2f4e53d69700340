#include "tests/train/scene.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static scene world;

static prune_tune_options quick_options(prune_tune_report *report)
{
    prune_tune_options options;
    prune_tune_options_init(&options);
    options.steps = 40;
    options.batch = 2;
    options.learning_rate = 3e-3;
    options.augment = false;
    options.report = report;
    return options;
}

/* From random weights, four pictures can be learned by heart: gradients, AdamW, feed and judge
 * work together. */
START_TEST(four_pictures_are_learned_by_heart)
{
    prune_context *ctx = test_context(2);
    scene_make(&world, 4, true);
    prune_samples *samples = scene_samples(ctx, &world);
    prune_model *model = tiny_model(ctx, 80, 1);
    prune_tune_report report;
    prune_tune_options options = quick_options(&report);
    options.steps = 150;
    ck_ok(prune_model_tune(model, NULL, samples, &options));
    ck_assert(report.improved && !report.cancelled);
    ck_assert_uint_eq(report.steps, 150);
    ck_assert_double_gt(report.score_before, 0.3);
    ck_assert_double_lt(report.score_after, 0.12);
    ck_assert_double_lt(report.loss_last, 0.3 * report.loss_first);
    ck_assert_uint_eq(json_array_size(model->history), 2);
    prune_model_free(model);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

/* Every weight is off by up to half. */
static void disturb(prune_model *model)
{
    for (int32_t p = 0; p < model->n_params; p++) {
        pr_tensor *tensor = &model->params[p].tensor;
        ck_ok(pr_tensor_own(tensor, model->ctx));
        for (int64_t i = 0; i < pr_tensor_count(tensor); i++) {
            float noise;
            test_fill(&noise, 1, (uint64_t)(p * 100003 + i));
            pr_f32(tensor)[i] *= 1 + 0.5F * noise;
        }
    }
}

/* Without any labels a student approaches its teacher. */
START_TEST(a_student_follows_its_teacher)
{
    prune_context *ctx = test_context(2);
    scene_make(&world, SCENE_COUNT, false);
    prune_samples *samples = scene_samples(ctx, &world);
    for (int relative = 0; relative < 2; relative++) {
        prune_model *teacher = tiny_model(ctx, relative ? 0 : 80, 1), *student = NULL;
        ck_ok(prune_model_clone(&student, teacher));
        disturb(student);
        prune_tune_report report;
        prune_tune_options options = quick_options(&report);
        options.augment = true;
        options.learning_rate = 1e-3;
        options.ema = relative ? 0.9 : -1;
        ck_ok(prune_model_tune(student, teacher, samples, &options));
        ck_assert(report.improved);
        ck_assert_double_lt(report.score_after, 0.8 * report.score_before);
        prune_model_free(teacher);
        prune_model_free(student);
    }
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

static bool cancel_when(void *user)
{
    uint64_t *left = user;
    return *left != 0 && --*left == 0;
}

static prune_context *cancellable(uint64_t *left)
{
    prune_context_options options;
    prune_context_options_init(&options);
    options.threads = 2;
    options.user = left;
    options.cancel = cancel_when;
    prune_context *ctx = NULL;
    ck_ok(prune_context_create(&ctx, &options));
    return ctx;
}

static prune_context *shared_ctx;

static prune_model *tuned(const char *snapshot, double ema)
{
    prune_samples *samples = scene_samples(shared_ctx, &world);
    prune_model *model = tiny_model(shared_ctx, 80, 1);
    prune_tune_report report;
    prune_tune_options options = quick_options(&report);
    options.steps = 6;
    options.warmup = 10; /* small steps: every one is an improvement */
    options.augment = true;
    options.ema = ema;
    options.judge_every = 1;
    options.snapshot = snapshot;
    options.resume = snapshot != NULL;
    ck_ok(prune_model_tune(model, NULL, samples, &options));
    prune_samples_free(samples);
    return model;
}

/* 6 steps at once equal 3 steps, a snapshot, and 3 more after reading it. */
START_TEST(a_resumed_run_ends_in_the_same_bytes)
{
    uint64_t left = 0;
    shared_ctx = cancellable(&left);
    scene_make(&world, SCENE_COUNT, true);
    for (int with_ema = 0; with_ema < 2; with_ema++) {
        double ema = with_ema ? 0.9 : 0;
        const char *path = test_path(0, with_ema ? "ema.safetensors" : "plain.safetensors");
        (void)unlink(path);
        prune_model *whole = tuned(NULL, ema);
        /* Cancelled somewhere in the middle, then resumed. */
        left = with_ema ? 8 : 7; /* before a judgement, before a step */
        prune_model *part = tuned(path, ema);
        ck_assert_uint_eq(left, 0);
        ck_assert_int_eq(access(path, R_OK), 0);
        left = 1; /* still asked to stop: what was kept can be saved all the same */
        ck_ok(prune_model_save(part, test_path(1, "part.safetensors.zst"), NULL));
        left = 0;
        ck_assert(!same_weights(whole, part));
        prune_model *resumed = tuned(path, ema);
        ck_assert(same_weights(whole, resumed));
        prune_model_free(whole);
        prune_model_free(part);
        prune_model_free(resumed);
    }
    prune_context_free(shared_ctx);
}
END_TEST

/* A learning rate that ruins the model leaves the original in place. */
START_TEST(a_worse_model_is_not_kept)
{
    prune_context *ctx = test_context(2);
    scene_make(&world, SCENE_COUNT, false);
    prune_samples *samples = scene_samples(ctx, &world);
    prune_model *teacher = tiny_model(ctx, 80, 1), *model = NULL;
    ck_ok(prune_model_clone(&model, teacher));
    prune_tune_report report;
    prune_tune_options options = quick_options(&report);
    options.steps = 5;
    options.learning_rate = 0.5;
    ck_ok(prune_model_tune(model, teacher, samples, &options));
    ck_assert(!report.improved);
    ck_assert(same_weights(model, teacher));
    ck_assert_double_eq(report.score_after, report.score_before);
    prune_model_free(model);
    prune_model_free(teacher);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

START_TEST(a_time_limit_chooses_the_steps)
{
    prune_context *ctx = test_context(2);
    scene_make(&world, 4, true);
    prune_samples *samples = scene_samples(ctx, &world);
    prune_model *model = tiny_model(ctx, 80, 1), *again = tiny_model(ctx, 80, 1);
    prune_tune_report report;
    prune_tune_options options = quick_options(&report);
    options.steps = 0;
    options.minutes = 0.03;
    options.judge_every = 1000000;
    ck_ok(prune_model_tune(model, NULL, samples, &options));
    ck_assert_uint_ge(report.steps, 6);
    ck_assert_double_lt(report.seconds, 30);
    if (!report.cancelled) { /* the same number of steps repeats it */
        options.minutes = 0;
        options.steps = (int32_t)report.steps;
        ck_ok(prune_model_tune(again, NULL, samples, &options));
        ck_assert(same_weights(model, again));
    }
    prune_model_free(model);
    prune_model_free(again);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

START_TEST(minutes_become_steps_before_the_run)
{
    prune_context *ctx = test_context(2);
    scene_make(&world, 4, true);
    prune_samples *samples = scene_samples(ctx, &world);
    prune_model *model = tiny_model(ctx, 80, 1), *same = tiny_model(ctx, 80, 1);
    prune_tune_report report;
    prune_tune_options options = quick_options(&report);
    options.steps = 5;
    ck_ok(prune_tune_fit(model, NULL, samples, &options)); /* nothing to fit */
    ck_assert_int_eq(options.steps, 5);
    options.minutes = 100;
    ck_ok(prune_tune_fit(model, NULL, samples, &options)); /* all five fit */
    ck_assert_int_eq(options.steps, 5);
    options.steps = 0;
    options.minutes = 0.01;
    ck_ok(prune_tune_fit(model, NULL, samples, &options));
    ck_assert_int_ge(options.steps, 1);
    ck_assert_int_ge(options.judge_every, 1);
    ck_assert_double_eq(options.minutes, 0);
    ck_assert(same_weights(model, same));
    prune_model_free(model);
    prune_model_free(same);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

/* A judge that takes its time: 50 ms per picture. */
static void slow_reset(void *user)
{
    (void)user;
}

static prune_status slow_add(void *user, const prune_prediction *prediction,
                             const prune_sample *sample)
{
    (void)user, (void)prediction, (void)sample;
    (void)usleep(50000);
    return PRUNE_OK;
}

static prune_status slow_value(void *user, double *value)
{
    (void)user;
    *value = 1;
    return PRUNE_OK;
}

/* Steps that fit are judged as often as without a limit, however slow the judge is. */
START_TEST(a_limit_that_is_not_reached_changes_nothing)
{
    prune_context *ctx = test_context(2);
    scene_make(&world, 4, true);
    prune_samples *samples = scene_samples(ctx, &world);
    prune_model *model = tiny_model(ctx, 80, 1);
    prune_tune_report report;
    prune_tune_options options = quick_options(&report);
    prune_metric slow = {.struct_size = (uint32_t)sizeof slow,
                         .name = "slow",
                         .reset = slow_reset,
                         .add = slow_add,
                         .value = slow_value};
    options.judge = samples;
    options.metric = &slow;
    options.steps = 10;
    options.minutes = 0.15;
    ck_ok(prune_tune_fit(model, NULL, samples, &options));
    ck_assert_int_eq(options.steps, 10);
    ck_assert_int_eq(options.judge_every, 1);
    options.judge_every = 0;
    options.minutes = 0.02; /* not even six judgements long */
    ck_ok(prune_tune_fit(model, NULL, samples, &options));
    ck_assert_int_gt(options.judge_every, 1);
    prune_model_free(model);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

/* Nodes that will compute in INT8 are tuned through their rounding and keep their annotation. */
START_TEST(integer_nodes_are_tuned_as_they_compute)
{
    prune_context *ctx = test_context(2);
    scene_make(&world, SCENE_COUNT, false);
    prune_samples *samples = scene_samples(ctx, &world);
    prune_model *teacher = tiny_model(ctx, 80, 1), *student = NULL;
    ck_ok(prune_model_clone(&student, teacher));
    disturb(student);
    int annotated = 0;
    for (int32_t n = 0; n < student->n_nodes; n++) {
        if (student->nodes[n].op != PR_OP_LINEAR) continue;
        student->nodes[n].precision.compute = PR_COMPUTE_I8;
        student->nodes[n].precision.input = PR_INPUT_TOKEN;
        annotated++;
    }
    ck_assert_int_gt(annotated, 4);
    prune_tune_report report;
    prune_tune_options options = quick_options(&report);
    options.learning_rate = 1e-3;
    ck_ok(prune_model_tune(student, teacher, samples, &options));
    ck_assert(report.improved);
    ck_assert_double_lt(report.score_after, 0.8 * report.score_before);
    for (int32_t n = 0; n < student->n_nodes; n++)
        annotated -= student->nodes[n].precision.compute == PR_COMPUTE_I8;
    ck_assert_int_eq(annotated, 0);
    prune_model_free(teacher);
    prune_model_free(student);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

/* A judge of labelled pairs: the mean output, which has to come near 20 m. */
typedef struct mean_judge {
    double sum, count;
    int resets;
} mean_judge;

static void mean_reset(void *user)
{
    mean_judge *judge = user;
    judge->sum = judge->count = 0;
    judge->resets++;
}

static prune_status mean_add(void *user, const prune_prediction *prediction,
                             const prune_sample *sample)
{
    mean_judge *judge = user;
    ck_assert_int_eq(prediction->width, sample->width);
    ck_assert_int_eq(prediction->output_kind, 2);
    for (int i = 0; i < prediction->width * prediction->height; i++)
        judge->sum += (double)prediction->values[i];
    judge->count += prediction->width * prediction->height;
    return PRUNE_OK;
}

static prune_status mean_value(void *user, double *value)
{
    mean_judge *judge = user;
    *value = fabs(judge->sum / judge->count - 20);
    return PRUNE_OK;
}

START_TEST(a_given_metric_judges)
{
    prune_context *ctx = test_context(2);
    scene_make(&world, 4, true);
    prune_samples *samples = scene_samples(ctx, &world);
    prune_model *model = tiny_model(ctx, 80, 1);
    mean_judge state = {0};
    prune_metric metric = {.struct_size = (uint32_t)sizeof metric,
                           .user = &state,
                           .name = "distance from 20",
                           .reset = mean_reset,
                           .add = mean_add,
                           .value = mean_value};
    prune_tune_report report;
    prune_tune_options options = quick_options(&report);
    options.steps = 12;
    options.judge_every = 4;
    options.judge = samples;
    options.metric = &metric;
    ck_ok(prune_model_tune(model, NULL, samples, &options));
    ck_assert_int_eq(state.resets, 4);
    ck_assert_str_eq(report.judged_by, "distance from 20");
    options.metric = NULL;
    ck_fails(prune_model_tune(model, NULL, samples, &options), PRUNE_E_ARGUMENT, "judge");
    prune_model_free(model);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

START_TEST(nothing_to_learn_from_is_an_error)
{
    prune_context *ctx = test_context(1);
    scene_make(&world, 4, false);
    prune_samples *samples = scene_samples(ctx, &world);
    prune_model *model = tiny_model(ctx, 80, 1), *copy = NULL;
    ck_ok(prune_model_clone(&copy, model));
    prune_tune_options options = quick_options(NULL);
    ck_fails(prune_model_tune(model, NULL, samples, &options), PRUNE_E_ARGUMENT, "ground truth");
    options.distill = 1;
    ck_fails(prune_model_tune(model, NULL, samples, &options), PRUNE_E_ARGUMENT, "distill");
    options.distill = options.silog = options.gradient = 0;
    ck_fails(prune_model_tune(model, NULL, samples, &options), PRUNE_E_ARGUMENT, "weighs 0");
    options.silog = 1;
    options.ema = -0.5;
    ck_fails(prune_model_tune(model, NULL, samples, &options), PRUNE_E_ARGUMENT, "ema");
    options.batch = 0;
    ck_fails(prune_model_tune(model, NULL, samples, &options), PRUNE_E_ARGUMENT, "batch");
    ck_assert(same_weights(model, copy));
    prune_model_free(model);
    prune_model_free(copy);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("train.tune", four_pictures_are_learned_by_heart, a_student_follows_its_teacher,
          a_resumed_run_ends_in_the_same_bytes, a_worse_model_is_not_kept,
          a_time_limit_chooses_the_steps, minutes_become_steps_before_the_run,
          a_limit_that_is_not_reached_changes_nothing, integer_nodes_are_tuned_as_they_compute,
          a_given_metric_judges, nothing_to_learn_from_is_an_error)
