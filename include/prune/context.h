/* The context: thread pool, allocator, log, progress, cancellation, instruction set. */
#ifndef PRUNE_CONTEXT_H
#define PRUNE_CONTEXT_H

#include <prune/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct prune_context prune_context;

typedef enum prune_log_level {
    PRUNE_LOG_DEBUG = 0,
    PRUNE_LOG_INFO = 1,
    PRUNE_LOG_WARNING = 2
} prune_log_level;

typedef struct prune_context_options {
    uint32_t struct_size;
    int32_t threads; /* 0: as many as the process may run on */
    /* "portable", "avx2", "avxvnni", "avx512", "avx512vnni", "amx"; NULL: $PRUNE_ISA, else the
     * best that CPU and operating system allow */
    const char *isa;
    void *user; /* handed to every callback below */
    /* Called with whole lines without a newline. NULL: nothing is logged. */
    void (*log)(void *user, prune_log_level level, const char *line);
    /* Work `done` of `total` in `stage` ("tune", "calibrate"). May come from any thread, one at a
     * time. NULL: no progress. */
    void (*progress)(void *user, const char *stage, uint64_t done, uint64_t total);
    /* Asked often by long work; true stops it with PRUNE_E_CANCELLED or, where documented, with
     * the best result so far. NULL: never. */
    bool (*cancel)(void *user);
    /* Both or none. allocate must return memory aligned to `alignment` or NULL. The pool's threads
     * call them too, several at once, as they would malloc and free. */
    void *(*allocate)(void *user, size_t bytes, size_t alignment);
    void (*release)(void *user, void *memory);
} prune_context_options;

/* Fills the defaults. */
void prune_context_options_init(prune_context_options *options);

/* Creates a context; options NULL means defaults. Free with prune_context_free() after everything
 * created from it. A context is used by one thread at a time; its pool runs the work in parallel.
 */
prune_status prune_context_create(prune_context **out, const prune_context_options *options);
void prune_context_free(prune_context *context);

int32_t prune_context_threads(const prune_context *context);
/* Name of the instruction-set tier in use. */
const char *prune_context_isa(const prune_context *context);

#ifdef __cplusplus
}
#endif
#endif
