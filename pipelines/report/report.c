/* A report's files. */
#include "pipelines/report/report.h"

#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <stdlib.h>
#include <string.h>

static prune_status write_text(prune_context *ctx, const char *folder, const char *name,
                               char *content)
{
    char *path = prune_path_join(ctx, folder, name);
    prune_status status = PRUNE_E_MEMORY;
    if (!content)
        status = prune_error_set(PRUNE_E_MEMORY, "%s: out of memory", name);
    else if (path)
        status = prune_file_write(ctx, path, content, strlen(content));
    prune_memory_free(ctx, path);
    free(content);
    return status;
}

prune_status report_render(prune_context *ctx, const char *folder, const json_t *report)
{
    prune_status status = write_text(ctx, folder, "report.csv", report_csv(report));
    if (status == PRUNE_OK)
        status = write_text(ctx, folder, "report.html", report_page(ctx, folder, report));
    return status;
}

prune_status report_write(prune_context *ctx, const char *folder, const json_t *report)
{
    prune_status status = write_text(
        ctx, folder, "report.json", prune_json_text(report, JSON_INDENT(1), prune_json_failures()));
    return status == PRUNE_OK ? report_render(ctx, folder, report) : status;
}

prune_status report_read(json_t **out, prune_context *ctx, const char *folder)
{
    json_error_t error;
    char *path = prune_path_join(ctx, folder, "report.json");
    prune_status status = PRUNE_OK;
    if (!path) return PRUNE_E_MEMORY;
    json_t *report = json_load_file(path, 0, &error);
    if (!report && !prune_path_exists(path))
        status = prune_error_set(PRUNE_E_IO,
                                 "%s holds no report.json: give the folder that a finished prune "
                                 "compress or prune compare wrote (-o)",
                                 folder);
    else if (!report)
        status = prune_error_set(PRUNE_E_FORMAT, "%s:%d: %s: the report is damaged", path,
                                 error.line, error.text);
    else if (json_array_size(report_stages(report)) == 0)
        status = prune_error_set(PRUNE_E_FORMAT, "%s: is JSON, but no report: it has no \"stages\"",
                                 path);
    if (status == PRUNE_OK)
        *out = report;
    else
        json_decref(report);
    prune_memory_free(ctx, path);
    return status;
}
