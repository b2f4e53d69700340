#include "tests/support/support.h"

#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <prune/sys/parallel.h>

START_TEST(errors)
{
    ck_fails(prune_error_set(PRUNE_E_SHAPE, "%d rows", 3), PRUNE_E_SHAPE, "3 rows");
    ck_fails(prune_error_within(PRUNE_E_SHAPE, "%s", "a.png"), PRUNE_E_SHAPE, "a.png: 3 rows");
}
END_TEST

START_TEST(memory_and_files)
{
    prune_context *context = test_context(1);
    int *zeros = prune_memory_zero(context, 10, sizeof *zeros);
    for (int i = 0; i < 10; i++) ck_assert_int_eq(zeros[i], 0);
    prune_memory_free(context, zeros);
    prune_memory_free(context, NULL);
    ck_assert_ptr_null(prune_memory_new(context, SIZE_MAX / 2, 4));
    ck_assert_ptr_nonnull(strstr(prune_last_error(), "memory"));

    const char *folder = test_path(0, "sys/deep");
    ck_ok(prune_folder_create(folder));
    ck_assert(prune_path_is_folder(folder));
    char *path = prune_path_join(context, folder, "one");
    ck_ok(prune_file_write(context, path, "1", 1));
    ck_assert(prune_path_exists(path) && !prune_path_is_folder(path));
    prune_file_list list;
    ck_ok(prune_folder_list(&list, context, folder));
    ck_assert_uint_eq(list.count, 1);
    ck_assert_str_eq(list.names[0], "one");
    prune_file_list_free(context, &list);
    ck_fails(prune_folder_list(&list, context, path), PRUNE_E_IO, "one");
    prune_memory_free(context, path);
    prune_context_free(context);
}
END_TEST

START_TEST(whole_files_are_read)
{
    prune_context *context = test_context(1);
    const char *path = test_path(0, "read");
    char *text = NULL;
    size_t size = 0;
    ck_ok(prune_file_write(context, path, "a\0b", 3));
    ck_ok(prune_file_read(&text, &size, context, path, 3));
    ck_assert_uint_eq(size, 3);
    ck_assert_mem_eq(text, "a\0b\0", 4);
    prune_memory_free(context, text);
    ck_fails(prune_file_read(&text, &size, context, path, 2), PRUNE_E_FORMAT, "3 bytes");
    ck_fails(prune_file_read(&text, &size, context, "/nonexistent", 2), PRUNE_E_IO, "/nonexistent");
    ck_ok(prune_file_write(context, path, "", 0));
    ck_ok(prune_file_read(&text, NULL, context, path, 0));
    ck_assert_str_eq(text, "");
    prune_memory_free(context, text);
    prune_context_free(context);
}
END_TEST

typedef struct record {
    char line[64], stage[16];
    uint64_t done;
} record;

static void keep_log(void *user, prune_log_level level, const char *line)
{
    (void)level;
    strncpy(((record *)user)->line, line, 63);
}

static void keep_progress(void *user, const char *stage, uint64_t done, uint64_t total)
{
    record *r = user;
    strncpy(r->stage, stage, 15);
    r->done = done * 100 + total;
}

static bool stop(void *user)
{
    return ((record *)user)->done > 0;
}

static void add_up(void *argument, int64_t begin, int64_t end, int lane)
{
    int64_t *sums = argument;
    for (int64_t i = begin; i < end; i++) sums[lane] += i;
}

START_TEST(loops_and_callbacks)
{
    record r = {0};
    prune_context_options options;
    prune_context_options_init(&options);
    options.threads = 2;
    options.user = &r;
    options.log = keep_log;
    options.progress = keep_progress;
    options.cancel = stop;
    prune_context *context = NULL;
    ck_ok(prune_context_create(&context, &options));
    int64_t sums[2] = {0};
    prune_parallel_for(context, 101, 1, add_up, sums);
    ck_assert_int_eq(sums[0] + sums[1], 5050);
    ck_assert_int_gt(sums[1], 0);
    prune_log_write(context, PRUNE_LOG_INFO, "%s %d", "n", 5);
    ck_assert_str_eq(r.line, "n 5");
    ck_ok(prune_cancel_check(context));
    prune_progress_report(context, "synth", 3, 4);
    ck_assert_str_eq(r.stage, "synth");
    ck_assert_uint_eq(r.done, 304);
    ck_fails(prune_cancel_check(context), PRUNE_E_CANCELLED, "request");
    prune_context_free(context);
}
END_TEST

TEST_MAIN("sys", errors, memory_and_files, whole_files_are_read, loops_and_callbacks)
