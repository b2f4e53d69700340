/* Which layers compute in INT8, which stayed in floats and why, and how sensitive each is. */
#include "pipelines/report/page.h"
#include "pipelines/report/report.h"

#include <math.h>
#include <string.h>

enum { STRIP_WIDTH = 720, STRIP_HEIGHT = 34, SHOWN = 12 };

static bool is_int8(const json_t *layer)
{
    return strcmp(report_word(layer, "compute"), "int8") == 0;
}

/* "BF16" in the capitals of the page. */
static const char *precision_of(const json_t *layer)
{
    if (is_int8(layer)) return "INT8";
    return strcmp(report_word(layer, "compute"), "bf16") == 0 ? "BF16" : "FP32";
}

static bool has_weights(const json_t *layer)
{
    return report_number(layer, "parameters") > 0;
}

static const json_t *ranked(const json_t *ranking, const char *name)
{
    const json_t *row;
    size_t i;
    json_array_foreach(ranking, i,
                       row) if (strcmp(report_word(row, "layer"), name) == 0) return row;
    return NULL;
}

/* Layers from input to output, as wide as their share of the work. */
static void add_strip(text *t, const json_t *layers)
{
    const json_t *layer;
    size_t i;
    double all = 0, at = 0, int8 = 0;
    json_array_foreach(layers, i, layer)
    {
        all += report_number(layer, "macs");
        int8 += is_int8(layer) ? report_number(layer, "macs") : 0;
    }
    if (!(all > 0)) return;
    text_add(t,
             "<svg class=strip viewBox=\"0 0 %d %d\" role=img aria-label=\"precision per layer\">",
             STRIP_WIDTH, STRIP_HEIGHT);
    json_array_foreach(layers, i, layer)
    {
        const double width = report_number(layer, "macs") / all * STRIP_WIDTH;
        text_add(t, "<rect class=\"%s edge\" x=%.2f y=0 width=%.2f height=%d><title>",
                 is_int8(layer) ? "after" : "before", at, width, STRIP_HEIGHT);
        text_escaped(t, report_word(layer, "name"));
        text_add(t, ", %.2f M MACs, %s</title></rect>", report_number(layer, "macs") / 1e6,
                 precision_of(layer));
        at += width;
    }
    text_add(t, "</svg>");
    page_legend(t, "FP32 or BF16", "INT8");
    text_add(t,
             "<p class=small>Layers from input (left) to output, each as wide as its share of the "
             "multiply-accumulates. %.1f %% of them are computed in INT8.</p>\n",
             100 * int8 / all);
}

static void add_reason(text *t, const json_t *layer, const json_t *quantize)
{
    const json_t *row = ranked(report_at(quantize, "ranking"), report_word(layer, "name"));
    const char *kept = report_word(quantize, "options.keep-float");
    if (row)
        text_add(t, "alone in INT8 it costs %.5f of the judge's score: too much",
                 report_number(row, "drop"));
    else if (!has_weights(layer))
        text_add(t, "has no weights: it computes on activations alone, in floats");
    else if (*kept)
        text_add(t, "reads the picture, makes the output, or is named by keep-float (%.100s)",
                 kept);
    else
        text_add(
            t, "reads the picture or makes the output: such layers stay in floats (default-float)");
}

static void add_floats(text *t, const json_t *layers, const json_t *quantize)
{
    const json_t *layer;
    size_t i, bare = 0, shown = 0;
    json_array_foreach(layers, i, layer)
    {
        if (is_int8(layer)) continue;
        if (!has_weights(layer)) {
            bare++;
            continue;
        }
        if (shown++ == 0)
            text_add(t, "<h3>Layers that stayed in floats</h3><div class=wide><table><tr><th>layer"
                        "<th>M MACs<th class=words>computes in<th class=words>why</tr>");
        text_add(t, "<tr><td>");
        text_escaped(t, report_word(layer, "name"));
        text_add(t, "<td>%.2f<td class=words>%s<td class=words>",
                 report_number(layer, "macs") / 1e6, precision_of(layer));
        add_reason(t, layer, quantize);
        text_add(t, "</tr>");
    }
    if (shown > 0) text_add(t, "</table></div>");
    if (bare > 0)
        text_add(t,
                 "<p class=small>%zu further layers (attention and the like) multiply "
                 "activations with each other; they have no weights and stay in floats.</p>\n",
                 bare);
}

static void add_ranked_row(text *t, const json_t *row)
{
    text_add(t, "<tr><td>");
    text_escaped(t, report_word(row, "layer"));
    const double drop = report_number(row, "drop"), error = report_number(row, "error");
    text_add(t, isnan(drop) ? "<td>&ndash;" : "<td>%+.5f", drop);
    text_add(t, isnan(error) ? "<td>&ndash;" : "<td>%.5f", error);
    text_add(t, "<td class=words>");
    text_escaped(t, report_word(row, "precision"));
    text_add(t, "</tr>");
}

static void add_ranking(text *t, const json_t *quantize)
{
    static const char head[] = "<div class=wide><table><tr><th>layer<th>judge's loss<th>log-depth "
                               "error<th class=words>computed in</tr>";
    const json_t *ranking = report_at(quantize, "ranking"), *row;
    size_t i;
    if (json_array_size(ranking) == 0) return;
    text_add(t,
             "<h3>Sensitivity</h3><p class=small>Each layer (or group that shares an input) alone "
             "in INT8, the others in FP32: how much the judge");
    text_add(t, " finds it worse (");
    text_escaped(t, report_word(quantize, "judge.metric"));
    text_add(t,
             ", %.0f pictures), and how far the output moves. Together: %+.5f, allowed %.5f.</p>",
             report_number(quantize, "judge.pictures"), report_number(quantize, "judge.drop"),
             report_number(quantize, "judge.max-drop"));
    text_add(t, "%s", head);
    json_array_foreach(ranking, i, row)
    {
        if (i == SHOWN)
            text_add(t, "</table></div><details><summary>the other %zu</summary>%s",
                     json_array_size(ranking) - SHOWN, head);
        add_ranked_row(t, row);
    }
    text_add(t, "</table></div>%s\n", json_array_size(ranking) > SHOWN ? "</details>" : "");
}

void page_precision(text *t, const json_t *report)
{
    const json_t *layers = report_at(report, "network.after.layers"),
                 *quantize = report_at(report, "quantize"), *layer;
    size_t i, int8 = 0;
    json_array_foreach(layers, i, layer) int8 += is_int8(layer);
    if (int8 == 0) return;
    text_add(t, "<h2>Precision</h2>");
    add_strip(t, layers);
    add_floats(t, layers, quantize);
    add_ranking(t, quantize);
}
