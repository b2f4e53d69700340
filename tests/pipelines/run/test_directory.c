/* The run directory: its lock, its log, what is left of a broken one. */
#include "pipelines/run/directory.h"
#include "tests/support/support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *log_path(const char *folder)
{
    static char path[700];
    (void)snprintf(path, sizeof path, "%s/run.jsonl", folder);
    return path;
}

static void append_raw(const char *folder, const char *text, size_t length)
{
    FILE *file = fopen(log_path(folder), "ab");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

static long log_size(const char *folder)
{
    struct stat info;
    ck_assert_int_eq(stat(log_path(folder), &info), 0);
    return (long)info.st_size;
}

START_TEST(lines_are_found_again)
{
    prune_context *ctx = test_context(1);
    run_directory d;
    char folder[512];
    (void)snprintf(folder, sizeof folder, "%s", test_path(0, "found"));
    ck_ok(run_directory_open(&d, ctx, folder, false));
    ck_assert_uint_eq(d.present, 0);
    ck_ok(run_directory_note(&d,
                             json_pack("{s:s, s:i, s:f}", "event", "stage", "stage", 1, "x", 0.1)));
    ck_ok(run_directory_note(
        &d, json_pack("{s:s, s:i, s:i}", "event", "round", "stage", 1, "round", 2)));
    ck_assert_ptr_nonnull(run_directory_find(&d, "round", 1, 2));
    run_directory_close(&d);
    /* Nobody mixes two runs. */
    ck_fails(run_directory_open(&d, ctx, folder, false), PRUNE_E_ARGUMENT, "--resume");
    run_directory_close(&d);
    ck_ok(run_directory_open(&d, ctx, folder, true));
    ck_assert_uint_eq(d.present, 2);
    ck_assert_ptr_null(run_directory_find(&d, "round", 1, 3));
    ck_assert_ptr_null(run_directory_find(&d, "stage", 2, -1));
    const json_t *line = run_directory_find(&d, "stage", 1, -1);
    ck_assert_double_eq(json_number_value(json_object_get(line, "x")), 0.1);
    run_directory_close(&d);
    prune_context_free(ctx);
}
END_TEST

START_TEST(a_torn_last_line_is_cut_off)
{
    prune_context *ctx = test_context(1);
    run_directory d;
    char folder[512];
    static const char torn[] = "{\"event\":\"stage\",\"stage\":2,\"na";
    static const char zeros[5000] = "";
    (void)snprintf(folder, sizeof folder, "%s", test_path(0, "torn"));
    ck_ok(run_directory_open(&d, ctx, folder, false));
    ck_ok(run_directory_note(&d, json_pack("{s:s}", "event", "begin")));
    run_directory_close(&d);
    const long whole = log_size(folder);
    for (int i = 0; i < 2; i++) {
        append_raw(folder, i ? zeros : torn, i ? sizeof zeros : sizeof torn - 1);
        ck_ok(run_directory_open(&d, ctx, folder, true));
        ck_assert_uint_eq(d.present, 1);
        ck_assert_int_eq(log_size(folder), whole);
        run_directory_close(&d);
    }
    prune_context_free(ctx);
}
END_TEST

START_TEST(garbage_is_not_guessed_at)
{
    static const char *const lines[] = {"what is this\n", "[1, 2]\n", "{\"event\": \n", "\n",
                                        "{\"a\":1,\"a\":2}\n"};
    prune_context *ctx = test_context(1);
    run_directory d;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char folder[512], name[32];
        (void)snprintf(name, sizeof name, "garbage-%zu", i);
        (void)snprintf(folder, sizeof folder, "%s", test_path(0, name));
        ck_ok(run_directory_open(&d, ctx, folder, false));
        ck_ok(run_directory_note(&d, json_pack("{s:s}", "event", "begin")));
        run_directory_close(&d);
        append_raw(folder, lines[i], strlen(lines[i]));
        append_raw(folder, "{\"event\":\"stage\"}\n", 18);
        ck_fails(run_directory_open(&d, ctx, folder, true), PRUNE_E_FORMAT, "line 2");
        run_directory_close(&d);
    }
    prune_context_free(ctx);
}
END_TEST

START_TEST(the_lock_names_who_holds_it)
{
    prune_context *ctx = test_context(1);
    run_directory mine, other;
    char folder[512], process[32], byte = 0;
    int ready[2];
    (void)snprintf(folder, sizeof folder, "%s", test_path(0, "locked"));
    ck_assert_int_eq(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
        const bool held = run_directory_open(&other, ctx, folder, true) == PRUNE_OK;
        if (write(ready[1], held ? "y" : "n", 1) != 1) _exit(1);
        for (;;) (void)pause();
    }
    ck_assert_int_eq((int)read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(byte, 'y');
    (void)snprintf(process, sizeof process, "process %ld", (long)child);
    ck_fails(run_directory_open(&mine, ctx, folder, true), PRUNE_E_IO, process);
    run_directory_close(&mine);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    /* The lock died with its holder; and one process is kept apart from itself. */
    ck_ok(run_directory_open(&mine, ctx, folder, true));
    ck_fails(run_directory_open(&other, ctx, folder, true), PRUNE_E_IO, "another run");
    run_directory_close(&other);
    run_directory_close(&mine);
    (void)close(ready[0]), (void)close(ready[1]);
    prune_context_free(ctx);
}
END_TEST

/* A limit on the size of files fails a write in the middle as a full disk does. */
START_TEST(half_a_line_is_taken_back)
{
    prune_context *ctx = test_context(1);
    run_directory d;
    char folder[512], text[3001];
    const struct rlimit limit = {2000, RLIM_INFINITY};
    (void)snprintf(folder, sizeof folder, "%s", test_path(0, "full"));
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_ok(run_directory_open(&d, ctx, folder, false));
    ck_ok(run_directory_note(&d, json_pack("{s:s}", "event", "begin")));
    const long whole = log_size(folder);
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_fails(run_directory_note(&d, json_pack("{s:s, s:s}", "event", "stage", "x", text)),
             PRUNE_E_IO, "run.jsonl");
    ck_assert_int_eq(log_size(folder), whole);
    ck_assert_ptr_null(run_directory_find(&d, "stage", -1, -1));
    ck_ok(run_directory_note(&d, json_pack("{s:s}", "event", "failed")));
    run_directory_close(&d);
    ck_ok(run_directory_open(&d, ctx, folder, true));
    ck_assert_uint_eq(d.present, 2);
    run_directory_close(&d);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("pipelines.run.directory", lines_are_found_again, a_torn_last_line_is_cut_off,
          garbage_is_not_guessed_at, the_lock_names_who_holds_it, half_a_line_is_taken_back)
