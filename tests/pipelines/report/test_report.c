#include "pipelines/report/report.h"
#include "tests/pipelines/report/made_up.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_file(const char *folder, const char *content)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/report.json", folder);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    (void)fputs(content, file);
    (void)fclose(file);
}

START_TEST(what_is_written_can_be_read_and_made_again)
{
    prune_context *ctx = test_context(1);
    json_t *report = made_up_report(), *again = NULL;
    char folder[512], path[600];
    (void)snprintf(folder, sizeof folder, "%s", test_path(0, "written"));
    (void)mkdir(folder, 0777);
    ck_ok(report_write(ctx, folder, report));
    ck_ok(report_read(&again, ctx, folder));
    ck_assert(json_equal(report, again));
    (void)snprintf(path, sizeof path, "%s/report.html", folder);
    ck_assert_int_eq(unlink(path), 0);
    ck_ok(report_render(ctx, folder, again));
    ck_assert_int_eq(access(path, F_OK), 0);
    json_decref(report);
    json_decref(again);
    prune_context_free(ctx);
}
END_TEST

START_TEST(damaged_reports_are_named)
{
    prune_context *ctx = test_context(1);
    json_t *report = NULL;
    const char *folder = test_path(0, "damaged");
    (void)mkdir(folder, 0777);
    ck_fails(report_read(&report, ctx, folder), PRUNE_E_IO, "holds no report.json");
    write_file(folder, "{\"stages\": [");
    ck_fails(report_read(&report, ctx, folder), PRUNE_E_FORMAT, "report.json:1");
    write_file(folder, "[1, 2]");
    ck_fails(report_read(&report, ctx, folder), PRUNE_E_FORMAT, "stages");
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("pipelines.report.report", what_is_written_can_be_read_and_made_again,
          damaged_reports_are_named)
