#include "tests/support/support.h"

#include <prune/status.h>
#include <stdio.h>

START_TEST(status_names)
{
    ck_assert_str_eq(prune_status_name(PRUNE_OK), "ok");
    ck_assert_str_eq(prune_status_name(PRUNE_E_CANCELLED), "cancelled");
    ck_assert_str_eq(prune_status_name((prune_status)99), "unknown");
    for (int a = 0; a <= PRUNE_E_INTERNAL; a++)
        for (int b = 0; b < a; b++)
            ck_assert_str_ne(prune_status_name((prune_status)a),
                             prune_status_name((prune_status)b));
}
END_TEST

START_TEST(version_has_three_numbers)
{
    int major, minor, patch;
    char rest;
    ck_assert_int_eq(sscanf(prune_version(), "%d.%d.%d%c", &major, &minor, &patch, &rest), 3);
}
END_TEST

TEST_MAIN("version", status_names, version_has_three_numbers)
