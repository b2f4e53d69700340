#include "libprune/base/file.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static prune_context *ctx;

static void check_content(const char *path, const char *text)
{
    pr_mapped mapped;
    ck_ok(pr_file_map(&mapped, path));
    ck_assert_uint_eq(mapped.size, strlen(text));
    ck_assert_int_eq(mapped.size ? memcmp(mapped.data, text, mapped.size) : 0, 0);
    pr_file_unmap(&mapped);
    ck_assert_ptr_null(mapped.data);
}

START_TEST(written_files_read_back)
{
    ctx = test_context(1);
    const char *path = test_path(0, "plain");
    ck_ok(pr_file_write(ctx, path, "one", 3));
    check_content(path, "one");
    ck_ok(pr_file_write(ctx, path, "", 0));
    check_content(path, "");
    struct stat info;
    ck_assert_int_eq(stat(path, &info), 0);
    mode_t mask = umask(0);
    (void)umask(mask);
    ck_assert_int_eq(info.st_mode & 0777, 0666 & ~mask);
    prune_context_free(ctx);
}
END_TEST

START_TEST(a_file_appears_whole_or_not_at_all)
{
    ctx = test_context(1);
    ck_ok(pr_path_make_directory(test_path(1, "atomic/deep")));
    const char *folder = test_path(1, "atomic/deep");
    const char *path = test_path(0, "atomic/deep/file");
    pr_list list;
    pr_writer *writer = NULL;
    ck_ok(pr_file_write(ctx, path, "old", 3));
    ck_ok(pr_writer_open(&writer, ctx, path));
    ck_ok(pr_writer_write(writer, "half", 4));
    check_content(path, "old");
    pr_writer_abandon(writer);
    check_content(path, "old");
    ck_ok(pr_writer_open(&writer, ctx, path));
    ck_ok(pr_writer_write(writer, "ne", 2));
    ck_ok(pr_writer_write(writer, "w", 1));
    ck_ok(pr_writer_commit(writer));
    check_content(path, "new");
    ck_ok(pr_path_list(&list, ctx, folder));
    ck_assert_uint_eq(list.count, 1); /* no temporary file stays behind */
    ck_assert_str_eq(list.names[0], "file");
    pr_list_free(ctx, &list);
    pr_writer_abandon(NULL);
    prune_context_free(ctx);
}
END_TEST

START_TEST(failures_name_the_path)
{
    ctx = test_context(1);
    pr_mapped mapped;
    pr_writer *writer = NULL;
    pr_list list;
    ck_ok(pr_path_make_directory(test_path(1, "folder")));
    ck_fails(pr_file_map(&mapped, test_path(0, "absent")), PRUNE_E_IO, "absent");
    ck_fails(pr_file_map(&mapped, test_path(1, "folder")), PRUNE_E_IO, "regular file");
    ck_fails(pr_writer_open(&writer, ctx, test_path(1, "folder")), PRUNE_E_IO, "folder");
    ck_fails(pr_writer_open(&writer, ctx, test_path(0, "absent/x")), PRUNE_E_IO, "absent/x");
    ck_fails(pr_path_list(&list, ctx, test_path(0, "absent")), PRUNE_E_IO, "absent");
    ck_ok(pr_file_write(ctx, test_path(0, "plain"), "x", 1));
    ck_fails(pr_path_make_directory(test_path(0, "plain/sub")), PRUNE_E_IO, "plain");
    ck_fails(pr_path_make_directory(""), PRUNE_E_ARGUMENT, "empty");
    ck_assert_int_eq(
        mkfifo(test_path(0, "pipe"), 0600) == 0 || access(test_path(0, "pipe"), 0) == 0, 1);
    ck_fails(pr_file_map(&mapped, test_path(0, "pipe")), PRUNE_E_IO, "regular file");
    ck_assert_ptr_null(writer);
    prune_context_free(ctx);
}
END_TEST

START_TEST(a_full_disk_is_reported)
{
    ctx = test_context(1);
    FILE *full = fopen("/dev/full", "w");
    if (full) {
        (void)fclose(full);
        /* A temporary file cannot be made next to it, or writing to it fails: either is named. */
        prune_status status = pr_file_write(ctx, "/proc/self/x", "x", 1);
        ck_assert_int_eq(status, PRUNE_E_IO);
        ck_assert_ptr_nonnull(strstr(prune_last_error(), "/proc/self/x"));
    }
    prune_context_free(ctx);
}
END_TEST

START_TEST(paths)
{
    ctx = test_context(1);
    static const char *const cases[][3] = {{"a", "b", "a/b"},
                                           {"a/", "b", "a/b"},
                                           {"/", "b", "/b"},
                                           {"", "b", "b"},
                                           {"a//", "b", "a/b"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *joined = pr_path_join(ctx, cases[i][0], cases[i][1]);
        ck_assert_str_eq(joined, cases[i][2]);
        pr_free(ctx, joined);
    }
    ck_ok(pr_path_make_directory(test_path(0, "list")));
    static const char *const names[] = {"list/b", "list/a", "list/Z", "list/a.b"};
    for (int i = 0; i < 4; i++) ck_ok(pr_file_write(ctx, test_path(0, names[i]), "", 0));
    pr_list list;
    ck_ok(pr_path_list(&list, ctx, test_path(0, "list")));
    ck_assert_uint_eq(list.count, 4);
    ck_assert_str_eq(list.names[0], "Z");
    ck_assert_str_eq(list.names[1], "a");
    ck_assert_str_eq(list.names[2], "a.b");
    ck_assert_str_eq(list.names[3], "b");
    pr_list_free(ctx, &list);
    ck_assert(pr_path_exists(test_path(0, "list/a")));
    ck_assert(!pr_path_exists(test_path(0, "list/c")));
    ck_assert(pr_path_is_directory(test_path(0, "list")));
    ck_assert(!pr_path_is_directory(test_path(0, "list/a")));
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("file", written_files_read_back, a_file_appears_whole_or_not_at_all,
          failures_name_the_path, a_full_disk_is_reported, paths)
