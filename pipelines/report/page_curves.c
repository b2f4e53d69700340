/* Accuracy against what it costs: stages, rounds of trimming. */
#include "pipelines/report/page.h"
#include "pipelines/report/rows.h"
#include "pipelines/report/svg.h"

#include <math.h>
#include <stdio.h>

/* What stands on the y axis: the metric on labelled pairs, else the judge's score. */
typedef struct measure {
    char label[128], mean[64], low[64], high[64];
    bool more_is_better; /* d1, d2, d3 */
} measure;

static measure pick_measure(const json_t *report)
{
    measure m = {"judge's score", "judge_score", "", "", false};
    const char *metric = report_word(report, "accuracy_on.metric");
    m.more_is_better = report_more_is_better(metric);
    if (!*metric) return m;
    (void)snprintf(m.label, sizeof m.label, "%.32s%s, %.0f %.16s frames", metric,
                   report_metric_unit(metric, report_word(report, "accuracy_on.protocol")),
                   report_number(report, "accuracy_on.frames"),
                   report_word(report, "accuracy_on.role"));
    (void)snprintf(m.mean, sizeof m.mean, "accuracy.%.32s.mean", metric);
    (void)snprintf(m.low, sizeof m.low, "accuracy.%.32s.ci95.0", metric);
    (void)snprintf(m.high, sizeof m.high, "accuracy.%.32s.ci95.1", metric);
    return m;
}

static const char *class_of(size_t index, size_t count)
{
    return index == 0 ? "before" : index + 1 == count ? "after" : "other";
}

/* Stages over one cost, joined in the order in which they ran. */
static void draw_stages(text *t, const json_t *report, const measure *m, const char *cost,
                        double scale, const char *label)
{
    svg_axis x = {label, INFINITY, -INFINITY}, y = {m->label, INFINITY, -INFINITY};
    const json_t *stages = report_stages(report), *stage, *previous = NULL;
    const size_t count = json_array_size(stages);
    svg_chart c;
    size_t s;
    if (!report_has(report, cost)) return;
    json_array_foreach(stages, s, stage)
    {
        svg_axis_take(&x, report_number(stage, cost) / scale);
        svg_axis_take(&y, report_number(stage, m->mean));
        svg_axis_take(&y, report_number(stage, m->low));
        svg_axis_take(&y, report_number(stage, m->high));
    }
    svg_chart_open(&c, t, label, x, y);
    json_array_foreach(stages, s, stage)
    {
        const double at = report_number(stage, cost) / scale;
        if (previous)
            svg_chart_line(&c, report_number(previous, cost) / scale,
                           report_number(previous, m->mean), at, report_number(stage, m->mean),
                           "other");
        svg_chart_line(&c, at, report_number(stage, m->low), at, report_number(stage, m->high),
                       class_of(s, count));
        previous = stage;
    }
    json_array_foreach(stages, s, stage)
    {
        const double at = report_number(stage, cost) / scale, mean = report_number(stage, m->mean);
        svg_chart_dot(&c, at, mean, class_of(s, count), report_word(stage, "name"));
        if (s == 0 || s + 1 == count)
            svg_chart_label(&c, at, mean, s == 0 ? 1 : -1, report_word(stage, "name"));
    }
    svg_chart_close(&c);
}

/* Whether another stage is at least as good in both, and better in one. */
static bool is_beaten(const json_t *stages, const json_t *stage, const char *cost,
                      const char *score, bool more_is_better)
{
    const json_t *other;
    const double x = report_number(stage, cost), y = report_number(stage, score);
    size_t i;
    json_array_foreach(stages, i, other)
    {
        const double u = report_number(other, cost), v = report_number(other, score);
        if (other == stage || isnan(u) || isnan(v) || u > x) continue;
        const bool as_good = more_is_better ? v >= y : v <= y;
        if (as_good && (u < x || v != y)) return true;
    }
    return false;
}

