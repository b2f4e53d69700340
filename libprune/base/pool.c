#define _GNU_SOURCE
#include "libprune/base/pool.h"

#include "libprune/base/error.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_THREADS = 1024, SPIN_NANOSECONDS = 50000, CHECKS_PER_CLOCK = 64, LANE_BITS = 16 };

typedef struct job {
    int64_t n;
    int32_t pieces;
    void (*body)(void *arg, int64_t begin, int64_t end, int lane);
    void *arg;
} job;

typedef struct worker {
    struct pr_pool *pool;
    pthread_t thread;
    int32_t lane;
} worker;

struct pr_pool {
    pr_pool_memory memory;
    int32_t threads;
    int32_t started; /* workers that run */
    int64_t spin;    /* nanoseconds to look for a change before sleeping */
    job job;
    /* Number of the job in the high bits, its pieces in the low ones. A worker that has no piece
     * never reads `job`: nobody waits for it, so the next job may already be in there. */
    _Atomic uint64_t ticket;
    _Atomic int32_t pending;  /* pieces of workers that are not done */
    _Atomic int32_t sleepers; /* workers in wait_job's condition */
    _Atomic bool owner_sleeps;
    _Atomic bool busy;
    _Atomic bool stop;
    pthread_mutex_t mutex;
    pthread_cond_t has_job, is_done;
    worker workers[];
};

/* True inside a body: a nested loop must not wait for workers that wait for it. */
static _Thread_local bool inside;

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static int64_t now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void run_piece(const job *j, int32_t lane)
{
    int64_t begin = (int64_t)((__int128)j->n * lane / j->pieces);
    int64_t end = (int64_t)((__int128)j->n * (lane + 1) / j->pieces);
    bool outer = inside;
    inside = true;
    j->body(j->arg, begin, end, lane);
    inside = outer;
}

/* Layers follow each other within microseconds: spin that long, then give the processor back. */
static bool spin_until_changed(const struct pr_pool *pool, uint64_t old)
{
    const _Atomic uint64_t *word = &pool->ticket;
    int64_t limit = now() + pool->spin;
    do {
        for (int i = 0; i < CHECKS_PER_CLOCK; i++) {
            if (atomic_load_explicit(word, memory_order_acquire) != old) return true;
            relax();
        }
    } while (now() < limit);
    return false;
}

static uint64_t wait_job(struct pr_pool *pool, uint64_t seen)
{
    if (!spin_until_changed(pool, seen)) {
        (void)pthread_mutex_lock(&pool->mutex);
        atomic_fetch_add(&pool->sleepers, 1);
        while (atomic_load(&pool->ticket) == seen)
            (void)pthread_cond_wait(&pool->has_job, &pool->mutex);
        atomic_fetch_sub(&pool->sleepers, 1);
        (void)pthread_mutex_unlock(&pool->mutex);
    }
    return atomic_load(&pool->ticket);
}

static void finish_piece(struct pr_pool *pool)
{
    if (atomic_fetch_sub(&pool->pending, 1) != 1) return;
    if (!atomic_load(&pool->owner_sleeps)) return;
    (void)pthread_mutex_lock(&pool->mutex);
    (void)pthread_cond_signal(&pool->is_done);
    (void)pthread_mutex_unlock(&pool->mutex);
}

static void *work(void *argument)
{
    worker *self = argument;
    struct pr_pool *pool = self->pool;
    uint64_t seen = 0;
    for (;;) {
        seen = wait_job(pool, seen);
        if (atomic_load(&pool->stop)) return NULL;
        int32_t pieces = (int32_t)(seen & ((1u << LANE_BITS) - 1));
        if (self->lane >= pieces) continue;
        run_piece(&pool->job, self->lane);
        finish_piece(pool);
    }
}

/* Publishes a ticket; sequentially consistent with sleepers, so that a worker either sees the
 * ticket before it sleeps or is counted here. */
static void announce(struct pr_pool *pool, int32_t pieces)
{
    uint64_t next = (atomic_load(&pool->ticket) >> LANE_BITS) + 1;
    atomic_store(&pool->ticket, next << LANE_BITS | (uint64_t)pieces);
    if (atomic_load(&pool->sleepers) == 0) return;
    (void)pthread_mutex_lock(&pool->mutex);
    (void)pthread_cond_broadcast(&pool->has_job);
    (void)pthread_mutex_unlock(&pool->mutex);
}

