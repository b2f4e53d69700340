#include "pipelines/report/report.h"
#include "tests/support/support.h"

#include <stdlib.h>

START_TEST(names_from_outside_are_escaped)
{
    json_t *report = json_pack("{s:s, s:s, s:[{s:s, s:i}], s:[{s:s, s:s, s:f, s:s}]}",
                               "architecture", "net", "command", "prune <b>&\"x\"", "stages",
                               "name", "before", "parameters", 2000000, "pictures", "frame",
                               "a<script>", "rank", "best", "value", 0.5, "image", "p/a\"b.png");
    char *page = report_html(report);
    ck_assert_ptr_nonnull(strstr(page, "prune &lt;b>&amp;&quot;x&quot;"));
    ck_assert_ptr_null(strstr(page, "<script"));
    ck_assert_ptr_nonnull(strstr(page, "p/a&quot;b.png"));
    ck_assert_ptr_nonnull(strstr(page, "2.000"));
    free(page);
    json_decref(report);
}
END_TEST

TEST_MAIN("pipelines.report.html", names_from_outside_are_escaped)
