#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

prune_context *test_context(int32_t threads)
{
    prune_context_options options;
    prune_context_options_init(&options);
    options.threads = threads;
    prune_context *context = NULL;
    ck_ok(prune_context_create(&context, &options));
    return context;
}

const char *test_path(int slot, const char *name)
{
    static char paths[4][512];
    const char *root = getenv("PRUNE_TEST_TMP");
    char folder[400];
    if (!root) root = "/tmp";
    (void)mkdir(root, 0777);
    (void)snprintf(folder, sizeof folder, "%s/%d", root, (int)getpid());
    (void)mkdir(folder, 0777);
    (void)snprintf(paths[slot], sizeof paths[slot], "%s/%s", folder, name);
    return paths[slot];
}

static const char *optional(const char *root, const char *relative)
{
    static char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", root, relative);
    if (access(path, R_OK) == 0) return path;
    (void)fprintf(stderr, "SKIP: %s is missing, this check did not run\n", path);
    return NULL;
}

const char *test_data(const char *relative)
{
    const char *root = getenv("PRUNE_TEST_DATA");
    return optional(root ? root : "../shared/data", relative);
}

const char *test_golden(const char *relative)
{
    const char *root = getenv("PRUNE_TEST_GOLDEN");
    return optional(root ? root : "../shared/golden", relative);
}

void test_fill(float *values, int64_t count, uint64_t seed)
{
    uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
    for (int64_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        values[i] = (float)((double)(state >> 40) / (double)(1 << 23) - 1.0);
    }
}

static double deviation(const float *values, int64_t count)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < count; i++) {
        sum += (double)values[i];
        squares += (double)values[i] * (double)values[i];
    }
    double mean = sum / (double)count;
    return sqrt(fmax(squares / (double)count - mean * mean, 1e-300));
}

double test_rms(const float *a, const float *b, int64_t count)
{
    double squares = 0;
    for (int64_t i = 0; i < count; i++) {
        double d = (double)a[i] - (double)b[i];
        squares += d * d;
    }
    return sqrt(squares / (double)count) / deviation(b, count);
}

double test_max(const float *a, const float *b, int64_t count)
{
    double largest = 0;
    for (int64_t i = 0; i < count; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        /* A NaN must not hide behind a comparison that is false. */
        if (!(d <= largest)) largest = d;
    }
    return largest / deviation(b, count);
}

int test_run(const char *suite_name, const TTest *const *tests, int count)
{
    Suite *suite = suite_create(suite_name);
    TCase *tcase = tcase_create(suite_name);
    tcase_set_timeout(tcase, 300);
    for (int i = 0; i < count; i++) tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
