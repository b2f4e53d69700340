#include "tests/support/support.h"

#include <prune/measure.h>
#include <stdlib.h>

enum { MEGABYTE = 1 << 20, BLOCK = 64 * MEGABYTE };

/* Touched, so that it is resident. */
static void use(size_t bytes)
{
    volatile char *block = malloc(bytes);
    ck_assert_ptr_nonnull((const void *)block);
    for (size_t i = 0; i < bytes; i += 4096) block[i] = 1;
    free((void *)(uintptr_t)block);
}

START_TEST(the_peak_remembers_what_was_freed)
{
    const uint64_t before = prune_peak_memory();
    ck_assert_uint_gt(before, MEGABYTE);
    use(BLOCK);
    ck_assert_uint_ge(prune_peak_memory(), (uint64_t)BLOCK);
    if (prune_peak_memory_reset() == PRUNE_OK) {
        ck_assert_uint_lt(prune_peak_memory(), (uint64_t)BLOCK);
        use(BLOCK / 2);
        ck_assert_uint_ge(prune_peak_memory(), (uint64_t)BLOCK / 2);
    } else {
        ck_assert_ptr_nonnull(strstr(prune_last_error(), "clear_refs"));
    }
}
END_TEST

TEST_MAIN("measure.memory", the_peak_remembers_what_was_freed)
