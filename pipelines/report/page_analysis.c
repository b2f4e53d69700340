/* Where and how the predictions err, before and after. */
#include "pipelines/report/page.h"
#include "pipelines/report/report.h"
#include "pipelines/report/svg.h"

#include <math.h>
#include <stdio.h>

enum { MOST_BINS = 16, CELL_WIDTH = 112, CELL_HEIGHT = 46 };

static void name_bin(char *label, size_t size, const json_t *bin)
{
    const double to = report_number(bin, "to"), share = 100 * report_number(bin, "share");
    char percent[16];
    (void)snprintf(percent, sizeof percent, share > 0 && share < 1 ? "<1 %%" : "%.0f %%", share);
    if (isnan(to))
        (void)snprintf(label, size, "over %g m (%s)", report_number(bin, "from"), percent);
    else
        (void)snprintf(label, size, "%g-%g m (%s)", report_number(bin, "from"), to, percent);
}

static void draw_distance(text *t, const json_t *analysis, const char *key, const char *title,
                          int decimals)
{
    const json_t *before = report_at(analysis, "before.distance"),
                 *after = report_at(analysis, "after.distance"), *bin;
    svg_bar bars[MOST_BINS];
    char labels[MOST_BINS][48];
    size_t i, count = 0;
    json_array_foreach(before, i, bin)
    {
        if (count == MOST_BINS) break;
        name_bin(labels[count], sizeof labels[count], bin);
        bars[count] = (svg_bar){labels[count], report_number(bin, key),
                                report_number(json_array_get(after, i), key)};
        count++;
    }
    if (count > 0) svg_bars(t, title, bars, count, decimals);
}

static double worst_region(const json_t *regions)
{
    const json_t *cell;
    size_t i;
    double worst = 0;
    json_array_foreach(regions, i, cell)
    {
        const double e = report_number(cell, "abs_rel");
        if (!isnan(e)) worst = fmax(worst, e);
    }
    return worst;
}

static void draw_regions(text *t, const json_t *regions, const char *title, double worst)
{
    const json_t *cell;
    size_t i;
    if (json_array_size(regions) == 0) return;
    text_add(t, "<svg viewBox=\"0 0 360 %d\" role=img aria-label=\"", 24 + 3 * CELL_HEIGHT);
    text_escaped(t, title);
    text_add(t, "\"><text class=name x=4 y=14>");
    text_escaped(t, title);
    text_add(t, "</text>");
    json_array_foreach(regions, i, cell)
    {
        const double x = 12 + CELL_WIDTH * report_number(cell, "column"),
                     y = 22 + CELL_HEIGHT * report_number(cell, "row"),
                     e = report_number(cell, "abs_rel"), share = report_number(cell, "share");
        text_add(t,
                 "<rect class=heat x=%.0f y=%.0f width=%d height=%d fill-opacity=%.2f />"
                 "<text x=%.0f y=%.0f text-anchor=middle>",
                 x, y, CELL_WIDTH, CELL_HEIGHT, isnan(e) || !(worst > 0) ? 0.0 : 0.75 * e / worst,
                 x + CELL_WIDTH / 2, y + 21);
        text_add(t, isnan(e) ? "&ndash;" : "%.4f", e);
        text_add(t, "</text><text x=%.0f y=%.0f text-anchor=middle>%.0f %% of pixels</text>",
                 x + CELL_WIDTH / 2, y + 36, 100 * share);
    }
    text_add(t, "</svg>");
}

static void add_number_row(text *t, const json_t *analysis, const char *label, const char *path,
                           int digits)
{
    char full[64];
    (void)snprintf(full, sizeof full, "before.%s", path);
    const double before = report_number(analysis, full);
    (void)snprintf(full, sizeof full, "after.%s", path);
    const double after = report_number(analysis, full);
    if (isnan(before) && isnan(after)) return;
    text_add(t, "<tr><td>%s", label);
    text_add(t, isnan(before) ? "<td>&ndash;" : "<td>%.*f", digits, before);
    text_add(t, isnan(after) ? "<td>&ndash;" : "<td>%.*f", digits, after);
    text_add(t, "</tr>");
}

static void add_edges(text *t, const json_t *analysis, const char *before, const char *after)
{
    const double frames = report_number(analysis, "before.edges.frames"),
                 pairs = report_number(analysis, "before.flicker.pairs");
    text_add(t, "<h3>Edges and flicker</h3>");
    if (!isnan(frames) || !isnan(pairs)) {
        text_add(t, "<div class=wide><table><tr><th><th>");
        text_escaped(t, before);
        text_add(t, "<th>");
        text_escaped(t, after);
        text_add(t, "</tr>");
        add_number_row(t, analysis, "boundary F1 (more is better)", "edges.f1", 4);
        add_number_row(t, analysis, "boundary precision", "edges.precision", 4);
        add_number_row(t, analysis, "boundary recall", "edges.recall", 4);
        add_number_row(t, analysis, "share of the true step at edges (1 is as sharp)",
                       "edges.step_share", 3);
        add_number_row(t, analysis, "flicker, mean |change of ln depth| (less is better)",
                       "flicker.mean", 4);
        text_add(t, "</table></div>");
    }
    text_add(t, "<p class=small>");
    if (!isnan(frames))
        text_add(t,
                 "Boundaries: neighbours whose depths differ by 5 to 25 %%, over %.0f frames "
                 "(Bochkovskii et al. 2024). ",
                 frames);
    if (isnan(pairs))
        text_add(t, "No two frames follow each other in one drive, so nothing can be said about "
                    "flicker.");
    else
        text_add(t,
                 "Flicker: over %.0f pairs of consecutive frames, the change of overall scale "
                 "taken out; a moving camera adds to both alike.",
                 pairs);
    text_add(t, "</p>\n");
}

void page_analysis(text *t, const json_t *report)
{
    const json_t *analysis = report_at(report, "analysis"),
                 *before = report_at(analysis, "before.region"),
                 *after = report_at(analysis, "after.region");
    const char *first = report_word(report_first(report), "name"),
               *last = report_word(report_last(report), "name");
    char title[160];
    if (!analysis) return;
    text_add(t, "<h2>Where it errs</h2>");
    page_legend(t, first, last);
    text_add(t, "<div class=charts>");
    draw_distance(t, analysis, "abs_rel", "abs_rel by distance (share of pixels)", 3);
    draw_distance(t, analysis, "rmse", "rmse in m by distance (share of pixels)", 2);
    text_add(t, "</div><div class=charts>");
    const double worst = fmax(worst_region(before), worst_region(after));
    (void)snprintf(title, sizeof title, "abs_rel by image region: %.80s", first);
    draw_regions(t, before, title, worst);
    (void)snprintf(title, sizeof title, "abs_rel by image region: %.80s", last);
    draw_regions(t, after, title, worst);
    text_add(t, "</div><p class=small>Over all pixels that count of %.0f frames.</p>\n",
             report_number(analysis, "frames"));
    add_edges(t, analysis, first, last);
}
