/* Covers: page.c, page_comparison.c, page_curves.c, page_frames.c, page_origin.c */
#include "pipelines/report/report.h"
#include "tests/pipelines/report/made_up.h"
#include "tests/support/support.h"

#include <stdlib.h>

START_TEST(names_from_outside_are_escaped)
{
    json_t *report = made_up_report();
    (void)json_object_set_new(report, "architecture", json_string("net<script>"));
    (void)json_object_set_new(report, "command", json_string("prune <b>&\"x\" 'y'"));
    (void)json_object_set_new(report, "license", json_string("<i>free</i>"));
    (void)json_object_set_new(report, "pictures",
                              json_pack("[{s:s, s:s, s:f, s:s}]", "frame", "a<script>", "rank",
                                        "best", "value", 0.5, "image", "../secret.png"));
    char *page = report_page(NULL, NULL, report);
    ck_assert_ptr_nonnull(strstr(page, "prune &lt;b&gt;&amp;&quot;x&quot; &#39;y&#39;"));
    ck_assert_ptr_null(strstr(page, "<script"));
    ck_assert_ptr_null(strstr(page, "<i>free"));
    ck_assert_ptr_null(strstr(page, "secret"));
    free(page);
    json_decref(report);
}
END_TEST

START_TEST(needs_nothing_from_the_network)
{
    json_t *report = made_up_report();
    char *page = report_page(NULL, NULL, report);
    ck_assert_ptr_null(strstr(page, "http"));
    ck_assert_ptr_null(strstr(page, "url("));
    ck_assert_ptr_null(strstr(page, "@import"));
    free(page);
    json_decref(report);
}
END_TEST

START_TEST(numbers_and_intervals_are_there)
{
    json_t *report = made_up_report();
    char *page = report_page(NULL, NULL, report);
    ck_assert_ptr_nonnull(
        strstr(page, "<span class=\"bad\">+0.0050</span><small>[+0.0030, +0.0070]</small>"));
    ck_assert_ptr_nonnull(strstr(page, "<span class=\"good\">50.0 %</span>"));
    ck_assert_ptr_nonnull(strstr(page, "MACs per frame, G"));
    ck_assert_ptr_nonnull(strstr(page, "licence of the weights"));
    ck_assert_ptr_null(strstr(page, "nan"));
    free(page);
    json_decref(report);
}
END_TEST

START_TEST(missing_parts_are_left_out)
{
    json_t *report = json_pack("{s:[{s:s, s:i},{s:s}]}", "stages", "name", "before", "parameters",
                               2000000, "name", "after");
    char *page = report_page(NULL, NULL, report);
    ck_assert_ptr_nonnull(strstr(page, "<td>2.000<td>&ndash;"));
    ck_assert_ptr_null(strstr(page, "<svg"));
    ck_assert_ptr_null(strstr(page, "nan"));
    ck_assert_ptr_nonnull(strstr(page, "No labelled pairs were given"));
    free(page);
    json_decref(report);
}
END_TEST

TEST_MAIN("pipelines.report.page", names_from_outside_are_escaped, needs_nothing_from_the_network,
          numbers_and_intervals_are_there, missing_parts_are_left_out)
