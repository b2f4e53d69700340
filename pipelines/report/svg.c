#include "pipelines/report/svg.h"

#include <math.h>
#include <string.h>

/* Of the plot inside its drawing. */
enum { WIDTH = 360, HEIGHT = 250, LEFT = 56, RIGHT = 350, TOP = 26, BOTTOM = 204 };

void svg_axis_take(svg_axis *axis, double value)
{
    if (isnan(value)) return;
    if (value < axis->low) axis->low = value;
    if (value > axis->high) axis->high = value;
}

double svg_step(double width, int ticks, int *decimals)
{
    const double raw = width / ticks, power = pow(10, floor(log10(raw)));
    const double lead = raw / power;
    const double step = power * (lead > 5 ? 10 : lead > 2 ? 5 : lead > 1 ? 2 : 1);
    const double places = -floor(log10(step) + 1e-9);
    *decimals = places > 0 ? (int)places : 0;
    return step;
}

/* Air around the values, and ends at round numbers. */
static void widen(svg_axis *axis, int ticks)
{
    int unused;
    if (!(axis->high >= axis->low)) axis->low = 0, axis->high = 1;
    double width = axis->high - axis->low;
    if (width <= 0) width = axis->high != 0 ? 0.2 * fabs(axis->high) : 1;
    const bool positive = axis->low >= 0;
    axis->low -= 0.06 * width;
    axis->high += 0.06 * width;
    if (positive && axis->low < 0.25 * axis->high) axis->low = 0;
    const double step = svg_step(axis->high - axis->low, ticks, &unused);
    axis->low = step * floor(axis->low / step + 1e-9);
    axis->high = step * ceil(axis->high / step - 1e-9);
}

static double place_x(const svg_chart *c, double x)
{
    return LEFT + (x - c->x.low) / (c->x.high - c->x.low) * (RIGHT - LEFT);
}

static double place_y(const svg_chart *c, double y)
{
    return BOTTOM - (y - c->y.low) / (c->y.high - c->y.low) * (BOTTOM - TOP);
}

/* Multiples of the step that lie on the axis: its ends were rounded by another one. */
static double first_tick(const svg_axis *axis, double step)
{
    return step * ceil(axis->low / step - 1e-6);
}

static void draw_ticks(svg_chart *c)
{
    int decimals;
    double step = svg_step(c->x.high - c->x.low, 4, &decimals);
    for (double x = first_tick(&c->x, step); x <= c->x.high + step * 1e-6; x += step) {
        const double at = place_x(c, x);
        text_add(c->t,
                 "<path class=grid d=\"M%.1f %dV%d\"/><text x=%.1f y=%d "
                 "text-anchor=middle>%.*f</text>",
                 at, TOP, BOTTOM, at, BOTTOM + 15, decimals, fabs(x) < step / 1e6 ? 0.0 : x);
    }
    step = svg_step(c->y.high - c->y.low, 4, &decimals);
    for (double y = first_tick(&c->y, step); y <= c->y.high + step * 1e-6; y += step) {
        const double at = place_y(c, y);
        text_add(c->t,
                 "<path class=grid d=\"M%d %.1fH%d\"/><text x=%d y=%.1f "
                 "text-anchor=end>%.*f</text>",
                 LEFT, at, RIGHT, LEFT - 5, at + 4, decimals, fabs(y) < step / 1e6 ? 0.0 : y);
    }
}

static void open_drawing(text *t, int height, const char *title)
{
    text_add(t, "<svg viewBox=\"0 0 %d %d\" role=img aria-label=\"", WIDTH, height);
    text_escaped(t, title);
    text_add(t, "\">");
}

