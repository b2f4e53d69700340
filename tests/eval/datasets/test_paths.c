/* Paths and names. */
#include "tests/eval/trees.h"

#include <prune/sys/memory.h>

START_TEST(names)
{
    char stem[8];
    ck_assert(pr_dataset_is_picture("a.png"));
    ck_assert(pr_dataset_is_picture("a.b.JPEG"));
    ck_assert(!pr_dataset_is_picture(".png"));
    ck_assert(!pr_dataset_is_picture("a.txt"));
    ck_assert(!pr_dataset_is_picture("png"));
    ck_assert(pr_dataset_stem(stem, sizeof stem, "a.b.png"));
    ck_assert_str_eq(stem, "a.b");
    ck_assert(!pr_dataset_stem(stem, sizeof stem, "longername.png"));
}
END_TEST

START_TEST(paths)
{
    prune_context *ctx = test_context(1);
    char *path = pr_dataset_path(ctx, "a", "b", "c.png", (const char *)NULL);
    ck_assert_str_eq(path, "a/b/c.png");
    prune_memory_free(ctx, path);
    bool has = false;
    ck_ok(pr_dataset_has_folder(&has, ctx, "tests", "eval"));
    ck_assert(has);
    ck_ok(pr_dataset_has_folder(&has, ctx, "tests", "nothing"));
    ck_assert(!has);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("eval.paths", names, paths)
