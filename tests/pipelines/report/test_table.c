/* Covers: table.c, rows.c, verdict.c */
#include "pipelines/report/report.h"
#include "pipelines/report/rows.h"
#include "tests/pipelines/report/made_up.h"
#include "tests/support/support.h"

#include <stdlib.h>

START_TEST(rows_with_their_share_of_before)
{
    json_t *report = made_up_report();
    char *table = report_table(report);
    ck_assert_ptr_nonnull(strstr(table, "before     trimmed        int8  of before"));
    ck_assert_ptr_nonnull(
        strstr(table, "abs_rel (test)                0.1000      0.1030      0.1050    105.0 %"));
    ck_assert_ptr_nonnull(strstr(
        table, "MACs                           0.600       0.450       0.300     50.0 %  G"));
    ck_assert_ptr_null(strstr(table, "energy"));
    ck_assert_ptr_null(strstr(table, "percentile"));
    free(table);
    json_decref(report);
}
END_TEST

START_TEST(estimates_say_so)
{
    json_t *report = made_up_report(), *stage;
    size_t i;
    json_array_foreach(json_object_get(report, "stages"), i, stage)(void) json_object_set_new(
        stage, "energy_mj", json_pack("{s:f, s:b}", "value", 12.0, "estimated", 1));
    char *table = report_table(report);
    ck_assert_ptr_nonnull(strstr(table, "mJ (estimate)"));
    ck_assert(report_has(report, "energy_mj.value"));
    ck_assert(!report_has(report, "latency_ms.p95"));
    free(table);
    json_decref(report);
}
END_TEST

START_TEST(verdict_in_words)
{
    json_t *report = made_up_report();
    char *verdict = report_verdict(report);
    /* 3.5 of 8 MB; 20 to 10 ms. */
    ck_assert_str_eq(verdict,
                     "43.8 % of the size (3.50 MB packed, FP32 safetensors before: 8.00 MB), 2.00 "
                     "times faster (by the medians 2.00 times), abs_rel +0.0050 [+0.0030, +0.0070] "
                     "on 24 test frames");
    free(verdict);
    (void)json_object_set_new(report, "goals",
                              json_pack("[{s:s, s:b}, {s:s, s:b}]", "name", "macs", "met", 1,
                                        "name", "max-drop", "met", 0));
    verdict = report_verdict(report);
    ck_assert_ptr_nonnull(strstr(verdict, ": meets 1 of 2 goals; not met: max-drop"));
    free(verdict);
    json_decref(report);
}
END_TEST

START_TEST(slower_is_said_loudly)
{
    json_t *report =
        json_pack("{s:[{s:{s:f,s:f}},{s:{s:f,s:f}}]}", "stages", "latency_ms", "minimum", 10.0,
                  "median", 10.0, "latency_ms", "minimum", 15.0, "median", 15.0);
    char *verdict = report_verdict(report);
    ck_assert_str_eq(verdict, "1.50 times SLOWER (by the medians 0.67 times)");
    free(verdict);
    json_decref(report);
}
END_TEST

TEST_MAIN("pipelines.report.table", rows_with_their_share_of_before, estimates_say_so,
          verdict_in_words, slower_is_said_loudly)