static void wait_done(struct pr_pool *pool)
{
    int64_t limit = now() + pool->spin;
    do {
        for (int i = 0; i < CHECKS_PER_CLOCK; i++) {
            if (atomic_load_explicit(&pool->pending, memory_order_acquire) == 0) return;
            relax();
        }
    } while (now() < limit);
    (void)pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->owner_sleeps, true);
    while (atomic_load(&pool->pending) != 0) (void)pthread_cond_wait(&pool->is_done, &pool->mutex);
    atomic_store(&pool->owner_sleeps, false);
    (void)pthread_mutex_unlock(&pool->mutex);
}

void pr_pool_run(struct pr_pool *pool, int64_t n, int64_t grain,
                 void (*body)(void *arg, int64_t begin, int64_t end, int lane), void *arg)
{
    if (n <= 0) return;
    int64_t most = n / (grain > 0 ? grain : 1);
    int32_t pieces = most < 1 ? 1 : most < pool->threads ? (int32_t)most : pool->threads;
    job j = {n, pieces, body, arg};
    /* Nested, or the pool is at work for another thread: the same pieces, one after the other. */
    bool alone = pieces == 1 || inside || atomic_exchange(&pool->busy, true);
    if (alone) {
        for (int32_t lane = 0; lane < pieces; lane++) run_piece(&j, lane);
        return;
    }
    pool->job = j;
    atomic_store(&pool->pending, pieces - 1);
    announce(pool, pieces);
    run_piece(&j, 0);
    wait_done(pool);
    atomic_store(&pool->busy, false);
}

prune_status pr_pool_create(struct pr_pool **out, const pr_pool_memory *memory, int32_t threads)
{
    if (threads < 1 || threads > MAX_THREADS)
        return pr_fail(PRUNE_E_ARGUMENT, "threads: %d is outside 1 to %d", threads, MAX_THREADS);
    size_t bytes = sizeof(struct pr_pool) + (size_t)threads * sizeof(worker);
    struct pr_pool *pool = memory->allocate(memory->user, bytes, 64);
    if (!pool) return pr_fail_memory(bytes);
    memset(pool, 0, bytes);
    pool->memory = *memory;
    pool->threads = threads;
    /* With more threads than processors, spinning would keep the others from their work. */
    pool->spin = threads <= pr_pool_default_threads() ? SPIN_NANOSECONDS : 0;
    (void)pthread_mutex_init(&pool->mutex, NULL);
    (void)pthread_cond_init(&pool->has_job, NULL);
    (void)pthread_cond_init(&pool->is_done, NULL);
    for (int32_t i = 0; i + 1 < threads; i++) {
        worker *w = &pool->workers[i];
        w->pool = pool;
        w->lane = i + 1;
        int failed = pthread_create(&w->thread, NULL, work, w);
        if (failed) {
            pr_pool_free(pool);
            return pr_fail(PRUNE_E_MEMORY, "threads: the system refused thread %d of %d (%s)",
                           i + 2, threads, strerror(failed));
        }
        pool->started++;
    }
    *out = pool;
    return PRUNE_OK;
}

void pr_pool_free(struct pr_pool *pool)
{
    if (!pool) return;
    atomic_store(&pool->stop, true);
    announce(pool, 0);
    for (int32_t i = 0; i < pool->started; i++) (void)pthread_join(pool->workers[i].thread, NULL);
    (void)pthread_mutex_destroy(&pool->mutex);
    (void)pthread_cond_destroy(&pool->has_job);
    (void)pthread_cond_destroy(&pool->is_done);
    pr_pool_memory memory = pool->memory;
    memory.release(memory.user, pool);
}

static bool read_numbers(const char *path, double *first, double *second)
{
    FILE *file = fopen(path, "re");
    if (!file) return false;
    int found = fscanf(file, "%lf", first); /* "max" when there is no limit: not a number */
    if (found == 1 && second) found += fscanf(file, "%lf", second);
    (void)fclose(file);
    return found == (second ? 2 : 1);
}

/* Processors worth of time that the cgroup grants, or 0 for no limit. In a container its own
 * group is mounted at the root, which is the case that matters. */
static double cgroup_quota(void)
{
    double quota, period;
    if (read_numbers("/sys/fs/cgroup/cpu.max", &quota, &period) && quota > 0 && period > 0)
        return quota / period;
    if (read_numbers("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", &quota, NULL) && quota > 0 &&
        read_numbers("/sys/fs/cgroup/cpu/cpu.cfs_period_us", &period, NULL) && period > 0)
        return quota / period;
    return 0;
}

int32_t pr_pool_default_threads(void)
{
    int32_t count = 0;
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0) count = CPU_COUNT(&set);
    if (count < 1) count = (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
    if (count < 1) count = 1;
    double quota = cgroup_quota();
    if (quota > 0 && quota < count) {
        count = (int32_t)quota;
        if (quota > count) count++;
    }
    return count < MAX_THREADS ? count : MAX_THREADS;
}
