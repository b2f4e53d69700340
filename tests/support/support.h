/* Shared by all tests: a context, scratch files, the optional real data, one-line main. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <check.h>
#include <prune/context.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A context with this many threads (0: all). Fails the test when it cannot be made. */
prune_context *test_context(int32_t threads);

/* Path of a scratch file or folder of this test process; static buffer, valid until next call
 * with the same slot (0..3). */
const char *test_path(int slot, const char *name);

/* Path below the real data ($PRUNE_TEST_DATA, else ../shared/data), or NULL after printing a
 * SKIP line when it is missing. golden: below ../shared/golden. */
const char *test_data(const char *relative);
const char *test_golden(const char *relative);

/* Seeded floats in [-1, 1). */
void test_fill(float *values, int64_t count, uint64_t seed);

/* Root mean square of a - b over the standard deviation of b; the largest |a - b| likewise. */
double test_rms(const float *a, const float *b, int64_t count);
double test_max(const float *a, const float *b, int64_t count);

/* Runs the suite's test functions and returns main's exit status. */
int test_run(const char *suite, const TTest *const *tests, int count);
#define TEST_MAIN(suite, ...)                                                                      \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        return test_run(suite, tests, (int)(sizeof tests / sizeof tests[0]));                      \
    }

#define ck_ok(expression)                                                                          \
    do {                                                                                           \
        prune_status ck_status_ = (expression);                                                    \
        ck_assert_msg(ck_status_ == PRUNE_OK, "%s: %s: %s", #expression,                           \
                      prune_status_name(ck_status_), prune_last_error());                          \
    } while (0)
/* Fails with this status and a message that contains every word of interest. */
#define ck_fails(expression, wanted, part)                                                         \
    do {                                                                                           \
        prune_status ck_status_ = (expression);                                                    \
        ck_assert_msg(ck_status_ == (wanted), "%s: got %s, wanted %s (%s)", #expression,           \
                      prune_status_name(ck_status_), prune_status_name(wanted),                    \
                      prune_last_error());                                                         \
        ck_assert_msg(strstr(prune_last_error(), part) != NULL, "message \"%s\" lacks \"%s\"",     \
                      prune_last_error(), part);                                                   \
    } while (0)

#endif
