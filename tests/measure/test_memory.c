#include "tests/support/support.h"

#include <prune/measure.h>
#include <string.h>
#include <sys/mman.h>

enum { MEGABYTE = 1 << 20, BLOCK = 64 * MEGABYTE };

/* Touched, so that it is resident, and given back to the system at once: an allocator may keep what
 * is freed. */
static void use(size_t bytes)
{
    char *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(block != MAP_FAILED);
    memset(block, 1, bytes);
    ck_assert_int_eq(munmap(block, bytes), 0);
}

START_TEST(the_peak_remembers_what_was_freed)
{
    const uint64_t before = prune_peak_memory();
    ck_assert_uint_gt(before, MEGABYTE);
    use(BLOCK);
    const uint64_t high = prune_peak_memory();
    ck_assert_uint_ge(high, (uint64_t)BLOCK);
    if (prune_peak_memory_reset() == PRUNE_OK) {
        const uint64_t low = prune_peak_memory();
        ck_assert_uint_le(low, high - BLOCK / 2);
        use(BLOCK / 2);
        ck_assert_uint_ge(prune_peak_memory(), low + BLOCK / 4);
    } else {
        ck_assert_ptr_nonnull(strstr(prune_last_error(), "clear_refs"));
    }
}
END_TEST

TEST_MAIN("measure.memory", the_peak_remembers_what_was_freed)
