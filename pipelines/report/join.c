/* Reports that exist already: made again, or several side by side. */
#include "pipelines/report/page.h"
#include "pipelines/report/report.h"
#include "pipelines/report/rows.h"
#include "pipelines/report/svg.h"

#include <math.h>
#include <prune/pipeline.h>
#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

prune_status prune_report_render(prune_context *context, const char *folder, char **table)
{
    json_t *report = NULL;
    prune_status status = report_read(&report, context, folder);
    if (status != PRUNE_OK) return status;
    status = report_render(context, folder, report);
    if (status == PRUNE_OK && table) {
        *table = report_table(report);
        if (!*table) status = prune_error_set(PRUNE_E_MEMORY, "table: out of memory");
    }
    json_decref(report);
    return status;
}

/* Several reports as one: what came in first, then what came out of each. */
static json_t *gather(json_t *const *reports, const char *const *folders, int32_t count)
{
    json_t *stages = json_array();
    json_t *root = json_pack("{s:s, s:s, s:o}", "title", "Runs side by side", "kind", "joined",
                             "stages", stages);
    for (int32_t i = 0; root && i < count; i++) {
        const json_t *first = report_first(reports[i]), *last = report_last(reports[i]);
        json_t *stage = json_copy((json_t *)(uintptr_t)(i == 0 ? first : last));
        if (i == 0) {
            (void)json_object_set_new(stage, "name", json_string("before"));
            (void)json_array_append_new(stages, stage);
            stage = json_copy((json_t *)(uintptr_t)last);
        }
        (void)json_object_set_new(stage, "name", json_string(folders[i]));
        (void)json_array_append_new(stages, stage);
    }
    json_t *on = json_object_get(reports[0], "accuracy_on");
    if (root && on) (void)json_object_set(root, "accuracy_on", on);
    return root;
}

/* Numbers of different frames or protocols must not stand in one table unannounced. */
static bool same_frames(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"frames", "protocol", "align", "metric"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (!json_equal(report_at(report_at(a, "accuracy_on"), keys[k]),
                        report_at(report_at(b, "accuracy_on"), keys[k])))
            return false;
    const json_t *mine = report_at(report_first(a), "evaluation.images"), *image,
                 *others = report_at(report_first(b), "evaluation.images");
    size_t i;
    json_array_foreach(mine, i, image) if (!json_equal(json_object_get(image, "name"),
                                                       json_object_get(json_array_get(others, i),
                                                                       "name"))) return false;
    return true;
}

static void add_notes(json_t *joined, json_t *const *reports, const char *const *folders,
                      int32_t count)
{
    json_t *notes = json_array();
    for (int32_t i = 1; i < count; i++)
        if (!same_frames(reports[0], reports[i]))
            (void)json_array_append_new(
                notes, json_sprintf("%s was judged on other frames or by another protocol than %s: "
                                    "their accuracy cannot be compared.",
                                    folders[i], folders[0]));
    (void)json_object_set_new(joined, "notes", notes);
}

static void show_notes(text *t, const json_t *joined)
{
    const json_t *note;
    size_t i;
    json_array_foreach(report_at(joined, "notes"), i, note)
    {
        text_add(t, "<p class=bad>");
        text_escaped(t, json_string_value(note));
        text_add(t, "</p>\n");
    }
}

static void add_verdicts(text *t, json_t *const *reports, const char *const *folders, int32_t count)
{
    text_add(t, "<ul>");
    for (int32_t i = 0; i < count; i++) {
        char *verdict = report_verdict(reports[i]);
        text_add(t, "<li><b>");
        text_escaped(t, folders[i]);
        text_add(t, "</b>: ");
        text_escaped(t, verdict ? verdict : "");
        text_add(t, "</li>");
        free(verdict);
    }
    text_add(t, "</ul>\n");
}

static char *join_page(json_t *const *reports, const char *const *folders, int32_t count,
                       const json_t *joined)
{
    text t = {0};
    page_begin(&t, "Runs side by side");
    text_add(&t, "<h1>%d runs side by side</h1>\n", (int)count);
    show_notes(&t, joined);
    add_verdicts(&t, reports, folders, count);
    page_stages(&t, joined, "All runs");
    page_pareto(&t, joined);
    page_end(&t);
    return text_take(&t);
}

static prune_status write_join(prune_context *ctx, json_t *const *reports,
                               const char *const *folders, int32_t count, const char *path,
                               char **table)
{
    json_t *joined = gather(reports, folders, count);
    if (joined) add_notes(joined, reports, folders, count);
    char *page = joined ? join_page(reports, folders, count, joined) : NULL;
    prune_status status = page ? prune_file_write(ctx, path, page, strlen(page))
                               : prune_error_set(PRUNE_E_MEMORY, "%s: out of memory", path);
    free(page);
    if (status == PRUNE_OK && table) {
        *table = report_table(joined);
        if (!*table) status = prune_error_set(PRUNE_E_MEMORY, "table: out of memory");
    }
    json_decref(joined);
    return status;
}

prune_status prune_report_join(prune_context *context, const char *const *folders, int32_t count,
                               const char *path, char **table)
{
    json_t **reports = prune_memory_zero(context, (size_t)(count > 0 ? count : 1), sizeof *reports);
    prune_status status = reports ? PRUNE_OK : PRUNE_E_MEMORY;
    if (status == PRUNE_OK && count < 1)
        status = prune_error_set(PRUNE_E_ARGUMENT, "no run directory was given");
    for (int32_t i = 0; status == PRUNE_OK && i < count; i++)
        status = report_read(&reports[i], context, folders[i]);
    if (status == PRUNE_OK) status = write_join(context, reports, folders, count, path, table);
    for (int32_t i = 0; reports && i < count; i++) json_decref(reports[i]);
    prune_memory_free(context, reports);
    return status;
}
