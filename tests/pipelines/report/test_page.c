/* Covers: page.c, page_comparison.c, page_curves.c, page_frames.c, page_origin.c, page_network.c,
 * page_precision.c, page_analysis.c */
#include "pipelines/report/report.h"
#include "tests/pipelines/report/made_up.h"
#include "tests/support/support.h"

#include <prune/image.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

START_TEST(names_from_outside_are_escaped)
{
    json_t *report = made_up_report();
    (void)json_object_set_new(report, "architecture", json_string("net<script>"));
    (void)json_object_set_new(report, "command", json_string("prune <b>&\"x\" 'y'"));
    (void)json_object_set_new(report, "license", json_string("<i>free</i>"));
    (void)json_object_set_new(report, "pictures",
                              json_pack("[{s:s, s:s, s:f, s:s}]", "frame", "a<script>", "rank",
                                        "best", "value", 0.5, "image", "../secret.png"));
    char *page = report_page(NULL, NULL, report);
    ck_assert_ptr_nonnull(strstr(page, "prune &lt;b&gt;&amp;&quot;x&quot; &#39;y&#39;"));
    ck_assert_ptr_null(strstr(page, "<script"));
    ck_assert_ptr_null(strstr(page, "<i>free"));
    ck_assert_ptr_null(strstr(page, "secret"));
    free(page);
    json_decref(report);
}
END_TEST

START_TEST(needs_nothing_from_the_network)
{
    json_t *report = made_up_report();
    char *page = report_page(NULL, NULL, report);
    ck_assert_ptr_null(strstr(page, "http"));
    ck_assert_ptr_null(strstr(page, "url("));
    ck_assert_ptr_null(strstr(page, "@import"));
    free(page);
    json_decref(report);
}
END_TEST

START_TEST(numbers_and_intervals_are_there)
{
    json_t *report = made_up_report();
    char *page = report_page(NULL, NULL, report);
    ck_assert_ptr_nonnull(
        strstr(page, "<span class=\"bad\">+0.0050</span><small>[+0.0030, +0.0070]</small>"));
    ck_assert_ptr_nonnull(strstr(page, "<span class=\"good\">50.0 %</span>"));
    ck_assert_ptr_nonnull(strstr(page, "MACs per frame, G"));
    ck_assert_ptr_nonnull(strstr(page, "licence of the weights"));
    ck_assert_ptr_null(strstr(page, "nan"));
    free(page);
    json_decref(report);
}
END_TEST

START_TEST(missing_parts_are_left_out)
{
    json_t *report = json_pack("{s:[{s:s, s:i},{s:s}]}", "stages", "name", "before", "parameters",
                               2000000, "name", "after");
    char *page = report_page(NULL, NULL, report);
    ck_assert_ptr_nonnull(strstr(page, "<td>2.000<td>&ndash;"));
    ck_assert_ptr_null(strstr(page, "<svg"));
    ck_assert_ptr_null(strstr(page, "nan"));
    ck_assert_ptr_nonnull(strstr(page, "No labelled pairs were given"));
    free(page);
    json_decref(report);
}
END_TEST

static json_t *network(int heads, const char *compute)
{
    return json_pack("{s:[{s:s,s:s,s:i},{s:s,s:s,s:i}], "
                     "s:[{s:s,s:s,s:i,s:i,s:s},{s:s,s:s,s:i,s:i,s:s},{s:s,s:s,s:i,s:i,s:s}]}",
                     "spaces", "name", "b0.heads", "kind", "head", "units", heads, "name", "conv1",
                     "kind", "channel", "units", 8, "layers", "name", "b0.q<", "op", "linear",
                     "parameters", 10, "macs", 300, "compute", compute, "name", "b0.attn", "op",
                     "attention", "parameters", 0, "macs", 100, "compute", "fp32", "name", "conv1",
                     "op", "conv", "parameters", 10, "macs", 100, "compute", "fp32");
}

START_TEST(the_network_before_and_after)
{
    json_t *report = made_up_report();
    (void)json_object_set_new(
        report, "network",
        json_pack("{s:o, s:o}", "before", network(6, "fp32"), "after", network(4, "int8")));
    (void)json_object_set_new(report, "quantize",
                              json_pack("{s:[{s:s,s:f,s:f,s:s},{s:s,s:f,s:f,s:s}]}", "ranking",
                                        "layer", "conv1", "drop", 0.5, "error", 0.25, "precision",
                                        "fp32", "layer", "b0.q<", "drop", 0.001, "error", 0.002,
                                        "precision", "int8"));
    char *page = report_page(NULL, NULL, report);
    ck_assert_ptr_nonnull(strstr(page, "b0.heads: 4 of 6"));
    ck_assert_ptr_nonnull(strstr(page, "60.0 % of them are computed in INT8"));
    ck_assert_ptr_nonnull(strstr(page, "alone in INT8 it costs 0.50000"));
    ck_assert_ptr_nonnull(strstr(page, "1 further layers"));
    ck_assert_ptr_nonnull(strstr(page, "<td>b0.q&lt;<td>+0.00100<td>0.00200"));
    free(page);
    (void)json_object_set_new(
        report, "network",
        json_pack("{s:o, s:o}", "before", network(6, "fp32"), "after", network(6, "fp32")));
    page = report_page(NULL, NULL, report);
    ck_assert_ptr_nonnull(strstr(page, "Nothing: the network has the shape"));
    ck_assert_ptr_null(strstr(page, "<h2>Precision"));
    free(page);
    json_decref(report);
}
END_TEST

