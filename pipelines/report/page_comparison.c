/* The before/after table with its intervals, the goals, and the numbers of every stage. */
#include "pipelines/report/page.h"
#include "pipelines/report/rows.h"

#include <math.h>
#include <string.h>

/* "energy per frame (estimate)": whoever reads the row must know. */
static void add_label(text *t, const json_t *report, const report_row *row)
{
    text_add(t, "<tr><td>%s%s%s%s", row->label, report_estimate(report, row->path),
             *row->unit ? ", " : "", row->unit);
}

static void add_cell(text *t, const report_row *row, double value)
{
    if (isnan(value))
        text_add(t, "<td>&ndash;");
    else
        text_add(t, "<td>%.*f", row->digits, value / row->scale);
}

static void add_change(text *t, const report_row *row, double first, double last)
{
    text_add(t, "<td>");
    if (row->better == REPORT_NEITHER || !(first > 0) || !(last >= 0)) return;
    const double ratio = last / first;
    const char *class = ratio == 1                                    ? ""
                        : (ratio < 1) == (row->better == REPORT_LESS) ? "good"
                                                                      : "bad";
    text_add(t, "<span class=\"%s\">%.1f %%</span>", class, 100 * ratio);
}

/* Of a metric: the difference with its interval, green or red only where the interval says so. */
static void add_difference(text *t, const char *metric, const json_t *cell)
{
    const double change = report_number(cell, "change"), low = report_number(cell, "change_ci95.0"),
                 high = report_number(cell, "change_ci95.1");
    text_add(t, "<td>");
    if (isnan(change)) return;
    const bool more_is_better = report_more_is_better(metric);
    const bool certain = low > 0 || high < 0;
    const char *class = !certain ? "" : (change > 0) == more_is_better ? "good" : "bad";
    text_add(t, "<span class=\"%s\">%+.4f</span><small>[%+.4f, %+.4f]</small>", class, change, low,
             high);
}

static void add_mean(text *t, const json_t *cell, bool interval)
{
    const double mean = report_number(cell, "mean");
    text_add(t, isnan(mean) ? "<td>&ndash;" : "<td>%.4f", mean);
    if (interval && !isnan(mean))
        text_add(t, "<small>[%.4f, %.4f]</small>", report_number(cell, "ci95.0"),
                 report_number(cell, "ci95.1"));
}

static void add_metrics(text *t, const json_t *report, bool all)
{
    const json_t *first = report_at(report_first(report), "accuracy"), *cell, *stage;
    const char *metric;
    size_t s;
    json_object_foreach((json_t *)(uintptr_t)first, metric, cell)
    {
        const json_t *last = json_object_get(report_at(report_last(report), "accuracy"), metric);
        text_add(t, "<tr><td>");
        text_escaped(t, metric);
        text_add(t, "%s", report_metric_unit(metric, report_word(report, "accuracy_on.protocol")));
        if (all)
            json_array_foreach(report_stages(report), s, stage)
                add_mean(t, json_object_get(report_at(stage, "accuracy"), metric), false);
        if (!all) {
            add_mean(t, cell, true);
            add_mean(t, last, true);
            add_difference(t, metric, last);
        }
        text_add(t, "</tr>");
    }
}

static void explain(text *t, const json_t *report)
{
    const json_t *on = report_at(report, "accuracy_on");
    if (!on) {
        text_add(t, "<p class=small>No labelled pairs were given, so nothing is known about "
                    "accuracy against ground truth.</p>\n");
        return;
    }
    text_add(t, "<p class=small>Accuracy: mean over %.0f %s frames, protocol ",
             report_number(on, "frames"), report_word(on, "role"));
    text_escaped(t, report_word(on, "protocol"));
    text_add(t, ", alignment ");
    text_escaped(t, report_word(on, "align"));
    text_add(t,
             ". In brackets: 95 %% interval. The change is taken frame by frame, so its interval "
             "is narrower than the two means suggest; it is coloured where the interval leaves "
             "zero out.%s</p>\n",
             json_is_true(report_at(on, "few_frames"))
                 ? " There are few frames: the intervals say little."
                 : "");
}

