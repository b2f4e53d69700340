/* Checked arithmetic on sizes that come from files or users. */
#ifndef PR_BASE_SIZE_H
#define PR_BASE_SIZE_H

#include <stdbool.h>
#include <stdint.h>

static inline bool pr_mul_u64(uint64_t *out, uint64_t a, uint64_t b)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline bool pr_add_u64(uint64_t *out, uint64_t a, uint64_t b)
{
    return !__builtin_add_overflow(a, b, out);
}

#endif
