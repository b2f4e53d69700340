#include "pipelines/report/svg.h"
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

START_TEST(steps_are_round)
{
    int decimals;
    ck_assert_double_eq_tol(svg_step(10, 4, &decimals), 5, 1e-12);
    ck_assert_int_eq(decimals, 0);
    ck_assert_double_eq_tol(svg_step(0.7, 4, &decimals), 0.2, 1e-12);
    ck_assert_int_eq(decimals, 1);
    ck_assert_double_eq_tol(svg_step(0.0041, 4, &decimals), 0.002, 1e-12);
    ck_assert_int_eq(decimals, 3);
    ck_assert_double_eq_tol(svg_step(4000, 4, &decimals), 1000, 1e-9);
}
END_TEST

START_TEST(points_lie_inside_the_frame)
{
    text t = {0};
    svg_chart c;
    svg_axis x = {"x, ms", INFINITY, -INFINITY}, y = {"y", INFINITY, -INFINITY};
    const double xs[3] = {1.5, 88, 42}, ys[3] = {0.101, 0.1013, NAN};
    for (int i = 0; i < 3; i++) svg_axis_take(&x, xs[i]), svg_axis_take(&y, ys[i]);
    ck_assert_double_eq(x.low, 1.5);
    ck_assert_double_eq(y.high, 0.1013);
    svg_chart_open(&c, &t, "a & b", x, y);
    ck_assert(c.x.low <= 1.5 && c.x.high >= 88 && c.y.low <= 0.101 && c.y.high >= 0.1013);
    for (int i = 0; i < 3; i++) svg_chart_dot(&c, xs[i], ys[i], "after", "<note>");
    svg_chart_close(&c);
    int dots = 0;
    for (const char *at = t.data; (at = strstr(at, "<circle")); at++, dots++) {
        double cx, cy;
        ck_assert_int_eq(sscanf(at, "<circle class=\"after\" cx=%lf cy=%lf", &cx, &cy), 2);
        ck_assert(cx >= 56 && cx <= 350 && cy >= 26 && cy <= 204);
    }
    ck_assert_int_eq(dots, 2); /* the third is not a number */
    ck_assert_ptr_nonnull(strstr(t.data, "a &amp; b"));
    ck_assert_ptr_nonnull(strstr(t.data, "&lt;note&gt;"));
    free(text_take(&t));
}
END_TEST

START_TEST(one_point_still_has_axes)
{
    text t = {0};
    svg_chart c;
    const svg_axis x = {"x", 5, 5}, y = {"y", INFINITY, -INFINITY};
    svg_chart_open(&c, &t, "one", x, y);
    ck_assert(c.x.low < 5 && c.x.high > 5 && c.y.low < c.y.high);
    svg_chart_close(&c);
    ck_assert_ptr_null(strstr(t.data, "nan"));
    ck_assert_ptr_null(strstr(t.data, "inf"));
    free(text_take(&t));
}
END_TEST

START_TEST(ticks_lie_on_the_axis)
{
    for (int k = 1; k < 200; k++) {
        text t = {0};
        svg_chart c;
        const svg_axis x = {"x", 3.04, 3.04}, y = {"y", 1, 1 + 0.013 * k};
        svg_chart_open(&c, &t, "ticks", x, y);
        int ticks = 0;
        double at;
        for (const char *g = t.data; (g = strstr(g, "class=grid d=\"M")); g++) {
            if (sscanf(g, "class=grid d=\"M56 %lfH", &at) == 1 && strchr(g, 'H') < strchr(g, '/')) {
                ck_assert_msg(at >= 25.9 && at <= 204.1, "%g", at);
                ticks++;
            } else {
                ck_assert_int_eq(sscanf(g, "class=grid d=\"M%lf", &at), 1);
                ck_assert_msg(at >= 55.9 && at <= 350.1, "%g", at);
            }
        }
        ck_assert_int_ge(ticks, 2);
        svg_chart_close(&c);
        free(text_take(&t));
    }
}
END_TEST

START_TEST(bars_are_as_long_as_their_numbers)
{
    text t = {0};
    const svg_bar bars[2] = {{"0-5 m", 0.1, 0.2}, {"5-10 m", NAN, 0.05}};
    svg_bars(&t, "abs_rel", bars, 2, 3);
    /* The longest fills 192 units. */
    ck_assert_ptr_nonnull(strstr(t.data, "class=\"after\" x=116 y=35.0 width=192.0"));
    ck_assert_ptr_nonnull(strstr(t.data, "class=\"before\" x=116 y=24.0 width=96.0"));
    ck_assert_ptr_nonnull(strstr(t.data, "width=48.0"));
    ck_assert_ptr_nonnull(strstr(t.data, ">0.050<"));
    ck_assert_ptr_null(strstr(t.data, "nan"));
    free(text_take(&t));
}
END_TEST

START_TEST(what_is_left_stands_in_what_was)
{
    text t = {0};
    const svg_part parts[2] = {{"blocks.0", 4, 3},
                               {"a.very.long.name.that.does.not.fit.here", 2, 0}};
    svg_columns(&t, "heads", "block", parts, 2);
    /* 134 units stand for 4. */
    ck_assert_ptr_nonnull(strstr(t.data, "height=134.0 /><rect class=after"));
    ck_assert_ptr_nonnull(strstr(t.data, "height=100.5 /><title>blocks.0: 3 of 4"));
    ck_assert_ptr_nonnull(strstr(t.data, ": 0 of 2"));
    free(text_take(&t));
    t = (text){0};
    svg_parts(&t, "heads", parts, 2);
    ck_assert_ptr_nonnull(strstr(t.data, "width=124.0 height=12 /><rect class=after"));
    ck_assert_ptr_nonnull(strstr(t.data, "width=93.0 height=12 />"));
    ck_assert_ptr_nonnull(strstr(t.data, "&hellip;ame.that.does.not.fit.here<"));
    free(text_take(&t));
}
END_TEST

TEST_MAIN("pipelines.report.svg", ticks_lie_on_the_axis, what_is_left_stands_in_what_was,
          steps_are_round, points_lie_inside_the_frame, one_point_still_has_axes,
          bars_are_as_long_as_their_numbers)
