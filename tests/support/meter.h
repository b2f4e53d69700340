/* An allocator that counts: what is held, the most that was, and how often it was asked. */
#ifndef TESTS_SUPPORT_METER_H
#define TESTS_SUPPORT_METER_H

#include <prune/context.h>
#include <stdlib.h>
#include <string.h>

typedef struct meter {
    uint64_t held, peak; /* bytes */
    uint64_t calls;
    int64_t open; /* allocations that were not released */
} meter;

/* In front of every allocation, so that its size is known when it is released. */
enum { METER_HEAD = 64 };

static inline void *meter_allocate(void *user, size_t size, size_t alignment)
{
    meter *m = user;
    (void)alignment; /* never more than METER_HEAD */
    if (size > SIZE_MAX / 2) return NULL;
    size_t whole = METER_HEAD + (size + METER_HEAD - 1) / METER_HEAD * METER_HEAD;
    uint8_t *start = aligned_alloc(METER_HEAD, whole);
    if (!start) return NULL;
    memcpy(start, &size, sizeof size);
    m->held += size;
    if (m->held > m->peak) m->peak = m->held;
    m->calls++;
    m->open++;
    return start + METER_HEAD;
}

static inline void meter_release(void *user, void *memory)
{
    meter *m = user;
    if (!memory) return;
    size_t size;
    uint8_t *start = (uint8_t *)memory - METER_HEAD;
    memcpy(&size, start, sizeof size);
    m->held -= size;
    m->open--;
    free(start);
}

/* A context of one thread, every byte of it counted. */
static inline prune_status meter_context(prune_context **out, meter *m)
{
    prune_context_options options;
    prune_context_options_init(&options);
    options.threads = 1;
    options.user = m;
    options.allocate = meter_allocate;
    options.release = meter_release;
    *m = (meter){0};
    return prune_context_create(out, &options);
}

#endif
