/* The KITTI depth tree with the raw drives. */
#include "tests/eval/trees.h"
#include "tests/support/faults.h"

#include <unistd.h>

#define DRIVE1 "2011_09_26_drive_0001_sync"
#define DRIVE2 "2011_09_28_drive_0002_sync"

static void make(prune_context *ctx, const char *root, const char *raw)
{
    tree_depth(ctx, root, "train/" DRIVE1 "/proj_depth/groundtruth/image_02/0000000005.png", 10);
    tree_depth(ctx, root, "train/" DRIVE1 "/proj_depth/groundtruth/image_03/0000000005.png", 20);
    tree_depth(ctx, root, "val/" DRIVE2 "/proj_depth/groundtruth/image_02/0000000007.png", 30);
    tree_image(ctx, raw, "2011_09_26/" DRIVE1 "/image_02/data/0000000005.png", 1);
    tree_image(ctx, raw, "2011_09_26/" DRIVE1 "/image_02/data/0000000006.png", 99);
    tree_image(ctx, raw, "2011_09_26/" DRIVE1 "/image_03/data/0000000005.jpg", 2);
    tree_image(ctx, raw, DRIVE2 "/image_02/data/0000000007.png", 3); /* without the date */
}

static const char *const names[] = {DRIVE1 "_image_02_0000000005", DRIVE1 "_image_03_0000000005",
                                    DRIVE2 "_image_02_0000000007", NULL};

START_TEST(finds_pictures)
{
    prune_context *ctx = test_context(1);
    const char *root = test_path(0, "tree"), *raw = test_path(1, "raw");
    make(ctx, root, raw);
    prune_dataset_options options = tree_options();
    prune_samples *samples;
    ck_fails(prune_dataset_open(&samples, ctx, root, &options), PRUNE_E_ARGUMENT, "--images");
    options.images = raw;
    samples = tree_open(ctx, root, &options, names);
    for (int i = 0; i < 3; i++) tree_check(samples, (uint64_t)i, i + 1, (float)(10 * (i + 1)));
    const char *name, *group;
    ck_ok(prune_samples_identify(samples, 2, &name, &group));
    ck_assert_str_eq(group, DRIVE2);
    prune_samples_free(samples);
    samples = tree_open(ctx, test_path(2, "tree/val"), &options, names + 2);
    prune_samples_free(samples);
    options.images = "/nonexistent";
    ck_fails(prune_dataset_open(&samples, ctx, root, &options), PRUNE_E_IO, "/nonexistent");
    options.images = raw;
    (void)unlink(tree_path(raw, DRIVE2 "/image_02/data/0000000007.png"));
    ck_fails(prune_dataset_open(&samples, ctx, root, &options), PRUNE_E_ARGUMENT,
             "0000000007.png has no picture");
    prune_context_free(ctx);
}
END_TEST

START_TEST(raw_drives_in_the_same_folder)
{
    prune_context *ctx = test_context(1);
    const char *root = test_path(0, "together");
    make(ctx, root, root);
    prune_samples *samples = tree_open(ctx, root, NULL, names);
    for (int i = 0; i < 3; i++) tree_check(samples, (uint64_t)i, i + 1, (float)(10 * (i + 1)));
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

static prune_status open_tree(prune_context *ctx)
{
    prune_dataset_options options = tree_options();
    options.images = test_path(1, "raw2");
    prune_samples *samples;
    prune_status status = prune_dataset_open(&samples, ctx, test_path(0, "tree2"), &options);
    if (status == PRUNE_OK) prune_samples_free(samples);
    return status;
}

START_TEST(out_of_memory_is_an_error)
{
    prune_context *ctx = test_context(1);
    make(ctx, test_path(0, "tree2"), test_path(1, "raw2"));
    prune_context_free(ctx);
    fault_walk(open_tree, false);
}
END_TEST

TEST_MAIN("eval.devkit", finds_pictures, raw_drives_in_the_same_folder, out_of_memory_is_an_error)
