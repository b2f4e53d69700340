#include "libprune/base/error.h"
#include "tests/support/support.h"

#include <pthread.h>

START_TEST(messages)
{
    ck_assert_str_eq(prune_last_error(), "");
    ck_fails(pr_fail(PRUNE_E_FORMAT, "file %d", 7), PRUNE_E_FORMAT, "file 7");
    ck_fails(pr_fail_within(PRUNE_E_FORMAT, "model %s", "a"), PRUNE_E_FORMAT, "model a: file 7");
    ck_assert_int_eq(pr_fail(PRUNE_E_IO, "again: %s", prune_last_error()), PRUNE_E_IO);
    ck_assert_str_eq(prune_last_error(), "again: model a: file 7");
    (void)pr_fail(PRUNE_E_FORMAT, "name '%s'", "two\nlines\x1b[2J");
    ck_assert_str_eq(prune_last_error(), "name 'two?lines?[2J'");
    ck_fails(pr_fail_memory(123), PRUNE_E_MEMORY, "123 bytes");
}
END_TEST

static void *other_thread(void *seen)
{
    (void)pr_fail(PRUNE_E_IO, "elsewhere");
    strcpy(seen, prune_last_error());
    return NULL;
}

START_TEST(one_per_thread)
{
    char seen[64];
    pthread_t thread;
    (void)pr_fail(PRUNE_E_IO, "here");
    ck_assert_int_eq(pthread_create(&thread, NULL, other_thread, seen), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_str_eq(seen, "elsewhere");
    ck_assert_str_eq(prune_last_error(), "here");
}
END_TEST

START_TEST(long_messages_are_cut)
{
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    (void)pr_fail(PRUNE_E_FORMAT, "%s", text);
    (void)pr_fail_within(PRUNE_E_FORMAT, "%s", text);
    ck_assert_uint_lt(strlen(prune_last_error()), sizeof text - 1);
    ck_assert_uint_gt(strlen(prune_last_error()), 500);
}
END_TEST

TEST_MAIN("error", messages, one_per_thread, long_messages_are_cut)