/* The cheapest stage that is not beaten and costs more than `than`. */
static const json_t *next_best(const json_t *stages, const char *cost, const char *score,
                               bool more_is_better, double than)
{
    const json_t *stage, *found = NULL;
    size_t i;
    json_array_foreach(stages, i, stage)
    {
        const double x = report_number(stage, cost);
        if (isnan(x) || isnan(report_number(stage, score)) || !(x > than)) continue;
        if (found && !(x < report_number(found, cost))) continue;
        if (!is_beaten(stages, stage, cost, score, more_is_better)) found = stage;
    }
    return found;
}

/* Points are objects of a list, named by one of their members. */
static void draw_pareto(text *t, const json_t *stages, const measure *m, const char *name,
                        const char *cost, double scale, const char *label)
{
    svg_axis x = {label, INFINITY, -INFINITY}, y = {m->label, INFINITY, -INFINITY};
    const json_t *stage;
    svg_chart c;
    size_t s;
    if (!next_best(stages, cost, m->mean, m->more_is_better, -INFINITY)) return;
    json_array_foreach(stages, s, stage)
    {
        svg_axis_take(&x, report_number(stage, cost) / scale);
        svg_axis_take(&y, report_number(stage, m->mean));
    }
    svg_chart_open(&c, t, label, x, y);
    const json_t *best = next_best(stages, cost, m->mean, m->more_is_better, -INFINITY);
    for (const json_t *next; best; best = next) {
        next = next_best(stages, cost, m->mean, m->more_is_better, report_number(best, cost));
        if (next)
            svg_chart_line(&c, report_number(best, cost) / scale, report_number(best, m->mean),
                           report_number(next, cost) / scale, report_number(next, m->mean),
                           "after");
    }
    json_array_foreach(stages, s, stage)
    {
        const double at = report_number(stage, cost) / scale, mean = report_number(stage, m->mean);
        const bool beaten = is_beaten(stages, stage, cost, m->mean, m->more_is_better);
        const bool chosen = json_is_true(json_object_get(stage, "chosen"));
        svg_chart_dot(&c, at, mean,
                      chosen   ? "before"
                      : beaten ? "other"
                               : "after",
                      report_word(stage, name));
        svg_chart_label(&c, at, mean, 0, report_word(stage, name));
    }
    svg_chart_close(&c);
}

static void add_point(text *t, const json_t *point, const measure *m)
{
    const bool chosen = json_is_true(json_object_get(point, "chosen"));
    const double score = report_number(point, m->mean);
    text_add(t, "<tr><td>%s", chosen ? "<b>" : "");
    text_escaped(t, report_word(point, "value"));
    text_add(t, "%s<td>%.4g<td>%.4g<td>%.4g", chosen ? "</b>, taken" : "",
             report_number(point, "macs") / 1e9, report_number(point, "packed_bytes") / 1e6,
             report_number(point, "latency_ms"));
    text_add(t, isnan(score) ? "<td>&ndash;" : "<td>%.4f", score);
    text_add(t, "<td class=words>%s</tr>",
             json_is_true(json_object_get(point, "goals_met")) ? "meets every goal" : "");
}

/* What a sweep found, and which of it was taken. */
static void add_sweep(text *t, const json_t *report)
{
    const json_t *points = report_at(report, "sweep.points"), *point;
    measure m = pick_measure(report);
    size_t i;
    if (json_array_size(points) == 0) return;
    (void)snprintf(m.mean, sizeof m.mean, "%s",
                   *report_word(report, "accuracy_on.metric") ? "accuracy" : "score");
    text_add(t, "<h2>Sweep over ");
    text_escaped(t, report_word(report, "sweep.key"));
    text_add(t, "</h2><div class=charts>");
    draw_pareto(t, points, &m, "value", "macs", 1e9, "MACs per frame, G");
    draw_pareto(t, points, &m, "value", "packed_bytes", 1e6, "packed file, MB");
    draw_pareto(t, points, &m, "value", "latency_ms", 1, "latency, median, ms");
    text_add(t, "</div><div class=wide><table><tr><th>");
    text_escaped(t, report_word(report, "sweep.key"));
    text_add(t, "<th>MACs, G<th>packed, MB<th>latency, median, ms<th>");
    text_escaped(t, m.label);
    text_add(t, "<th></tr>");
    json_array_foreach(points, i, point) add_point(t, point, &m);
    text_add(t, "</table></div><p class=small>Orange: taken, by the rule: ");
    text_escaped(t, report_word(report, "sweep.rule"));
    text_add(t,
             ". Joined: what nothing else beats in both. Each point has a page of its own in its "
             "folder.</p>\n");
}