/* How energy was found: nobody should take an estimate for a measurement. */
static void explain_energy(text *t, const json_t *report)
{
    const json_t *energy = report_at(report_last(report), "energy_mj");
    const char *source = report_word(energy, "source"), *reason = report_word(energy, "reason");
    if (isnan(report_number(energy, "value"))) return;
    text_add(t, "<p class=small>Energy %s",
             json_is_true(report_at(energy, "estimated")) ? "is an ESTIMATE, not measured"
                                                          : "measured");
    if (*source) {
        text_add(t, ": ");
        text_escaped(t, source);
    }
    if (*reason) {
        text_add(t, "; ");
        text_escaped(t, reason);
    }
    text_add(t, ".</p>\n");
}

static void add_two(text *t, const json_t *report)
{
    const json_t *first = report_first(report), *last = report_last(report);
    const report_row *rows;
    const size_t count = report_rows(&rows);
    text_add(t, "<h2>Before and after</h2><div class=wide><table><tr><th><th>");
    text_escaped(t, report_word(first, "name"));
    text_add(t, "<th>");
    text_escaped(t, report_word(last, "name"));
    text_add(t, "<th>of before, or change</tr>");
    add_metrics(t, report, false);
    for (size_t r = 0; r < count; r++) {
        const double a = report_number(first, rows[r].path), b = report_number(last, rows[r].path);
        if (isnan(a) && isnan(b)) continue;
        add_label(t, report, &rows[r]);
        add_cell(t, &rows[r], a);
        add_cell(t, &rows[r], b);
        add_change(t, &rows[r], a, b);
        text_add(t, "</tr>");
    }
    text_add(t, "</table></div>");
    explain(t, report);
    explain_energy(t, report);
}

static void add_goals(text *t, const json_t *report)
{
    const json_t *goals = report_at(report, "goals"), *goal;
    size_t i;
    if (json_array_size(goals) == 0) return;
    text_add(t, "<h2>Goals</h2><div class=wide><table><tr><th>goal<th>at most<th>reached"
                "<th class=words>verdict</tr>");
    json_array_foreach(goals, i, goal)
    {
        const bool met = json_is_true(json_object_get(goal, "met"));
        const double value = report_number(goal, "value");
        text_add(t, "<tr><td>");
        text_escaped(t, report_word(goal, "name"));
        text_add(t, "<td>%.4g", report_number(goal, "target"));
        text_escaped(t, report_word(goal, "unit"));
        text_add(t, isnan(value) ? "<td>&ndash;" : "<td>%.4g", value);
        text_escaped(t, report_word(goal, "unit"));
        text_add(t, "<td class=\"words %s\">%s: ", met ? "good" : "bad", met ? "met" : "not met");
        text_escaped(t, report_word(goal, "words"));
        text_add(t, "</tr>");
    }
    text_add(t, "</table></div>\n");
    const char *stopped = report_word(report, "stopped_by");
    if (*stopped) {
        text_add(t, "<p class=small>The loop was ended by: ");
        text_escaped(t, stopped);
        text_add(t, ".</p>\n");
    }
}

void page_stages(text *t, const json_t *report, const char *heading)
{
    const report_row *rows;
    const json_t *stage;
    const size_t count = report_rows(&rows);
    size_t s;
    text_add(t, "<h2>%s</h2><div class=wide><table><tr><th>", heading);
    json_array_foreach(report_stages(report), s, stage)
    {
        text_add(t, "<th>");
        text_escaped(t, report_word(stage, "name"));
    }
    text_add(t, "</tr>");
    add_metrics(t, report, true);
    for (size_t r = 0; r < count; r++) {
        if (!report_has(report, rows[r].path)) continue;
        add_label(t, report, &rows[r]);
        json_array_foreach(report_stages(report), s, stage)
            add_cell(t, &rows[r], report_number(stage, rows[r].path));
        text_add(t, "</tr>");
    }
    if (report_has(report, "judge_score")) {
        text_add(t, "<tr><td>judge's score");
        json_array_foreach(report_stages(report), s, stage) add_cell(
            t, &(report_row){"", "", "", 1, 4, REPORT_LESS}, report_number(stage, "judge_score"));
        text_add(t, "</tr>");
    }
    text_add(t, "</table></div>\n");
}

void page_comparison(text *t, const json_t *report)
{
    add_two(t, report);
    add_goals(t, report);
    if (json_array_size(report_stages(report)) > 2) page_stages(t, report, "Every stage");
}
