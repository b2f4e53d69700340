/* Offered to eval and pipelines, with weaker promises than the rest: the context's allocator. */
#ifndef PRUNE_SYS_MEMORY_H
#define PRUNE_SYS_MEMORY_H

#include <prune/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* count * size bytes aligned to 64, or NULL with a message set (PRUNE_E_MEMORY). */
void *prune_memory_new(prune_context *context, size_t count, size_t size);
/* The same, zeroed. */
void *prune_memory_zero(prune_context *context, size_t count, size_t size);
/* Accepts NULL. */
void prune_memory_free(prune_context *context, void *memory);

#ifdef __cplusplus
}
#endif
#endif