void svg_chart_open(svg_chart *c, text *t, const char *title, svg_axis x, svg_axis y)
{
    *c = (svg_chart){.t = t, .x = x, .y = y};
    widen(&c->x, 4);
    widen(&c->y, 4);
    open_drawing(t, HEIGHT, title);
    draw_ticks(c);
    text_add(t, "<path class=axis d=\"M%d %dV%dH%d\"/>", LEFT, TOP, BOTTOM, RIGHT);
    text_add(t, "<text class=name x=%d y=%d text-anchor=middle>", (LEFT + RIGHT) / 2, BOTTOM + 36);
    text_escaped(t, x.label);
    text_add(t, "</text><text class=name x=4 y=14>");
    text_escaped(t, y.label);
    text_add(t, "</text>");
}

void svg_chart_dot(svg_chart *c, double x, double y, const char *class, const char *note)
{
    if (!isfinite(x) || !isfinite(y)) return;
    text_add(c->t, "<circle class=\"%s\" cx=%.1f cy=%.1f r=5>", class, place_x(c, x),
             place_y(c, y));
    if (note) {
        text_add(c->t, "<title>");
        text_escaped(c->t, note);
        text_add(c->t, "</title>");
    }
    text_add(c->t, "</circle>");
}

void svg_chart_line(svg_chart *c, double x0, double y0, double x1, double y1, const char *class)
{
    if (!isfinite(x0) || !isfinite(y0) || !isfinite(x1) || !isfinite(y1)) return;
    text_add(c->t, "<path class=\"line %s\" d=\"M%.1f %.1fL%.1f %.1f\"/>", class, place_x(c, x0),
             place_y(c, y0), place_x(c, x1), place_y(c, y1));
}

void svg_chart_label(svg_chart *c, double x, double y, int row, const char *words)
{
    if (!isfinite(x) || !isfinite(y)) return;
    const double at = place_x(c, x), line = place_y(c, y) + 4 + 13 * row;
    /* About 6.2 units a letter at this size. */
    const bool left = at + 9 + 6.2 * (double)strlen(words) > WIDTH;
    text_add(c->t, "<text x=%.1f y=%.1f%s>", left ? at - 9 : at + 9, line,
             left ? " text-anchor=end" : "");
    text_escaped(c->t, words);
    text_add(c->t, "</text>");
}

void svg_chart_close(svg_chart *c)
{
    text_add(c->t, "</svg>");
}

enum { BAR = 9, ROW = 30, BAR_LEFT = 116, BAR_RIGHT = 308 };

static void draw_bar(text *t, double value, double largest, double y, const char *class,
                     int decimals)
{
    if (isnan(value)) return;
    const double width = largest > 0 ? value / largest * (BAR_RIGHT - BAR_LEFT) : 0;
    text_add(t,
             "<rect class=\"%s\" x=%d y=%.1f width=%.1f height=%d rx=1 />"
             "<text x=%.1f y=%.1f>%.*f</text>",
             class, BAR_LEFT, y, fmax(width, 0), BAR, BAR_LEFT + fmax(width, 0) + 4, y + BAR,
             decimals, value);
}

void svg_bars(text *t, const char *title, const svg_bar *bars, size_t count, int decimals)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fmax(isnan(bars[i].before) ? 0 : bars[i].before,
                                     isnan(bars[i].after) ? 0 : bars[i].after));
    open_drawing(t, (int)count * ROW + 24, title);
    text_add(t, "<text class=name x=4 y=14>");
    text_escaped(t, title);
    text_add(t, "</text>");
    for (size_t i = 0; i < count; i++) {
        const double y = 24 + (double)i * ROW;
        text_add(t, "<text x=%d y=%.1f text-anchor=end>", BAR_LEFT - 6, y + BAR + 5);
        text_escaped(t, bars[i].label);
        text_add(t, "</text>");
        draw_bar(t, bars[i].before, largest, y, "before", decimals);
        draw_bar(t, bars[i].after, largest, y + BAR + 2, "after", decimals);
    }
    text_add(t, "</svg>");
}

enum { COLUMN_TOP = 36, COLUMN_BOTTOM = 170, COLUMN_HEIGHT = 206 };

