#include "libprune/base/file.h"
#include "libprune/train/tuner.h"
#include "tests/train/scene.h"

static scene world;

typedef struct bench {
    prune_context *ctx;
    prune_samples *samples;
    prune_model *model;
    prune_tune_options options;
} bench;

static bench make_bench(void)
{
    bench b = {.ctx = test_context(2)};
    scene_make(&world, 4, true);
    b.samples = scene_samples(b.ctx, &world);
    b.model = tiny_model(b.ctx, 80, 1);
    prune_tune_options_init(&b.options);
    b.options.batch = 2;
    return b;
}

static void free_bench(bench *b)
{
    prune_model_free(b->model);
    prune_samples_free(b->samples);
    prune_context_free(b->ctx);
}

/* Written, read into a fresh tuner, written again: the same bytes. */
START_TEST(what_is_read_is_what_was_written)
{
    bench b = make_bench();
    pr_tuner one, two;
    double loss, score;
    ck_ok(pr_tuner_open(&one, b.model, NULL, b.samples, &b.options));
    one.score_best = one.score_original = 1e9;
    for (int step = 0; step < 2; step++) ck_ok(pr_tuner_step(&one, 1e-3, &loss));
    ck_ok(pr_tuner_judge(&one, &score));
    ck_assert_ptr_nonnull(one.best);
    ck_ok(pr_tuner_step(&one, 1e-3, &loss));
    ck_ok(pr_snapshot_write(&one, test_path(0, "one.safetensors")));
    ck_ok(pr_tuner_open(&two, b.model, NULL, b.samples, &b.options));
    ck_ok(pr_snapshot_read(&two, test_path(0, "one.safetensors")));
    ck_assert_uint_eq(two.adamw.step, 3);
    ck_assert_double_eq(two.score_best, score);
    ck_assert(same_weights(one.best, two.best));
    ck_ok(pr_snapshot_write(&two, test_path(1, "two.safetensors")));
    pr_mapped first, second;
    ck_ok(pr_file_map(&first, test_path(0, "one.safetensors")));
    ck_ok(pr_file_map(&second, test_path(1, "two.safetensors")));
    ck_assert_uint_eq(first.size, second.size);
    ck_assert_mem_eq(first.data, second.data, first.size);
    pr_file_unmap(&first);
    pr_file_unmap(&second);
    pr_tuner_close(&one);
    pr_tuner_close(&two);
    free_bench(&b);
}
END_TEST

START_TEST(foreign_snapshots_are_refused)
{
    bench b = make_bench();
    const char *path = test_path(0, "foreign.safetensors");
    pr_tuner tuner;
    b.options.ema = 0;
    ck_ok(pr_tuner_open(&tuner, b.model, NULL, b.samples, &b.options));
    ck_ok(pr_snapshot_write(&tuner, path));
    ck_fails(pr_snapshot_read(&tuner, test_path(1, "missing")), PRUNE_E_IO, "missing");
    tuner.options.seed = 5;
    ck_fails(pr_snapshot_read(&tuner, path), PRUNE_E_ARGUMENT, "seed");
    pr_tuner_close(&tuner);
    /* The averages are not there. */
    b.options.ema = -1;
    ck_ok(pr_tuner_open(&tuner, b.model, NULL, b.samples, &b.options));
    ck_fails(pr_snapshot_read(&tuner, path), PRUNE_E_ARGUMENT, "ema 0");
    pr_tuner_close(&tuner);
    b.options.ema = 0;
    /* Another model. */
    pr_param *param = &b.model->params[b.model->n_params / 2];
    char *name = param->name, other[] = "other";
    param->name = other;
    ck_ok(pr_tuner_open(&tuner, b.model, NULL, b.samples, &b.options));
    param->name = name;
    ck_fails(pr_snapshot_read(&tuner, path), PRUNE_E_FORMAT, "weight/other");
    pr_tuner_close(&tuner);
    /* A model file is no snapshot. */
    ck_ok(prune_model_save(b.model, path, NULL));
    ck_ok(pr_tuner_open(&tuner, b.model, NULL, b.samples, &b.options));
    ck_fails(pr_snapshot_read(&tuner, path), PRUNE_E_FORMAT, "snapshot");
    pr_tuner_close(&tuner);
    free_bench(&b);
}
END_TEST

TEST_MAIN("train.snapshot", what_is_read_is_what_was_written, foreign_snapshots_are_refused)
