/* Makes the n-th call to malloc, calloc, realloc or aligned_alloc of the whole process fail: the
 * library's own through the context, and those of jansson, zstd, libjpeg, libpng and the C library.
 * The program's definitions take the place of the C library's in every shared library. Under
 * sanitizers, which do the same, only the context's allocator fails. Include it in one file. */
#ifndef TESTS_RELIABILITY_HEAP_H
#define TESTS_RELIABILITY_HEAP_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

static struct heap {
    bool armed;
    int64_t left;  /* calls until the failure */
    bool for_good; /* every later call fails too */
    int64_t calls; /* since it was armed */
    int64_t open;  /* allocations that were not released */
} heap;

static bool heap_fails(void)
{
    if (!heap.armed) return false;
    heap.calls++;
    if (heap.left < 0 ? !heap.for_good : heap.left-- != 0) return false;
    errno = ENOMEM;
    return true;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { HEAP_WHOLE_PROCESS = 0 };
#else
enum { HEAP_WHOLE_PROCESS = 1 };

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static void *heap_count(void *memory)
{
    if (memory) heap.open++;
    return memory;
}

void *malloc(size_t size)
{
    return heap_fails() ? NULL : heap_count(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return heap_fails() ? NULL : heap_count(__libc_calloc(count, size));
}

void *realloc(void *memory, size_t size)
{
    if (!memory) return malloc(size);
    return heap_fails() ? NULL : __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return heap_fails() ? NULL : heap_count(__libc_memalign(alignment, size));
}

void free(void *memory)
{
    if (memory) heap.open--;
    __libc_free(memory);
}
#endif

static inline void *heap_allocate(void *user, size_t size, size_t alignment)
{
    (void)user;
    if (!HEAP_WHOLE_PROCESS && heap_fails()) return NULL;
    void *memory = aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (!HEAP_WHOLE_PROCESS && memory) heap.open++;
    return memory;
}

static inline void heap_release(void *user, void *memory)
{
    (void)user;
    if (!HEAP_WHOLE_PROCESS && memory) heap.open--;
    free(memory);
}

#endif
