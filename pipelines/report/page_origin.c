/* Where the numbers come from: how long each stage took, the machine, the licence, and what to type
 * to have it all again. */
#include "pipelines/report/page.h"
#include "pipelines/report/report.h"
#include "pipelines/report/rows.h"

#include <math.h>
#include <string.h>

static void add_times(text *t, const json_t *report)
{
    const json_t *stage;
    size_t s;
    double total = 0;
    if (json_array_size(report_stages(report)) < 2 || !report_has(report, "seconds")) return;
    text_add(t, "<h2>How long it took</h2><div class=wide><table><tr><th>stage<th>seconds</tr>");
    json_array_foreach(report_stages(report), s, stage)
    {
        const double seconds = report_number(stage, "seconds");
        if (s == 0 || isnan(seconds)) continue;
        total += seconds;
        text_add(t, "<tr><td>");
        text_escaped(t, report_word(stage, "name"));
        text_add(t, "<td>%.1f</tr>", seconds);
    }
    text_add(t, "<tr><th>together<th>%.1f</tr></table></div>\n", total);
}

static void add_fact(text *t, const char *name, const char *value)
{
    if (!*value) return;
    text_add(t, "<tr><td>%s<td class=words>", name);
    text_escaped(t, value);
    text_add(t, "</tr>");
}

static void add_machine(text *t, const json_t *report)
{
    text_add(t, "<h2>Machine and model</h2><div class=wide><table>");
    add_fact(t, "architecture", report_word(report, "architecture"));
    const double height = report_number(report, "input_size.0");
    if (!isnan(height))
        text_add(t, "<tr><td>network input<td class=words>%.0f x %.0f pixels, height x width</tr>",
                 height, report_number(report, "input_size.1"));
    add_fact(t, "processor", report_word(report, "machine.processor"));
    add_fact(t, "instruction set", report_word(report, "isa"));
    const double threads = report_number(report, "threads"),
                 peak = report_number(report, "peak_memory");
    if (!isnan(threads)) text_add(t, "<tr><td>threads<td class=words>%.0f</tr>", threads);
    if (!isnan(peak))
        text_add(t, "<tr><td>peak memory of this process<td class=words>%.0f MB</tr>", peak / 1e6);
    add_fact(t, "judge", report_word(report, "judge"));
    const char *license = report_word(report, "license");
    text_add(t, "<tr><td>licence of the weights<td class=words>");
    text_escaped(t, *license ? license
                             : "not stated by the model's file: ask those who published it before "
                               "passing the weights on");
    text_add(t, "</tr></table></div>\n");
}

static void add_inputs(text *t, const json_t *report)
{
    const json_t *inputs = report_at(report, "inputs"), *input;
    size_t i;
    if (json_array_size(inputs) == 0) return;
    text_add(t, "<h3>What went in</h3><div class=wide><table><tr><th>input<th class=words>file or "
                "folder<th class=words>SHA-256</tr>");
    json_array_foreach(inputs, i, input)
    {
        text_add(t, "<tr><td>");
        text_escaped(t, report_word(input, "role"));
        text_add(t, "<td class=words>");
        text_escaped(t, report_word(input, "path"));
        text_add(t, "<td class=words><code>");
        text_escaped(t, report_word(input, "sha256"));
        text_add(t, "</code></tr>");
    }
    text_add(t, "</table></div>\n");
}

static void add_again(text *t, const json_t *report)
{
    const char *command = report_word(report, "command"), *recipe = report_word(report, "recipe");
    if (!*command && !*recipe) return;
    text_add(t, "<h2>The same again</h2>");
    if (*command) {
        text_add(t, "<pre>");
        text_escaped(t, command);
        text_add(t, "</pre>");
    }
    if (*recipe) {
        text_add(t,
                 "<p>Or, as a recipe (<code>prune compress --recipe FILE.yaml</code>):</p><pre>");
        text_escaped(t, recipe);
        text_add(t, "</pre>");
    }
    text_add(t,
             "<p class=small>prune %s, seed %.0f. With the same build, instruction set and "
             "threads the model files and accuracy figures are the same; measured times "
             "differ.</p>\n",
             report_word(report, "version"), report_number(report, "seed"));
    add_inputs(t, report);
}

void page_origin(text *t, const json_t *report)
{
    add_times(t, report);
    add_machine(t, report);
    add_again(t, report);
}
