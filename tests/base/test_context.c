#include "libprune/base/context.h"
#include "tests/support/support.h"

#include <stdlib.h>

typedef struct record {
    int lines, steps, live, until_failure;
    char last[2048];
    uint64_t done, total;
    bool stop;
} record;

static void keep_log(void *user, prune_log_level level, const char *line)
{
    record *r = user;
    r->lines++;
    ck_assert_int_eq(level, PRUNE_LOG_WARNING);
    strncpy(r->last, line, sizeof r->last - 1);
}

static void keep_progress(void *user, const char *stage, uint64_t done, uint64_t total)
{
    record *r = user;
    r->steps++;
    ck_assert_str_eq(stage, "tune");
    r->done = done;
    r->total = total;
}

static bool asked_to_stop(void *user)
{
    return ((record *)user)->stop;
}

static void *count_allocate(void *user, size_t bytes, size_t alignment)
{
    record *r = user;
    if (r->until_failure >= 0 && r->until_failure-- == 0) return NULL;
    void *memory = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    r->live += memory != NULL;
    return memory;
}

static void count_release(void *user, void *memory)
{
    record *r = user;
    r->live--;
    free(memory);
}

static prune_context_options counting(record *r)
{
    prune_context_options options;
    prune_context_options_init(&options);
    options.user = r;
    options.threads = 2;
    options.allocate = count_allocate;
    options.release = count_release;
    r->until_failure = -1;
    return options;
}

START_TEST(callbacks)
{
    record r = {0};
    prune_context_options options = counting(&r);
    options.log = keep_log;
    options.progress = keep_progress;
    options.cancel = asked_to_stop;
    prune_context *ctx = NULL;
    ck_ok(prune_context_create(&ctx, &options));
    pr_log(ctx, PRUNE_LOG_WARNING, "%d of %s", 3, "four");
    ck_assert_str_eq(r.last, "3 of four");
    pr_progress(ctx, "tune", 2, 9);
    ck_assert_uint_eq(r.done, 2);
    ck_assert_uint_eq(r.total, 9);
    ck_ok(pr_check_cancel(ctx));
    r.stop = true;
    ck_assert(pr_cancelled(ctx));
    ck_fails(pr_check_cancel(ctx), PRUNE_E_CANCELLED, "request");
    prune_context_free(ctx);
    ck_assert_int_eq(r.live, 0);
}
END_TEST

START_TEST(creation_survives_every_failing_allocation)
{
    for (int allowed = 0;; allowed++) {
        record r = {0};
        prune_context_options options = counting(&r);
        r.until_failure = allowed;
        prune_context *ctx = NULL;
        if (prune_context_create(&ctx, &options) == PRUNE_OK) {
            ck_assert_int_gt(allowed, 0);
            prune_context_free(ctx);
            break;
        }
        ck_assert_ptr_null(ctx);
        ck_assert_int_eq(r.live, 0);
        ck_assert_msg(strstr(prune_last_error(), "memory") != NULL, "%s", prune_last_error());
    }
}
END_TEST

START_TEST(memory)
{
    record r = {0};
    prune_context_options options = counting(&r);
    prune_context *ctx = NULL;
    ck_ok(prune_context_create(&ctx, &options));
    int before = r.live;
    char *text = pr_strdup(ctx, "words");
    ck_assert_str_eq(text, "words");
    ck_assert_uint_eq((uintptr_t)text % 64, 0);
    int *zeros = pr_calloc(ctx, 100, sizeof *zeros);
    for (int i = 0; i < 100; i++) ck_assert_int_eq(zeros[i], 0);
    void *out = NULL;
    ck_fails(pr_new(ctx, &out, SIZE_MAX / 2, 3), PRUNE_E_MEMORY, "memory");
    ck_assert_ptr_null(out);
    void *array = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < 1000; i++) {
        ck_ok(pr_grow(ctx, &array, &capacity, i + 1, sizeof(size_t)));
        ((size_t *)array)[i] = i;
    }
    for (size_t i = 0; i < 1000; i++) ck_assert_uint_eq(((size_t *)array)[i], i);
    r.until_failure = 0;
    ck_fails(pr_grow(ctx, &array, &capacity, capacity + 1, sizeof(size_t)), PRUNE_E_MEMORY, "");
    ck_assert_uint_eq(((size_t *)array)[999], 999);
    r.until_failure = -1;
    pr_free(ctx, array);
    pr_free(ctx, zeros);
    pr_free(ctx, text);
    pr_free(ctx, NULL);
    ck_assert_int_eq(r.live, before);
    prune_context_free(ctx);
}
END_TEST

START_TEST(options)
{
    prune_context *ctx = NULL;
    prune_context_options given = {0};
    ck_fails(prune_context_create(&ctx, &given), PRUNE_E_ARGUMENT, "struct_size");
    prune_context_options_init(&given);
    given.threads = -1;
    ck_fails(prune_context_create(&ctx, &given), PRUNE_E_ARGUMENT, "threads");
    given.threads = 1;
    given.isa = "abacus";
    ck_fails(prune_context_create(&ctx, &given), PRUNE_E_ARGUMENT, "abacus");
    given.isa = NULL;
    given.allocate = count_allocate;
    ck_fails(prune_context_create(&ctx, &given), PRUNE_E_ARGUMENT, "together");
    ck_assert_ptr_null(ctx);
    ck_assert_int_eq(setenv("PRUNE_ISA", "abacus", 1), 0);
    ck_fails(prune_context_create(&ctx, NULL), PRUNE_E_ARGUMENT, "$PRUNE_ISA");
    ck_assert_int_eq(setenv("PRUNE_ISA", "portable", 1), 0);
    ck_ok(prune_context_create(&ctx, NULL));
    ck_assert_str_eq(prune_context_isa(ctx), "portable");
    ck_assert_int_ge(prune_context_threads(ctx), 1);
    prune_context_free(ctx);
    prune_context_free(NULL);
}
END_TEST

TEST_MAIN("context", callbacks, creation_survives_every_failing_allocation, memory, options)
