#include "libprune/base/context.h"

#include "libprune/base/pool.h"
#include "libprune/base/size.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 64, LOG_LINE = 1024, HUGE_PAGE = 2 << 20 };

/* Large blocks ask for huge pages, for the part that fills them: models and arenas are touched page
 * by page right away, and a page fault costs as much as reading the page from a file's cache. */
static void *default_allocate(void *user, size_t bytes, size_t alignment)
{
    (void)user;
    if (bytes > SIZE_MAX - HUGE_PAGE) return NULL;
    const bool large = bytes >= 2 * (size_t)HUGE_PAGE;
    const size_t unit = large ? HUGE_PAGE : alignment;
    void *memory = aligned_alloc(unit, (bytes + unit - 1) / unit * unit);
#ifdef MADV_HUGEPAGE
    /* A kernel without them says no, and nothing is lost. */
    if (large && memory) (void)madvise(memory, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
    return memory;
}

static void default_release(void *user, void *memory)
{
    (void)user;
    free(memory);
}

void prune_context_options_init(prune_context_options *options)
{
    memset(options, 0, sizeof *options);
    options->struct_size = sizeof *options;
}

/* Defaults, then what the caller's version of the struct holds. */
static prune_status complete(prune_context_options *full, const prune_context_options *given)
{
    prune_context_options_init(full);
    if (given) {
        size_t size = given->struct_size;
        if (size < offsetof(prune_context_options, isa))
            return pr_fail(PRUNE_E_ARGUMENT,
                           "context options: struct_size is %zu; call "
                           "prune_context_options_init() first",
                           size);
        memcpy(full, given, size < sizeof *full ? size : sizeof *full);
        full->struct_size = sizeof *full;
    }
    if (!full->allocate != !full->release)
        return pr_fail(PRUNE_E_ARGUMENT,
                       "context options: allocate and release must be given together");
    if (!full->allocate) {
        full->allocate = default_allocate;
        full->release = default_release;
    }
    if (full->threads < 0)
        return pr_fail(PRUNE_E_ARGUMENT, "threads: %d is negative; 0 means all", full->threads);
    return PRUNE_OK;
}

static prune_status choose_isa(pr_isa *isa, const char *wanted)
{
    const char *name = wanted ? wanted : getenv("PRUNE_ISA");
    if (!name || !*name) {
        *isa = pr_cpu_best();
        return PRUNE_OK;
    }
    prune_status status = pr_isa_parse(isa, name);
    return status == PRUNE_OK || wanted ? status : pr_fail_within(status, "$PRUNE_ISA");
}

static void init_callbacks(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;
    (void)pthread_mutexattr_init(&attributes);
    (void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_init(mutex, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
}

prune_status prune_context_create(prune_context **out, const prune_context_options *options)
{
    prune_context_options full;
    pr_isa isa;
    PR_TRY(complete(&full, options));
    PR_TRY(choose_isa(&isa, full.isa));
    prune_context *ctx = full.allocate(full.user, sizeof *ctx, ALIGNMENT);
    if (!ctx) return pr_fail_memory(sizeof *ctx);
    memset(ctx, 0, sizeof *ctx);
    full.isa = NULL; /* the caller's text need not outlive this call */
    ctx->options = full;
    ctx->isa = isa;
    ctx->threads = full.threads ? full.threads : pr_pool_default_threads();
    pr_pool_memory memory = {full.user, full.allocate, full.release};
    prune_status status = pr_pool_create(&ctx->pool, &memory, ctx->threads);
    if (status != PRUNE_OK) {
        full.release(full.user, ctx);
        return status;
    }
    init_callbacks(&ctx->callbacks);
    *out = ctx;
    return PRUNE_OK;
}

void prune_context_free(prune_context *context)
{
    if (!context) return;
    pr_pool_free(context->pool);
    (void)pthread_mutex_destroy(&context->callbacks);
    prune_context_options options = context->options;
    options.release(options.user, context);
}

int32_t prune_context_threads(const prune_context *context)
{
    return context->threads;
}

const char *prune_context_isa(const prune_context *context)
{
    return pr_isa_name(context->isa);
}

void *pr_alloc(prune_context *ctx, size_t bytes)
{
    void *memory = ctx->options.allocate(ctx->options.user, bytes ? bytes : 1, ALIGNMENT);
    if (!memory) (void)pr_fail_memory(bytes);
    return memory;
}

void *pr_calloc(prune_context *ctx, size_t count, size_t size)
{
    void *memory = NULL;
    if (pr_new(ctx, &memory, count, size) != PRUNE_OK) return NULL;
    memset(memory, 0, count * size);
    return memory;
}

void pr_free(prune_context *ctx, void *memory)
{
    if (memory) ctx->options.release(ctx->options.user, memory);
}

char *pr_strdup(prune_context *ctx, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = pr_alloc(ctx, bytes);
    if (copy) memcpy(copy, text, bytes);
    return copy;
}

prune_status pr_new(prune_context *ctx, void **out, size_t count, size_t size)
{
    uint64_t bytes;
    if (!pr_mul_u64(&bytes, count, size) || bytes > PTRDIFF_MAX) return pr_fail_memory(SIZE_MAX);
    void *memory = pr_alloc(ctx, (size_t)bytes);
    if (!memory) return PRUNE_E_MEMORY;
    *out = memory;
    return PRUNE_OK;
}

prune_status pr_grow(prune_context *ctx, void **array, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity) return PRUNE_OK;
    size_t larger = *capacity < 8 ? 8 : *capacity;
    while (larger < needed) larger = larger > SIZE_MAX / 2 ? needed : larger * 2;
    void *memory;
    PR_TRY(pr_new(ctx, &memory, larger, size));
    if (*capacity) memcpy(memory, *array, *capacity * size);
    pr_free(ctx, *array);
    *array = memory;
    *capacity = larger;
    return PRUNE_OK;
}

void pr_log(prune_context *ctx, prune_log_level level, const char *format, ...)
{
    if (!ctx->options.log) return;
    char line[LOG_LINE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    (void)pthread_mutex_lock(&ctx->callbacks);
    ctx->options.log(ctx->options.user, level, line);
    (void)pthread_mutex_unlock(&ctx->callbacks);
}

void pr_progress(prune_context *ctx, const char *stage, uint64_t done, uint64_t total)
{
    if (!ctx->options.progress) return;
    (void)pthread_mutex_lock(&ctx->callbacks);
    ctx->options.progress(ctx->options.user, stage, done, total);
    (void)pthread_mutex_unlock(&ctx->callbacks);
}

bool pr_cancelled(prune_context *ctx)
{
    return ctx->options.cancel && ctx->options.cancel(ctx->options.user);
}

prune_status pr_check_cancel(prune_context *ctx)
{
    if (!pr_cancelled(ctx)) return PRUNE_OK;
    return pr_fail(PRUNE_E_CANCELLED, "stopped on request");
}

void pr_parallel(prune_context *ctx, int64_t n, int64_t grain,
                 void (*body)(void *arg, int64_t begin, int64_t end, int lane), void *arg)
{
    pr_pool_run(ctx->pool, n, grain, body, arg);
}
