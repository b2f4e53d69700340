#include "pipelines/report/text.h"
#include "tests/support/support.h"

#include <math.h>
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

START_TEST(escapes_what_html_would_read)
{
    text t = {0};
    text_escaped(&t, "<a href='x' b=\"y\">&\x01z");
    ck_assert_str_eq(t.data, "&lt;a href=&#39;x&#39; b=&quot;y&quot;&gt;&amp; z");
    free(text_take(&t));
}
END_TEST

START_TEST(paths_find_numbers_and_words)
{
    json_t *j = json_pack("{s:{s:[i,f]}, s:s, s:n}", "a", "b", 3, 2.5, "c", "word", "d");
    ck_assert_double_eq(report_number(j, "a.b.1"), 2.5);
    ck_assert(isnan(report_number(j, "a.b.2")));
    ck_assert(isnan(report_number(j, "d")));
    ck_assert(isnan(report_number(j, "c")));
    ck_assert(isnan(report_number(NULL, "c")));
    ck_assert_str_eq(report_word(j, "c"), "word");
    ck_assert_str_eq(report_word(j, "a.b"), "");
    ck_assert_ptr_null(report_at(j, "a.b.0.c"));
    json_decref(j);
}
END_TEST

START_TEST(first_and_last_stage)
{
    json_t *j = json_pack("{s:[{s:s},{s:s}]}", "stages", "name", "before", "name", "int8");
    ck_assert_str_eq(report_word(report_first(j), "name"), "before");
    ck_assert_str_eq(report_word(report_last(j), "name"), "int8");
    json_array_clear(json_object_get(j, "stages"));
    ck_assert_ptr_null(report_first(j));
    ck_assert_ptr_null(report_last(j));
    json_decref(j);
}
END_TEST

TEST_MAIN("pipelines.report.text", grows_as_needed, escapes_what_html_would_read,
          paths_find_numbers_and_words, first_and_last_stage)
