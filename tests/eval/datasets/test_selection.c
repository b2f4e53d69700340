/* The KITTI depth selection. */
#include "tests/eval/trees.h"

static const char *const names[] = {"2011_09_26_drive_0002_sync_image_0000000005_image_02",
                                    "2011_09_26_drive_0002_sync_image_0000000005_image_03", NULL};

static void make(prune_context *ctx, const char *root)
{
    char file[200];
    for (int c = 2; c <= 3; c++) {
        (void)snprintf(file, sizeof file,
                       "image/2011_09_26_drive_0002_sync_image_0000000005_image_0%d.png", c);
        tree_image(ctx, root, file, c);
        (void)snprintf(
            file, sizeof file,
            "groundtruth_depth/2011_09_26_drive_0002_sync_groundtruth_depth_0000000005_image_0%d"
            ".png",
            c);
        tree_depth(ctx, root, file, (float)(10 * c));
    }
}

START_TEST(tokens_are_translated)
{
    prune_context *ctx = test_context(1);
    const char *root = test_path(0, "kitti/depth_selection/val_selection_cropped");
    make(ctx, root);
    const char *above[] = {root, test_path(1, "kitti"), test_path(2, "kitti/depth_selection")};
    for (int i = 0; i < 3; i++) {
        prune_samples *samples = tree_open(ctx, above[i], NULL, names);
        tree_check(samples, 0, 2, 20);
        tree_check(samples, 1, 3, 30);
        const char *name, *group;
        ck_ok(prune_samples_identify(samples, 0, &name, &group));
        ck_assert_str_eq(group, "2011_09_26_drive_0002_sync");
        prune_samples_free(samples);
    }
    prune_context_free(ctx);
}
END_TEST

START_TEST(real_frames)
{
    const char *path = test_data("kitti_lidar");
    if (!path) return;
    prune_context *ctx = test_context(1);
    prune_samples *samples;
    ck_ok(prune_dataset_open(&samples, ctx, path, NULL));
    ck_assert_uint_eq(prune_samples_count(samples), 14);
    prune_sample sample;
    ck_ok(prune_samples_load(samples, 13, &sample));
    ck_assert_str_eq(sample.group, "2011_09_26_drive_0023_sync");
    ck_assert_int_eq(sample.width, sample.depth_width);
    prune_samples_release(samples, &sample);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("eval.selection", tokens_are_translated, real_frames)
