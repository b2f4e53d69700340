/* The thread pool behind pr_parallel: fixed workers, one job at a time, a static split. */
#ifndef PR_BASE_POOL_H
#define PR_BASE_POOL_H

#include <prune/status.h>
#include <stddef.h>
#include <stdint.h>

struct pr_pool;

/* Memory for the pool; the context hands in its own allocator. */
typedef struct pr_pool_memory {
    void *user;
    void *(*allocate)(void *user, size_t bytes, size_t alignment);
    void (*release)(void *user, void *memory);
} pr_pool_memory;

/* Starts threads - 1 workers; the calling thread is the last one. */
prune_status pr_pool_create(struct pr_pool **out, const pr_pool_memory *memory, int32_t threads);
/* Stops and joins the workers. Accepts NULL. */
void pr_pool_free(struct pr_pool *pool);
/* As pr_parallel of context.h. */
void pr_pool_run(struct pr_pool *pool, int64_t n, int64_t grain,
                 void (*body)(void *arg, int64_t begin, int64_t end, int lane), void *arg);
/* Processors this process may use: affinity mask and cgroup CPU quota, at least 1. */
int32_t pr_pool_default_threads(void);

#endif
