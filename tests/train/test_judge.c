#include "libprune/train/judge.h"
#include "tests/train/scene.h"

#include <math.h>

static scene world;

static pr_feed make_held(prune_context *ctx, prune_samples *samples, const pr_preprocess *rule,
                         uint64_t count)
{
    uint64_t *indices = NULL;
    ck_ok(pr_new(ctx, (void **)&indices, count, sizeof *indices));
    for (uint64_t i = 0; i < count; i++) indices[i] = i;
    pr_feed feed;
    ck_ok(pr_feed_create(&feed, ctx, samples, indices, count, rule, 4, SCENE_H, SCENE_W));
    return feed;
}

/* The padding of the last batch does not count: five pictures one by one give the same mean. */
START_TEST(held_pictures_are_averaged)
{
    prune_context *ctx = test_context(2);
    scene_make(&world, 5, true);
    prune_samples *samples = scene_samples(ctx, &world);
    prune_model *model = tiny_model(ctx, 80, 1), *other = tiny_model(ctx, 80, 2);
    pr_feed held = make_held(ctx, samples, &model->meta.preprocess, 5);
    for (int taught = 0; taught < 2; taught++) {
        pr_judge judge = {.ctx = ctx, .held = &held, .reference = taught ? other : NULL};
        double all, sum = 0;
        held.count = 5;
        ck_ok(pr_judge_score(&judge, model, &all));
        held.count = 1;
        for (uint64_t i = 0; i < 5; i++) {
            double one;
            held.indices[0] = i;
            ck_ok(pr_judge_score(&judge, model, &one));
            sum += one / 5;
        }
        held.indices[0] = 0;
        ck_assert_double_eq_tol(all, sum, 1e-6);
        ck_assert_double_gt(all, 1e-3);
    }
    pr_judge self = {.ctx = ctx, .held = &held, .reference = model};
    double zero;
    ck_ok(pr_judge_score(&self, model, &zero));
    ck_assert_double_eq(zero, 0);
    pr_feed_free(&held);
    prune_model_free(model);
    prune_model_free(other);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

START_TEST(better_knows_the_direction)
{
    prune_metric metric = {.struct_size = (uint32_t)sizeof metric, .higher_is_better = true};
    pr_judge error = {0}, share = {.metric = &metric};
    ck_assert(pr_judge_better(&error, 1, 2));
    ck_assert(!pr_judge_better(&error, 2, 2));
    ck_assert(!pr_judge_better(&share, 1, 2));
    ck_assert(pr_judge_better(&share, 2, 1));
    ck_assert(!pr_judge_better(&share, (double)NAN, 1));
    ck_assert(pr_judge_better(&error, 1, (double)NAN));
}
END_TEST

TEST_MAIN("train.judge", held_pictures_are_averaged, better_knows_the_direction)
