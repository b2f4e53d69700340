/* prune report: pages of finished runs, made again or side by side. */
#include "pipelines/cli/command.h"

#include <prune/pipeline.h>
#include <stdio.h>

typedef struct report_files {
    uint32_t struct_size;
    const char *output;
} report_files;

static const prune_option rows[] = {
    {"output", PRUNE_OPTION_TEXT, offsetof(report_files, output), NULL, 0, 0, NULL,
     "with several runs: the page to write, side by side (-o)"},
};
static const prune_option_table *table(void)
{
    static const prune_option_table t = {"report", sizeof(report_files), rows, 1};
    return &t;
}

static prune_status run(cli_call *call)
{
    const report_files *files = call->options[0];
    char *text = NULL;
    prune_status status = PRUNE_OK;
    if (call->count > 1 && !files->output)
        return cli_usage_error("several runs need -o FILE.html: the page that compares them");
    for (int32_t i = 0; status == PRUNE_OK && i < call->count; i++) {
        const bool alone = call->count == 1;
        status = prune_report_render(call->ctx, call->arguments[i], alone ? &text : NULL);
        if (status == PRUNE_OK && alone)
            (void)printf("%s\nreport: %s/report.html\n", text, call->arguments[i]);
    }
    if (status == PRUNE_OK && files->output) {
        prune_text_free(text);
        text = NULL;
        status = prune_report_join(call->ctx, call->arguments, call->count, files->output, &text);
        if (status == PRUNE_OK) (void)printf("%s\nside by side: %s\n", text, files->output);
    }
    prune_text_free(text);
    return status;
}

const cli_command cli_report = {
    .name = "report",
    .arguments = "RUN...",
    .summary = "makes the pages of finished runs again, and puts several side by side",
    .example = "prune report out out2 -o both.html",
    .min_arguments = 1,
    .max_arguments = 1000,
    .tables = {table},
    .run = run,
};
