/* The report as a page: no script, no network, light and dark. */
#include "pipelines/report/report.h"

#include <stdlib.h>
#include <string.h>

static const char style[] =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .75rem;text-align:right;"
    "border-bottom:1px solid #8886}td:first-child,th:first-child{text-align:left}"
    ".wide{overflow-x:auto}figure{margin:1.5rem 0}figcaption{font-weight:600}"
    ".pair{display:grid;grid-template-columns:1fr 1fr;gap:.5rem}.pair img{width:100%;height:auto}"
    ".pair div{font-size:.85rem}.bar{display:inline-block;width:5rem;height:.5rem;"
    "background:linear-gradient(90deg,#3c5aff,#9ddc9d,#ff5a3c)}code{word-break:break-all}"
    "@media(max-width:40rem){.pair{grid-template-columns:1fr}}";

static const char *string_of(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* Names and command lines come from outside. */
static void add_escaped(text *t, const char *s)
{
    for (; *s; s++) {
        if (*s == '<')
            text_add(t, "&lt;");
        else if (*s == '&')
            text_add(t, "&amp;");
        else if (*s == '"')
            text_add(t, "&quot;");
        else
            text_add(t, "%c", *s);
    }
}

static void add_row(text *t, const json_t *stages, const char *label, const char *key,
                    const char *inner, double unit, int digits)
{
    size_t i;
    const json_t *column;
    text_add(t, "<tr><td>%s</td>", label);
    json_array_foreach(stages, i, column)
    {
        const json_t *value = json_object_get(column, key);
        if (inner) value = json_object_get(value, inner);
        text_add(t, "<td>%.*f</td>", digits, json_number_value(value) / unit);
    }
    text_add(t, "</tr>");
}

static void add_accuracy(text *t, const json_t *report, const json_t *stages)
{
    const json_t *first = json_object_get(json_array_get(stages, 0), "accuracy"), *column, *value;
    const char *metric;
    json_object_foreach((json_t *)(uintptr_t)first, metric, value)
    {
        size_t i;
        text_add(t, "<tr><td>%s</td>", metric);
        json_array_foreach(stages, i, column)
        {
            const json_t *cell = json_object_get(json_object_get(column, "accuracy"), metric);
            const json_t *ci =
                json_object_get(cell, json_object_get(cell, "change") ? "change_ci95" : "ci95");
            text_add(t, "<td>%.4f", number_of(cell, "mean"));
            if (json_object_get(cell, "change"))
                text_add(t, "<br><small>%+.4f [%+.4f, %+.4f]</small>", number_of(cell, "change"),
                         json_number_value(json_array_get(ci, 0)),
                         json_number_value(json_array_get(ci, 1)));
            text_add(t, "</td>");
        }
        text_add(t, "</tr>");
    }
    const json_t *on = json_object_get(report, "accuracy_on");
    if (on)
        text_add(t,
                 "</table></div><p>Accuracy on %.0f %s frames, protocol %s, alignment %s%s. "
                 "Small print: change to before, with its 95 %% interval over paired frames.",
                 number_of(on, "frames"), string_of(on, "role"), string_of(on, "protocol"),
                 string_of(on, "align"),
                 json_is_true(json_object_get(on, "few_frames")) ? " (few frames)" : "");
    else
        text_add(t, "</table></div><p>No labelled pairs were given.");
}

static void add_table(text *t, const json_t *report)
{
    const json_t *stages = json_object_get(report, "stages"), *column;
    size_t i;
    text_add(t, "<div class=wide><table><tr><th></th>");
    json_array_foreach(stages, i, column) text_add(t, "<th>%s</th>", string_of(column, "name"));
    text_add(t, "</tr>");
    add_row(t, stages, "parameters, M", "parameters", NULL, 1e6, 3);
    add_row(t, stages, "MACs, G", "macs", NULL, 1e9, 3);
    add_row(t, stages, "INT8 layers", "int8_layers", NULL, 1, 0);
    add_row(t, stages, "safetensors, MB", "file_bytes", NULL, 1e6, 3);
    add_row(t, stages, "packed, MB", "packed_bytes", NULL, 1e6, 3);
    add_row(t, stages, "session memory, MB", "session_bytes", NULL, 1e6, 1);
    add_row(t, stages, "latency minimum, ms", "latency_ms", "minimum", 1, 2);
    add_row(t, stages, "latency median, ms", "latency_ms", "median", 1, 2);
    add_row(t, stages, "judge's score", "judge_score", NULL, 1, 4);
    add_accuracy(t, report, stages);
    text_add(t, " Judge: ");
    add_escaped(t, string_of(report, "judge"));
    text_add(t, ". Peak memory of the whole loop: %.0f MB. Instruction set %s, %.0f threads.</p>",
             number_of(report, "peak_memory") / 1e6, string_of(report, "isa"),
             number_of(report, "threads"));
}

static void add_picture(text *t, const json_t *entry, const char *key, const char *caption)
{
    const char *file = string_of(entry, key);
    if (!*file) return;
    text_add(t, "<div><img src=\"");
    add_escaped(t, file);
    text_add(t, "\" alt=\"%s\">%s</div>", caption, caption);
}

static void add_pictures(text *t, const json_t *report)
{
    const json_t *entry;
    size_t i;
    if (json_array_size(json_object_get(report, "pictures")) == 0) return;
    text_add(t, "<h2>Frames</h2><p>Chosen by rank, not by hand. Depth: warm is near. Error: "
                "relative, 0 <span class=bar></span> 30 %% and more; black where there is no "
                "ground truth.</p>");
    json_array_foreach(json_object_get(report, "pictures"), i, entry)
    {
        text_add(t, "<figure><figcaption>%s (%.4f): ", string_of(entry, "rank"),
                 number_of(entry, "value"));
        add_escaped(t, string_of(entry, "frame"));
        text_add(t, "</figcaption><div class=pair>");
        add_picture(t, entry, "image", "image");
        add_picture(t, entry, "truth", "ground truth");
        add_picture(t, entry, "before", "before");
        add_picture(t, entry, "after", "after");
        add_picture(t, entry, "error_before", "error before");
        add_picture(t, entry, "error_after", "error after");
        text_add(t, "</div></figure>");
    }
}

char *report_html(const json_t *report)
{
    text t = {0};
    text_add(&t,
             "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
             "content=\"width=device-width\"><title>Before and after</title><style>%s</style>",
             style);
    text_add(&t, "<h1>%s, before and after</h1>", string_of(report, "architecture"));
    add_table(&t, report);
    add_pictures(&t, report);
    if (*string_of(report, "command")) {
        text_add(&t, "<h2>Again</h2><p><code>");
        add_escaped(&t, string_of(report, "command"));
        text_add(&t, "</code><br>prune %s, seed %.0f</p>", string_of(report, "version"),
                 number_of(report, "seed"));
    }
    text_add(&t, "</html>\n");
    return text_take(&t);
}
