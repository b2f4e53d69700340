#include "pipelines/report/report.h"
#include "tests/pipelines/report/made_up.h"
#include "tests/support/support.h"

#include <stdlib.h>

START_TEST(one_line_per_stage)
{
    json_t *report = made_up_report();
    char *csv = report_csv(report);
    ck_assert_str_eq(
        csv,
        "stage,seconds,parameters,macs,int8_layers,file_bytes,packed_bytes,latency_min_ms,"
        "latency_median_ms,latency_p95_ms,energy_mj,session_bytes,judge_score,abs_rel,abs_rel_low,"
        "abs_rel_high\n"
        "before,12.5,2000000,600000000,0,8000000,7000000,20,21,,,4000000,0.1,0.1,0.09,0.11\n"
        "trimmed,12.5,1500000,450000000,5,6000000,5250000,15,15.75,,,3000000,0.103,0.103,0.093,"
        "0.113\n"
        "int8,12.5,1000000,300000000,5,4000000,3500000,10,10.5,,,2000000,0.105,0.105,0.095,0.115"
        "\n");
    free(csv);
    json_decref(report);
}
END_TEST

START_TEST(names_are_quoted_where_needed)
{
    json_t *report = json_pack("{s:[{s:s}]}", "stages", "name", "a,\"b\"");
    char *csv = report_csv(report);
    ck_assert_ptr_nonnull(strstr(csv, "\n\"a,\"\"b\"\"\",,"));
    free(csv);
    json_decref(report);
}
END_TEST

TEST_MAIN("pipelines.report.csv", one_line_per_stage, names_are_quoted_where_needed)
