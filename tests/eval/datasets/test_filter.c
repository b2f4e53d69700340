/* Frames by glob and by list, the published Eigen lists included. */
#include "tests/eval/trees.h"

static pr_dataset make(prune_context *ctx)
{
    static const char *const names[] = {"2011_09_26_drive_0002_sync_image_02_0000000069",
                                        "2011_09_26_drive_0002_sync_image_03_0000000069",
                                        "2011_09_26_drive_0002_sync_image_02_0000000054", "plain"};
    pr_dataset dataset = {.context = ctx};
    for (int i = 0; i < 4; i++) ck_ok(pr_dataset_add(&dataset, names[i], "", "i", "d"));
    ck_ok(pr_dataset_sort(&dataset));
    return dataset;
}

static const char *list_file(prune_context *ctx, const char *text)
{
    static char at[600];
    const char *path = test_path(0, "list.txt");
    ck_ok(prune_file_write(ctx, path, text, strlen(text)));
    (void)snprintf(at, sizeof at, "@%s", path);
    return at;
}

START_TEST(globs)
{
    prune_context *ctx = test_context(1);
    pr_dataset dataset = make(ctx);
    ck_ok(pr_dataset_filter(&dataset, NULL, "x"));
    ck_ok(pr_dataset_filter(&dataset, "*image_02*", "x"));
    ck_assert_uint_eq(dataset.count, 2);
    ck_assert_str_eq(dataset.pairs[0].name, "2011_09_26_drive_0002_sync_image_02_0000000054");
    ck_fails(pr_dataset_filter(&dataset, "z*", "DIR"), PRUNE_E_ARGUMENT, "DIR has no frame");
    pr_dataset_clear(&dataset);
    prune_context_free(ctx);
}
END_TEST

START_TEST(lists)
{
    prune_context *ctx = test_context(1);
    pr_dataset dataset = make(ctx);
    ck_ok(pr_dataset_filter(
        &dataset,
        list_file(ctx,
                  "# Eigen's form\n2011_09_26/2011_09_26_drive_0002_sync 0000000069 l\n"
                  "2011_09_26/2011_09_26_drive_0002_sync 69 r\n\n"
                  "2011_09_26/2011_09_26_drive_0002_sync/image_02/data/0000000054.png x 721\n"),
        "x"));
    ck_assert_uint_eq(dataset.count, 3);
    pr_dataset_clear(&dataset);
    dataset = make(ctx);
    ck_ok(pr_dataset_filter(&dataset, list_file(ctx, "plain.png\r\n"), "x"));
    ck_assert_uint_eq(dataset.count, 1);
    ck_fails(pr_dataset_filter(&dataset, list_file(ctx, "plain\nnobody\n"), "DIR"),
             PRUNE_E_ARGUMENT, "line 2: DIR has no frame nobody");
    ck_fails(pr_dataset_filter(&dataset, list_file(ctx, "a/b/c\n"), "DIR"), PRUNE_E_FORMAT,
             "line 1");
    ck_fails(pr_dataset_filter(&dataset, "@/nonexistent", "DIR"), PRUNE_E_IO, "/nonexistent");
    const char *nul = test_path(1, "nul.txt");
    char at[600];
    ck_ok(prune_file_write(ctx, nul, "plain\0x", 7));
    (void)snprintf(at, sizeof at, "@%s", nul);
    ck_fails(pr_dataset_filter(&dataset, at, "DIR"), PRUNE_E_FORMAT, "NUL");
    pr_dataset_clear(&dataset);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("eval.filter", globs, lists)
