/* Small drawings for the page: charts with axes, bars. They are drawn 360 units wide so that their
 * words stay readable on a telephone; colours are CSS classes, words take the page's colour. */
#ifndef PIPELINES_REPORT_SVG_H
#define PIPELINES_REPORT_SVG_H

#include "pipelines/report/text.h"

typedef struct svg_axis {
    const char *label; /* with its unit */
    double low, high;
} svg_axis;

typedef struct svg_chart {
    text *t;
    svg_axis x, y; /* as widened to round numbers */
} svg_chart;

/* Draws frame, grid, ticks and labels. Ranges are widened to round numbers; a range of no width
 * gets one. title is read out where pictures cannot be seen. */
void svg_chart_open(svg_chart *c, text *t, const char *title, svg_axis x, svg_axis y);
/* class: "before", "after", "other" and so on; note: shown when pointed at (NULL: none). */
void svg_chart_dot(svg_chart *c, double x, double y, const char *class, const char *note);
void svg_chart_line(svg_chart *c, double x0, double y0, double x1, double y1, const char *class);
/* Words next to a point, on the side that has room. row: lines lower (or, negative, higher). */
void svg_chart_label(svg_chart *c, double x, double y, int row, const char *words);
void svg_chart_close(svg_chart *c);

/* Widens [*low, *high] by a value; start with (INFINITY, -INFINITY). NAN changes nothing. */
void svg_axis_take(svg_axis *axis, double value);
/* A round step that makes about `ticks` of a width, and how many decimals show it. */
double svg_step(double width, int ticks, int *decimals);

/* One row of horizontal bars: a label, and the same quantity before and after. */
typedef struct svg_bar {
    const char *label;
    double before, after; /* NAN: none */
} svg_bar;
void svg_bars(text *t, const char *title, const svg_bar *bars, size_t count, int decimals);

/* What was, as an outline, and what is left of it, filled. */
typedef struct svg_part {
    const char *label;
    double whole, kept;
} svg_part;
/* As columns next to each other, numbered from 0: for blocks. */
void svg_columns(text *t, const char *title, const char *x_label, const svg_part *parts,
                 size_t count);
/* As rows below each other, with their labels: for layers. */
void svg_parts(text *t, const char *title, const svg_part *parts, size_t count);

#endif
