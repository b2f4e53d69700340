#include "pipelines/report/report.h"
#include "tests/support/support.h"

#include <stdlib.h>

START_TEST(grows_as_needed)
{
    text t = {0};
    for (int i = 0; i < 1000; i++) text_add(&t, "%d,", i);
    ck_assert_uint_eq(t.length, 10 * 2 + 90 * 3 + 900 * 4);
    ck_assert_int_eq(strncmp(t.data, "0,1,2,", 6), 0);
    free(text_take(&t));
}
END_TEST

TEST_MAIN("pipelines.report.text", grows_as_needed)
