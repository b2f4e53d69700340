/* Pairs: order, uniqueness, completeness, and broken files when they are loaded. */
#include "tests/eval/trees.h"

START_TEST(order_and_completeness)
{
    prune_context *ctx = test_context(1);
    pr_dataset dataset = {.context = ctx, .divisor = 256};
    ck_fails(pr_dataset_check(&dataset, "DIR"), PRUNE_E_ARGUMENT, "DIR holds no frames");
    for (int i = 99; i >= 0; i--) {
        char name[16];
        (void)snprintf(name, sizeof name, "f%02d", i);
        ck_ok(pr_dataset_add(&dataset, name, "", "image", "depth"));
    }
    ck_ok(pr_dataset_sort(&dataset));
    ck_assert_str_eq(dataset.pairs[0].name, "f00");
    ck_assert_str_eq(dataset.pairs[99].name, "f99");
    ck_ok(pr_dataset_check(&dataset, "DIR"));
    ck_ok(pr_dataset_add(&dataset, "f50", "", "other", "depth"));
    ck_fails(pr_dataset_sort(&dataset), PRUNE_E_ARGUMENT, "f50 occurs twice");
    pr_dataset_clear(&dataset);
    ck_ok(pr_dataset_add(&dataset, "a", "", NULL, "truth.png"));
    ck_fails(pr_dataset_check(&dataset, "DIR"), PRUNE_E_ARGUMENT, "truth.png has no picture");
    pr_dataset_clear(&dataset);
    prune_context_free(ctx);
}
END_TEST

START_TEST(broken_files_are_named)
{
    prune_context *ctx = test_context(1);
    const char *root = test_path(0, "broken");
    tree_image(ctx, root, "image/a.png", 1);
    tree_depth(ctx, root, "groundtruth_depth/a.png", 10);
    tree_image(ctx, root, "image/b.png", 1);
    tree_image(ctx, root, "groundtruth_depth/b.png", 10); /* colour, 8 bit */
    ck_ok(prune_file_write(ctx, tree_path(root, "image/c.png"), "no picture", 10));
    tree_depth(ctx, root, "groundtruth_depth/c.png", 10);
    prune_samples *samples;
    ck_ok(prune_dataset_open(&samples, ctx, root, NULL));
    tree_check(samples, 0, 1, 10);
    prune_sample sample;
    ck_fails(prune_samples_load(samples, 1, &sample), PRUNE_E_FORMAT, "groundtruth_depth/b.png");
    ck_fails(prune_samples_load(samples, 2, &sample), PRUNE_E_FORMAT, "image/c.png");
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("eval.pairs", order_and_completeness, broken_files_are_named)
