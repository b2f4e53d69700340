/* What every room asks of the context: memory, log, progress, cancellation, parallel loops. */
#ifndef PR_BASE_CONTEXT_H
#define PR_BASE_CONTEXT_H

#include "libprune/base/cpu.h"
#include "libprune/base/error.h"

#include <prune/context.h>
#include <pthread.h>

struct pr_pool;

struct prune_context {
    prune_context_options options; /* as given, with defaults filled in */
    int32_t threads;
    pr_isa isa;
    struct pr_pool *pool;
    pthread_mutex_t callbacks; /* recursive: log and progress come one at a time */
};

/* Memory aligned to 64 bytes, or NULL with a message set. pr_free accepts NULL. */
void *pr_alloc(prune_context *ctx, size_t bytes);
void *pr_calloc(prune_context *ctx, size_t count, size_t size);
void pr_free(prune_context *ctx, void *memory);
char *pr_strdup(prune_context *ctx, const char *text);

/* pr_alloc with a checked product, as a status. */
prune_status pr_new(prune_context *ctx, void **out, size_t count, size_t size);

/* Grows *array (elements of `size` bytes, *capacity of them) to hold at least `needed`. */
prune_status pr_grow(prune_context *ctx, void **array, size_t *capacity, size_t needed,
                     size_t size);

void pr_log(prune_context *ctx, prune_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void pr_progress(prune_context *ctx, const char *stage, uint64_t done, uint64_t total);
bool pr_cancelled(prune_context *ctx);
/* PRUNE_E_CANCELLED with a message when cancellation is asked for. */
prune_status pr_check_cancel(prune_context *ctx);

/* Runs body over [0, n) in pieces of at least `grain`; returns when all are done. The split into
 * pieces depends only on n, grain and the context's thread count, never on timing; `lane` in
 * [0, threads) identifies the piece, for per-lane scratch. Nested calls run the same pieces one
 * after the other on the calling thread. */
void pr_parallel(prune_context *ctx, int64_t n, int64_t grain,
                 void (*body)(void *arg, int64_t begin, int64_t end, int lane), void *arg);

#endif