void page_pareto(text *t, const json_t *report)
{
    const measure m = pick_measure(report);
    text_add(t, "<h2>Accuracy against cost</h2><div class=charts>");
    draw_pareto(t, report_stages(report), &m, "name", "packed_bytes", 1e6, "packed file, MB");
    draw_pareto(t, report_stages(report), &m, "name", "macs", 1e9, "MACs per frame, G");
    draw_pareto(t, report_stages(report), &m, "name", "latency_ms.median", 1,
                "latency, median, ms");
    text_add(t,
             "</div><p class=small>Joined: what nothing else beats in both. Grey: something else "
             "is as accurate and costs less.</p>\n");
}

static void draw_rounds(text *t, const json_t *rounds, const char *cost, const char *label)
{
    svg_axis x = {label, INFINITY, -INFINITY}, y = {"judge's score", INFINITY, -INFINITY};
    const json_t *round;
    svg_chart c;
    size_t i;
    json_array_foreach(rounds, i, round)
    {
        svg_axis_take(&x, 100 * report_number(round, cost));
        svg_axis_take(&y, report_number(round, "score"));
    }
    if (!(x.high >= x.low) || !(y.high >= y.low)) return;
    svg_chart_open(&c, t, label, x, y);
    json_array_foreach(rounds, i, round)
    {
        char words[32];
        const bool kept = json_is_true(json_object_get(round, "kept"));
        const double at = 100 * report_number(round, cost), score = report_number(round, "score");
        (void)snprintf(words, sizeof words, "%.0f%s", report_number(round, "round"),
                       kept ? "" : ", given up");
        svg_chart_dot(&c, at, score, kept ? "after" : "dropped", words);
        svg_chart_label(&c, at, score, 0, words);
    }
    svg_chart_close(&c);
}

static void add_rounds(text *t, const json_t *trim, const char *name)
{
    const json_t *rounds = report_at(trim, "rounds");
    if (json_array_size(rounds) == 0) return;
    text_add(t, "<h3>Rounds of trimming");
    if (*name) {
        text_add(t, ": ");
        text_escaped(t, name);
    }
    text_add(t, "</h3><div class=charts>");
    draw_rounds(t, rounds, "macs", "MACs kept, % of the original");
    draw_rounds(t, rounds, "parameters", "parameters kept, % of the original");
    draw_rounds(t, rounds, "bytes", "bytes kept, % of the original");
    text_add(t,
             "</div><p class=small>Numbers are rounds; a lower score is better unless the metric "
             "says otherwise. Stopped by: ");
    text_escaped(t, report_word(trim, "stopped_by"));
    text_add(t, ".</p>\n");
}

void page_curves(text *t, const json_t *report)
{
    const measure m = pick_measure(report);
    const json_t *stage;
    size_t s;
    add_sweep(t, report);
    if (json_array_size(report_stages(report)) < 2 || !report_has(report, m.mean)) return;
    text_add(t, "<h2>Accuracy against cost</h2><div class=charts>");
    draw_stages(t, report, &m, "macs", 1e9, "MACs per frame, G");
    draw_stages(t, report, &m, "packed_bytes", 1e6, "packed file, MB");
    draw_stages(t, report, &m, "latency_ms.median", 1, "latency, median, ms");
    text_add(t, "</div>");
    if (*m.low)
        text_add(t, "<p class=small>Bars: 95 %% interval of the mean (differences between stages "
                    "are surer than that: see the table).</p>\n");
    json_array_foreach(report_stages(report), s, stage)
    {
        const json_t *trim = report_at(stage, "rounds") ? stage : report_at(stage, "trim");
        add_rounds(t, trim, report_word(stage, "name"));
    }
}
