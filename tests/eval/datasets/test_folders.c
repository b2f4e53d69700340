/* A plain pair of folders. */
#include "tests/eval/trees.h"
#include "tests/support/faults.h"

#include <unistd.h>

START_TEST(pairs_by_name)
{
    prune_context *ctx = test_context(1);
    const char *root = test_path(0, "plain");
    tree_image(ctx, root, "image/b.png", 2);
    tree_image(ctx, root, "image/a.jpg", 1); /* read by content */
    tree_depth(ctx, root, "groundtruth_depth/a.png", 10);
    tree_depth(ctx, root, "groundtruth_depth/b.png", 20);
    static const char *const names[] = {"a", "b", NULL};
    prune_samples *samples = tree_open(ctx, root, NULL, names);
    tree_check(samples, 0, 1, 10);
    tree_check(samples, 1, 2, 20);
    prune_samples_free(samples);
    prune_dataset_options options = tree_options();
    options.depth_divisor = 512;
    samples = tree_open(ctx, root, &options, names);
    tree_check(samples, 1, 2, 10);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

START_TEST(mismatches_are_named)
{
    prune_context *ctx = test_context(1);
    const char *root = test_path(0, "holes");
    prune_samples *samples;
    tree_image(ctx, root, "image/a.png", 1);
    tree_image(ctx, root, "image/c.png", 3);
    tree_depth(ctx, root, "groundtruth_depth/a.png", 10);
    ck_fails(prune_dataset_open(&samples, ctx, root, NULL), PRUNE_E_ARGUMENT,
             "image/c.png has no ground truth");
    tree_depth(ctx, root, "groundtruth_depth/b.png", 20);
    ck_fails(prune_dataset_open(&samples, ctx, root, NULL), PRUNE_E_ARGUMENT,
             "groundtruth_depth/b.png has no picture");
    prune_dataset_options options = tree_options();
    options.frames = "a*";
    static const char *const names[] = {"a", NULL};
    prune_samples_free(tree_open(ctx, root, &options, names));
    tree_image(ctx, root, "image/a.jpg", 9);
    ck_fails(prune_dataset_open(&samples, ctx, root, &options), PRUNE_E_ARGUMENT,
             "frame a occurs twice");
    prune_context_free(ctx);
}
END_TEST

static prune_status open_one(prune_context *ctx)
{
    prune_dataset_options options = tree_options();
    options.frames = "a*";
    prune_samples *samples;
    prune_status status = prune_dataset_open(&samples, ctx, test_path(0, "plain"), &options);
    if (status != PRUNE_OK) return status;
    prune_sample sample;
    status = prune_samples_load(samples, 0, &sample);
    if (status == PRUNE_OK) prune_samples_release(samples, &sample);
    prune_samples_free(samples);
    return status;
}

START_TEST(out_of_memory_is_an_error)
{
    prune_context *ctx = test_context(1);
    const char *root = test_path(0, "plain");
    tree_image(ctx, root, "image/a.png", 1);
    tree_depth(ctx, root, "groundtruth_depth/a.png", 10);
    prune_context_free(ctx);
    fault_walk(open_one, false);
}
END_TEST

TEST_MAIN("eval.folders", pairs_by_name, mismatches_are_named, out_of_memory_is_an_error)
