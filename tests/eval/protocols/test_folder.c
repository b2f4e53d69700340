/* A folder of predictions: three kinds of files, the same numbers on one thread and on several. */
#include "tests/eval/made_up.h"

#include <prune/sys/file.h>
#include <unistd.h>

enum { FRAMES = 40 };

static void write_predictions(prune_context *ctx, const made_up *set, const char *folder)
{
    ck_ok(prune_folder_create(folder));
    for (int i = 0; i < FRAMES; i++) {
        float values[MADE_UP_WIDTH * MADE_UP_HEIGHT];
        for (int k = 0; k < MADE_UP_WIDTH * MADE_UP_HEIGHT; k++)
            values[k] = (float)(10 * (1 + set->error[i]));
        char path[600];
        static const char *const extensions[] = {"png", "npy", "f32"};
        (void)snprintf(path, sizeof path, "%s/frame%02d.%s", folder, i, extensions[i % 3]);
        if (i % 3 == 0)
            ck_ok(prune_depth_write(ctx, path, values, MADE_UP_WIDTH, MADE_UP_HEIGHT, 256));
        else if (i % 3 == 1)
            ck_ok(prune_map_write_npy(ctx, path, values, MADE_UP_WIDTH, MADE_UP_HEIGHT));
        else
            ck_ok(prune_map_write_f32(ctx, path, values, MADE_UP_WIDTH, MADE_UP_HEIGHT));
    }
}

START_TEST(judges_all_kinds)
{
    double first = 0;
    for (int threads = 1; threads <= 3; threads += 2) {
        prune_context *ctx = test_context(threads);
        made_up set;
        prune_samples *samples = made_up_samples(&set, ctx, FRAMES);
        const char *folder = test_path(0, "predictions");
        write_predictions(ctx, &set, folder);
        prune_evaluation *evaluation = made_up_evaluation(ctx, "eigen-benchmark");
        ck_ok(prune_evaluation_run_folder(evaluation, samples, folder, 2));
        double value;
        for (uint64_t i = 0; i < FRAMES; i++) {
            const char *name;
            ck_ok(prune_evaluation_frame(evaluation, i, "abs_rel", &name, &value));
            ck_assert_str_eq(name, set.names[i]);
            /* A PNG keeps 1/256 m of 10 m. */
            ck_assert_double_eq_tol(value, set.error[i], i % 3 == 0 ? 0.0004 : 1e-6);
        }
        ck_ok(prune_evaluation_mean(evaluation, "abs_rel", &value, NULL, NULL));
        if (threads == 1) first = value;
        ck_assert(value == first);
        prune_evaluation_free(evaluation);
        prune_samples_free(samples);
        prune_context_free(ctx);
    }
}
END_TEST

START_TEST(names_what_is_wrong)
{
    prune_context *ctx = test_context(2);
    made_up set;
    prune_samples *samples = made_up_samples(&set, ctx, FRAMES);
    const char *folder = test_path(0, "incomplete");
    write_predictions(ctx, &set, folder);
    prune_evaluation *evaluation = made_up_evaluation(ctx, "eigen-benchmark");
    ck_fails(prune_evaluation_run_folder(evaluation, samples, folder, -1), PRUNE_E_ARGUMENT,
             "frame01.npy: the file does not say");
    prune_evaluation_free(evaluation);
    char path[600];
    (void)snprintf(path, sizeof path, "%s/frame17.f32", folder);
    (void)unlink(path);
    evaluation = made_up_evaluation(ctx, "eigen-benchmark");
    ck_fails(prune_evaluation_run_folder(evaluation, samples, folder, 2), PRUNE_E_IO, "frame17");
    ck_fails(prune_evaluation_run_folder(evaluation, samples, "/nonexistent", 2), PRUNE_E_IO,
             "/nonexistent");
    float values[2] = {1, 2};
    (void)snprintf(path, sizeof path, "%s/frame00.png", folder);
    ck_ok(prune_depth_write(ctx, path, values, 2, 1, 256));
    prune_evaluation_free(evaluation);
    evaluation = made_up_evaluation(ctx, "eigen-benchmark");
    ck_fails(prune_evaluation_run_folder(evaluation, samples, folder, 2), PRUNE_E_SHAPE,
             "frame00: the prediction is 2x1, but the ground truth is 4x3");
    prune_evaluation_free(evaluation);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("eval.folder", judges_all_kinds, names_what_is_wrong)