static double largest_whole(const svg_part *parts, size_t count)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++) largest = fmax(largest, parts[i].whole);
    return largest > 0 ? largest : 1;
}

static void draw_column(text *t, const svg_part *part, double x, double width, double unit)
{
    const double kept = part->kept * unit, whole = part->whole * unit;
    text_add(t,
             "<g><rect class=outline x=%.1f y=%.1f width=%.1f height=%.1f />"
             "<rect class=after x=%.1f y=%.1f width=%.1f height=%.1f /><title>",
             x, COLUMN_BOTTOM - whole, width, whole, x, COLUMN_BOTTOM - kept, width, kept);
    text_escaped(t, part->label);
    text_add(t, ": %.0f of %.0f</title></g>", part->kept, part->whole);
}

void svg_columns(text *t, const char *title, const char *x_label, const svg_part *parts,
                 size_t count)
{
    const double unit = (COLUMN_BOTTOM - COLUMN_TOP) / largest_whole(parts, count);
    const double pitch = (double)(WIDTH - 16) / (double)count, width = fmax(pitch * 0.72, 1);
    open_drawing(t, COLUMN_HEIGHT, title);
    text_add(t, "<text class=name x=4 y=14>");
    text_escaped(t, title);
    text_add(t, "</text>");
    for (size_t i = 0; i < count; i++) {
        const double x = 8 + pitch * ((double)i + 0.5) - width / 2, middle = x + width / 2;
        draw_column(t, &parts[i], x, width, unit);
        if (pitch > 24)
            text_add(t, "<text x=%.1f y=%.1f text-anchor=middle>%.0f</text>", middle,
                     COLUMN_BOTTOM - parts[i].whole * unit - 4, parts[i].kept);
        if (pitch > 15 || i % 4 == 0)
            text_add(t, "<text x=%.1f y=%d text-anchor=middle>%zu</text>", middle,
                     COLUMN_BOTTOM + 14, i);
    }
    text_add(t, "<text class=name x=%d y=%d text-anchor=middle>", WIDTH / 2, COLUMN_BOTTOM + 32);
    text_escaped(t, x_label);
    text_add(t, "</text></svg>");
}

enum { PART_LEFT = 168, PART_RIGHT = 292, PART_ROW = 17, LABEL_ROOM = 27 };

/* Of long names the end: the beginning is what their neighbours share. */
static void add_short(text *t, const char *label)
{
    const size_t length = strlen(label);
    if (length > LABEL_ROOM) text_add(t, "&hellip;");
    text_escaped(t, length > LABEL_ROOM ? label + length - LABEL_ROOM + 1 : label);
}

void svg_parts(text *t, const char *title, const svg_part *parts, size_t count)
{
    const double unit = (PART_RIGHT - PART_LEFT) / largest_whole(parts, count);
    open_drawing(t, (int)count * PART_ROW + 24, title);
    text_add(t, "<text class=name x=4 y=14>");
    text_escaped(t, title);
    text_add(t, "</text>");
    for (size_t i = 0; i < count; i++) {
        const double y = 22 + (double)(i * PART_ROW);
        text_add(t, "<g><text x=%d y=%.1f text-anchor=end>", PART_LEFT - 6, y + 10);
        add_short(t, parts[i].label);
        text_add(t,
                 "</text><rect class=outline x=%d y=%.1f width=%.1f height=12 />"
                 "<rect class=after x=%d y=%.1f width=%.1f height=12 />"
                 "<text x=%.1f y=%.1f>%.0f of %.0f</text><title>",
                 PART_LEFT, y, parts[i].whole * unit, PART_LEFT, y, parts[i].kept * unit,
                 PART_LEFT + parts[i].whole * unit + 4, y + 10, parts[i].kept, parts[i].whole);
        text_escaped(t, parts[i].label);
        text_add(t, "</title></g>");
    }
    text_add(t, "</svg>");
}
