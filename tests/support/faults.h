/* A context whose allocator fails at a chosen call, for walking every out-of-memory path:
 *
 *     for (int64_t n = 0; !done; n++) {
 *         prune_context *ctx = fault_context(&fault, n);
 *         done = work(ctx) == PRUNE_OK;      -- else it must be PRUNE_E_MEMORY
 *         fault_end(ctx, &fault);            -- nothing may be left allocated
 *     }
 */
#ifndef TESTS_SUPPORT_FAULTS_H
#define TESTS_SUPPORT_FAULTS_H

#include "tests/support/support.h"

#include <stdlib.h>

typedef struct fault {
    int64_t left;  /* calls until the failure, negative: armed later or never */
    int64_t alive; /* allocations that were not released yet */
    bool armed;
} fault;

static inline void *fault_allocate(void *user, size_t bytes, size_t alignment)
{
    fault *f = user;
    if (f->armed && f->left-- == 0) return NULL;
    f->alive++;
    return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

static inline void fault_release(void *user, void *memory)
{
    fault *f = user;
    if (memory) f->alive--;
    free(memory);
}

/* One thread; call number `n` after this returns fails. */
static inline prune_context *fault_context(fault *f, int64_t n)
{
    prune_context_options options;
    prune_context_options_init(&options);
    options.threads = 1;
    options.user = f;
    options.allocate = fault_allocate;
    options.release = fault_release;
    *f = (fault){.left = n};
    prune_context *ctx = NULL;
    ck_ok(prune_context_create(&ctx, &options));
    f->armed = true;
    return ctx;
}

static inline void fault_end(prune_context *ctx, fault *f)
{
    f->armed = false;
    prune_context_free(ctx);
    ck_assert_msg(f->alive == 0, "%lld allocation(s) leaked", (long long)f->alive);
}

/* Walks `work` through every failing call; it must report PRUNE_E_MEMORY each time. `best_effort`:
 * it may also succeed without what the failing call was for (syncing a folder, say). */
static inline void fault_walk(prune_status (*work)(prune_context *ctx), bool best_effort)
{
    for (int64_t n = 0;; n++) {
        fault f;
        prune_context *ctx = fault_context(&f, n);
        prune_status status = work(ctx);
        bool reached = f.left < 0;
        fault_end(ctx, &f);
        if (!reached) {
            ck_assert_msg(status == PRUNE_OK, "without a failure: %s", prune_last_error());
            ck_assert_msg(n > 0, "nothing was allocated");
            return;
        }
        if (best_effort && status == PRUNE_OK) continue;
        ck_assert_msg(status == PRUNE_E_MEMORY, "call %lld failed, but the status is %s (%s)",
                      (long long)n, prune_status_name(status), prune_last_error());
        ck_assert_msg(prune_last_error()[0] != '\0', "no message");
    }
}

#endif
