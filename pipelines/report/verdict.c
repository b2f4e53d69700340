/* What came out, in words. */
#include "pipelines/report/report.h"

#include <math.h>
#include <string.h>

static void add_part(text *t, const char *separator)
{
    if (t->length > 0) text_add(t, "%s", separator);
}

static void say_size(text *t, const json_t *first, const json_t *last)
{
    const double before = report_number(first, "file_bytes"),
                 after = report_number(last, "packed_bytes");
    const double given = report_number(first, "given_bytes"),
                 other = report_number(last, "given_bytes");
    if (given > 0 && other > 0)
        text_add(t, "%.1f %% of the size (%.2f MB, before: %.2f MB)", 100 * other / given,
                 other / 1e6, given / 1e6);
    else if (before > 0 && after > 0)
        text_add(t, "%.1f %% of the size (%.2f MB packed, FP32 safetensors before: %.2f MB)",
                 100 * after / before, after / 1e6, before / 1e6);
}

/* Both figures: the minimum tells of the code, the median of the machine's day as well. */
static void say_speed(text *t, const json_t *report, const json_t *first, const json_t *last)
{
    const double ratio = report_number(report, "latency_ratio.ratio");
    const double minimum = report_number(first, "latency_ms.minimum") /
                           report_number(last, "latency_ms.minimum"),
                 median = report_number(first, "latency_ms.median") /
                          report_number(last, "latency_ms.median");
    if (!(minimum > 0) || !isfinite(minimum)) return;
    add_part(t, ", ");
    if (minimum >= 1)
        text_add(t, "%.2f times faster", minimum);
    else
        text_add(t, "%.2f times SLOWER", 1 / minimum);
    if (ratio > 0)
        text_add(t, " (turn by turn %.2f times [%.2f, %.2f])", 1 / ratio,
                 1 / report_number(report, "latency_ratio.ci95.1"),
                 1 / report_number(report, "latency_ratio.ci95.0"));
    else if (median > 0 && isfinite(median))
        text_add(t, " (by the medians %.2f times)", median);
}

static void say_accuracy(text *t, const json_t *report, const json_t *last)
{
    const json_t *on = report_at(report, "accuracy_on");
    const char *metric = report_word(on, "metric");
    const json_t *cell = json_object_get(report_at(last, "accuracy"), metric);
    if (isnan(report_number(cell, "change"))) return;
    add_part(t, ", ");
    text_add(t, "%s %+.4f [%+.4f, %+.4f] on %.0f %s frames%s", metric,
             report_number(cell, "change"), report_number(cell, "change_ci95.0"),
             report_number(cell, "change_ci95.1"), report_number(on, "frames"),
             report_word(on, "role"),
             json_is_true(report_at(on, "few_frames")) ? " (few frames)" : "");
}

static void say_goals(text *t, const json_t *report)
{
    const json_t *goals = report_at(report, "goals"), *goal;
    const size_t count = json_array_size(goals);
    size_t i, met = 0;
    json_array_foreach(goals, i, goal) met += json_is_true(json_object_get(goal, "met"));
    if (count == 0) return;
    add_part(t, ": ");
    if (met == count) {
        text_add(t, count == 1 ? "meets its goal" : "meets all %zu goals", count);
        return;
    }
    text_add(t, "meets %zu of %zu goals; not met:", met, count);
    json_array_foreach(goals, i, goal) if (!json_is_true(json_object_get(goal, "met")))
        text_add(t, " %s", report_word(goal, "name"));
}

char *report_verdict(const json_t *report)
{
    text t = {0};
    const json_t *first = report_first(report), *last = report_last(report);
    text_add(&t, "%s", "");
    if (first != last) {
        say_size(&t, first, last);
        say_speed(&t, report, first, last);
        say_accuracy(&t, report, last);
    }
    say_goals(&t, report);
    return text_take(&t);
}
