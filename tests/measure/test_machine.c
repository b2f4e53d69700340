#include "tests/support/support.h"

#include <prune/measure.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

START_TEST(processor_count_and_memory)
{
    char text[256], small[8], wanted[64];
    prune_machine_describe(text, sizeof text);
    (void)snprintf(wanted, sizeof wanted, ", %ld processor", sysconf(_SC_NPROCESSORS_ONLN));
    const char *count = strstr(text, wanted), *memory = count ? strrchr(text, ',') : NULL;
    ck_assert_msg(count && count > text, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "GB of memory"));
    ck_assert_double_gt(strtod(memory + 1, NULL), 0.01);
    for (const char *c = text; *c; c++) ck_assert(*c >= 32 && *c < 127);
    prune_machine_describe(small, sizeof small);
    ck_assert_uint_eq(strlen(small), 7);
    ck_assert_int_eq(strncmp(small, text, 7), 0);
}
END_TEST

TEST_MAIN("measure.machine", processor_count_and_memory)
