#include "libprune/train/feed.h"
#include "tests/train/scene.h"

static scene world;
static const pr_preprocess rule = {PR_FIT_EXACT, PR_FILTER_BILINEAR, SCENE_W, SCENE_H, 1,
                                   {0, 0, 0},    {1, 1, 1}};
static const pr_augment changes = {true, 0.5, 0.4, 0.1, 0.02};

static pr_feed make_feed(prune_context *ctx, prune_samples *samples, uint64_t count, int64_t batch,
                         uint64_t seed)
{
    uint64_t *indices = NULL;
    ck_ok(pr_new(ctx, (void **)&indices, count, sizeof *indices));
    for (uint64_t i = 0; i < count; i++) indices[i] = i;
    pr_feed feed;
    ck_ok(pr_feed_create(&feed, ctx, samples, indices, count, &rule, batch, SCENE_H, SCENE_W));
    feed.seed = seed;
    return feed;
}

enum { PIXELS = SCENE_W * SCENE_H };

/* Which picture an unchanged view shows, by its ground truth. */
static int which(const float *metres)
{
    for (int k = 0; k < (int)world.count; k++)
        if (memcmp(metres, world.depth[k], sizeof world.depth[k]) == 0) return k;
    return -1;
}

/* Every epoch shows every picture once, in another order. */
START_TEST(epochs_are_permutations)
{
    prune_context *ctx = test_context(2);
    scene_make(&world, SCENE_COUNT, true);
    prune_samples *samples = scene_samples(ctx, &world);
    pr_feed feed = make_feed(ctx, samples, SCENE_COUNT, 3, 9);
    int orders[2][SCENE_COUNT];
    for (int epoch = 0; epoch < 2; epoch++) {
        int seen[SCENE_COUNT] = {0};
        for (int step = 0; step < SCENE_COUNT / 3; step++) {
            ck_ok(pr_feed_load(&feed, (uint64_t)(epoch * SCENE_COUNT / 3 + step)));
            for (int b = 0; b < 3; b++) {
                int k = which(feed.depth + b * PIXELS);
                ck_assert_int_ge(k, 0);
                seen[k]++;
                orders[epoch][3 * step + b] = k;
            }
        }
        for (int k = 0; k < SCENE_COUNT; k++) ck_assert_int_eq(seen[k], 1);
    }
    ck_assert_mem_ne(orders[0], orders[1], sizeof orders[0]);
    pr_feed_free(&feed);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

/* A batch follows from seed and step alone: not from what was loaded before, not from threads. */
START_TEST(batches_depend_on_seed_and_step)
{
    static float first[2 * PIXELS * 3];
    scene_make(&world, SCENE_COUNT, true);
    for (int threads = 1; threads <= 2; threads++) {
        prune_context *ctx = test_context(threads);
        prune_samples *samples = scene_samples(ctx, &world);
        pr_feed feed = make_feed(ctx, samples, 5, 2, 9), other = make_feed(ctx, samples, 5, 2, 8);
        feed.augment = other.augment = &changes;
        for (uint64_t step = 0; threads == 1 && step < 7; step++) ck_ok(pr_feed_load(&feed, step));
        ck_ok(pr_feed_load(&feed, 7));
        if (threads == 1) memcpy(first, feed.input, sizeof first);
        ck_assert_mem_eq(first, feed.input, sizeof first);
        ck_ok(pr_feed_load(&other, 7));
        ck_assert_mem_ne(first, other.input, sizeof first);
        pr_feed_free(&feed);
        pr_feed_free(&other);
        prune_samples_free(samples);
        prune_context_free(ctx);
    }
}
END_TEST

START_TEST(plain_batches_keep_the_order)
{
    prune_context *ctx = test_context(2);
    scene_make(&world, SCENE_COUNT, true);
    prune_samples *samples = scene_samples(ctx, &world);
    pr_feed feed = make_feed(ctx, samples, 5, 2, 9);
    feed.augment = &changes;
    ck_ok(pr_feed_load_plain(&feed, 4));
    ck_assert_int_eq(which(feed.depth), 4);
    ck_assert_int_eq(which(feed.depth + PIXELS), 4);
    ck_ok(pr_feed_load_plain(&feed, 2));
    ck_assert_int_eq(which(feed.depth), 2);
    ck_assert_int_eq(which(feed.depth + PIXELS), 3);
    pr_feed_free(&feed);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

static prune_status broken_load(void *user, uint64_t index, prune_sample *sample)
{
    if (index == 3) return pr_fail(PRUNE_E_IO, "frame03.png: cannot be read");
    return scene_load(user, index, sample);
}

/* The message of a worker thread reaches the caller. */
START_TEST(a_broken_picture_is_named)
{
    prune_context *ctx = test_context(2);
    scene_make(&world, SCENE_COUNT, true);
    prune_sample_source source = {.struct_size = (uint32_t)sizeof source,
                                  .user = &world,
                                  .count = SCENE_COUNT,
                                  .load = broken_load,
                                  .release = scene_release,
                                  .identify = scene_identify};
    prune_samples *samples = NULL;
    ck_ok(prune_samples_create(&samples, ctx, &source));
    pr_feed feed = make_feed(ctx, samples, 4, 4, 1);
    ck_fails(pr_feed_load_plain(&feed, 0), PRUNE_E_IO, "frame03.png");
    ck_fails(pr_feed_load(&feed, 0), PRUNE_E_IO, "frame03.png");
    pr_feed_free(&feed);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("train.feed", epochs_are_permutations, batches_depend_on_seed_and_step,
          plain_batches_keep_the_order, a_broken_picture_is_named)
