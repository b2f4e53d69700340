#include "libprune/base/context.h"
#include "libprune/base/pool.h"
#include "tests/support/support.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { N = 1000 };

typedef struct visits {
    int32_t count[N];
    int lane[N];
    int64_t smallest[64];
    prune_context *ctx;
} visits;

static void visit(void *arg, int64_t begin, int64_t end, int lane)
{
    visits *v = arg;
    v->smallest[lane] = end - begin;
    for (int64_t i = begin; i < end; i++) {
        v->count[i]++;
        v->lane[i] = lane;
    }
}

/* Check notes every assertion in a pipe: one a loop, not one an index. */
static bool visited_once(const visits *v, int64_t n)
{
    for (int64_t i = 0; i < N; i++)
        if (v->count[i] != (i < n)) return false;
    return true;
}

START_TEST(every_index_once_and_always_on_the_same_lane)
{
    for (int32_t threads = 1; threads <= 5; threads++) {
        prune_context *ctx = test_context(threads);
        int expected[N];
        for (int round = 0; round < 200; round++) {
            visits v = {0};
            pr_parallel(ctx, N, 7, visit, &v);
            if (round == 0) memcpy(expected, v.lane, sizeof expected);
            ck_assert(visited_once(&v, N));
            ck_assert_int_eq(memcmp(v.lane, expected, sizeof expected), 0);
        }
        ck_assert_int_eq(expected[N - 1], threads - 1);
        prune_context_free(ctx);
    }
}
END_TEST

START_TEST(pieces_hold_at_least_the_grain)
{
    prune_context *ctx = test_context(4);
    for (int64_t n = 0; n <= 60; n++) {
        for (int64_t grain = 0; grain <= 20; grain++) {
            visits v = {0};
            for (int lane = 0; lane < 64; lane++) v.smallest[lane] = INT64_MAX;
            pr_parallel(ctx, n, grain, visit, &v);
            ck_assert(visited_once(&v, n));
            for (int lane = 0; lane < 4 && n >= grain; lane++)
                ck_assert_int_ge(v.smallest[lane], grain);
        }
    }
    prune_context_free(ctx);
}
END_TEST

static void nested(void *arg, int64_t begin, int64_t end, int lane)
{
    (void)lane;
    visits *v = arg;
    for (int64_t i = begin; i < end; i++) {
        visits inner = {0};
        pr_parallel(v->ctx, 100, 1, visit, &inner);
        for (int k = 0; k < 100; k++) v->count[i] += inner.count[k];
    }
}

START_TEST(nested_loops_finish)
{
    visits v = {0};
    v.ctx = test_context(3);
    for (int round = 0; round < 20; round++) pr_parallel(v.ctx, 30, 1, nested, &v);
    for (int i = 0; i < 30; i++) ck_assert_int_eq(v.count[i], 2000);
    prune_context_free(v.ctx);
}
END_TEST

static void *hammer(void *arg)
{
    prune_context *ctx = arg;
    for (int round = 0; round < 300; round++) {
        visits v = {0};
        pr_parallel(ctx, N, 10, visit, &v);
        if (!visited_once(&v, N)) return arg;
    }
    return NULL;
}

START_TEST(two_threads_may_meet_in_one_pool)
{
    prune_context *ctx = test_context(3);
    pthread_t thread;
    void *bad = NULL;
    ck_assert_int_eq(pthread_create(&thread, NULL, hammer, ctx), 0);
    ck_assert_ptr_null(hammer(ctx));
    ck_assert_int_eq(pthread_join(thread, &bad), 0);
    ck_assert_ptr_null(bad);
    prune_context_free(ctx);
}
END_TEST

START_TEST(sleeping_workers_wake)
{
    prune_context *ctx = test_context(4);
    for (int round = 0; round < 30; round++) {
        visits v = {0};
        ck_assert_int_eq(usleep(2000), 0); /* far beyond the spin */
        pr_parallel(ctx, N, 1, visit, &v);
        ck_assert(visited_once(&v, N));
    }
    prune_context_free(ctx);
}
END_TEST

static void slow_lane(void *arg, int64_t begin, int64_t end, int lane)
{
    if (lane == 1) (void)usleep(2000);
    visit(arg, begin, end, lane);
}

START_TEST(the_caller_sleeps_until_the_last_piece_is_done)
{
    prune_context *ctx = test_context(2);
    for (int round = 0; round < 20; round++) {
        visits v = {0};
        pr_parallel(ctx, N, 1, slow_lane, &v);
        ck_assert(visited_once(&v, N));
    }
    prune_context_free(ctx);
}
END_TEST

static void *plain_allocate(void *user, size_t bytes, size_t alignment)
{
    (void)user;
    return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

static void plain_release(void *user, void *memory)
{
    (void)user;
    free(memory);
}

START_TEST(limits)
{
    const pr_pool_memory memory = {NULL, plain_allocate, plain_release};
    struct pr_pool *pool = NULL;
    ck_fails(pr_pool_create(&pool, &memory, 0), PRUNE_E_ARGUMENT, "threads");
    ck_fails(pr_pool_create(&pool, &memory, 1 << 20), PRUNE_E_ARGUMENT, "threads");
    ck_assert_ptr_null(pool);
    ck_ok(pr_pool_create(&pool, &memory, 2));
    visits v = {0};
    pr_pool_run(pool, 10, 1, visit, &v);
    ck_assert_int_eq(v.count[9], 1);
    pr_pool_free(pool);
    pr_pool_free(NULL);
    ck_assert_int_ge(pr_pool_default_threads(), 1);
    ck_assert_int_le(pr_pool_default_threads(), (int)sysconf(_SC_NPROCESSORS_CONF));
}
END_TEST

TEST_MAIN("pool", every_index_once_and_always_on_the_same_lane, pieces_hold_at_least_the_grain,
          nested_loops_finish, two_threads_may_meet_in_one_pool, sleeping_workers_wake,
          the_caller_sleeps_until_the_last_piece_is_done, limits)