START_TEST(where_it_errs)
{
    json_t *report = made_up_report();
    json_t *half =
        json_pack("{s:[{s:f,s:f,s:f,s:f,s:f},{s:f,s:n,s:f,s:n,s:n}], "
                  "s:[{s:i,s:i,s:f,s:n},{s:i,s:i,s:f,s:f}], s:{s:f,s:i}, s:n}",
                  "distance", "from", 0.0, "to", 5.0, "share", 0.25, "abs_rel", 0.1, "rmse", 0.5,
                  "from", 80.0, "to", "share", 0.004, "abs_rel", "rmse", "region", "row", 0,
                  "column", 0, "share", 0.0, "abs_rel", "row", 0, "column", 1, "share", 0.5,
                  "abs_rel", 0.125, "edges", "f1", 0.3, "frames", 24, "flicker");
    (void)json_object_set_new(
        report, "analysis",
        json_pack("{s:i, s:O, s:O}", "frames", 24, "before", half, "after", half));
    char *page = report_page(NULL, NULL, report);
    ck_assert_ptr_nonnull(strstr(page, "0-5 m (25 %)"));
    ck_assert_ptr_nonnull(strstr(page, "over 80 m (&lt;1 %)"));
    ck_assert_ptr_nonnull(strstr(page, "fill-opacity=0.75"));
    ck_assert_ptr_nonnull(strstr(page, "0.1250"));
    ck_assert_ptr_nonnull(strstr(page, "<td>0.3000<td>0.3000"));
    ck_assert_ptr_nonnull(strstr(page, "nothing can be said about flicker"));
    ck_assert_ptr_null(strstr(page, "nan"));
    free(page);
    json_decref(half);
    json_decref(report);
}
END_TEST

START_TEST(goals_and_sweeps)
{
    json_t *report = made_up_report();
    (void)json_object_set_new(report, "goals",
                              json_pack("[{s:s, s:f, s:f, s:s, s:b, s:s}]", "name", "latency-ms",
                                        "target", 9.0, "value", 10.0, "unit", " ms", "met", 0,
                                        "words", "1 ms <too> much"));
    (void)json_object_set_new(
        report, "sweep",
        json_pack("{s:s, s:s, s:[{s:s,s:f,s:f,s:f,s:f,s:b},{s:s,s:f,s:f,s:f,s:f,s:b}]}", "key",
                  "macs", "rule", "the best", "points", "value", "0.8", "macs", 8e9, "packed_bytes",
                  8e6, "latency_ms", 8.0, "accuracy", 0.1, "chosen", 0, "value", "0.4", "macs", 4e9,
                  "packed_bytes", 4e6, "latency_ms", 4.0, "accuracy", 0.09, "chosen", 1));
    char *page = report_page(NULL, NULL, report);
    ck_assert_ptr_nonnull(strstr(page, "not met: 1 ms &lt;too&gt; much"));
    ck_assert_ptr_nonnull(strstr(page, "<td>9 ms<td>10 ms"));
    ck_assert_ptr_nonnull(strstr(page, "meets 0 of 1 goals; not met: latency-ms"));
    ck_assert_ptr_nonnull(strstr(page, "Sweep over macs"));
    ck_assert_ptr_nonnull(strstr(page, "<b>0.4</b>, taken<td>4<td>4<td>4<td>0.0900"));
    /* 0.8 is beaten in both: grey. */
    ck_assert_ptr_nonnull(strstr(page, "<title>0.8</title>"));
    ck_assert_ptr_null(strstr(page, "nan"));
    free(page);
    json_decref(report);
}
END_TEST

START_TEST(pictures_are_inside_the_page)
{
    prune_context *ctx = test_context(1);
    char folder[600], path[700];
    uint8_t rgb[16 * 8 * 3];
    json_t *report = made_up_report();
    (void)snprintf(folder, sizeof folder, "%s", test_path(0, "inside"));
    (void)mkdir(folder, 0777);
    for (size_t i = 0; i < sizeof rgb; i++) rgb[i] = (uint8_t)(i * 7);
    (void)snprintf(path, sizeof path, "%s/1_image.png", folder);
    ck_ok(prune_image_write_png(ctx, path, rgb, 16, 8));
    (void)json_object_set_new(report, "pictures",
                              json_pack("[{s:s, s:s, s:f, s:s, s:s}]", "frame", "f", "rank", "best",
                                        "value", 0.5, "image", "1_image.png", "truth",
                                        "missing.png"));
    (void)json_object_set_new(report, "picture_scales",
                              json_pack("{s:[f,f]}", "depth_m", 3.0, 80.0));
    char *page = report_page(ctx, folder, report);
    ck_assert_ptr_nonnull(strstr(page, "src=\"data:image/jpeg;base64,/9j/"));
    ck_assert_ptr_null(strstr(page, "ground truth</div>"));
    ck_assert_ptr_nonnull(strstr(page, ">80</text>"));
    ck_assert_ptr_nonnull(strstr(page, "relative error"));
    free(page);
    json_decref(report);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("pipelines.report.page", the_network_before_and_after, where_it_errs, goals_and_sweeps,
          pictures_are_inside_the_page, names_from_outside_are_escaped,
          needs_nothing_from_the_network, numbers_and_intervals_are_there,
          missing_parts_are_left_out)
