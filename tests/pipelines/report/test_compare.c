/* Covers: compare.c, join.c, accuracy.c */
#include "pipelines/report/report.h"
#include "pipelines/report/text.h"
#include "tests/pipelines/scene.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FRAMES = 5 };

/* Depth maps of all frames: the truth times 1 + error. */
static void write_predictions(prune_context *ctx, prune_samples *samples, const char *folder,
                              double error)
{
    (void)mkdir(folder, 0777);
    for (uint64_t i = 0; i < FRAMES; i++) {
        prune_sample sample;
        char path[700];
        ck_ok(prune_samples_load(samples, i, &sample));
        const size_t count = (size_t)sample.width * (size_t)sample.height;
        float *map = calloc(count, sizeof *map);
        for (size_t k = 0; k < count; k++)
            map[k] = sample.depth[k] > 0 ? sample.depth[k] * (float)(1 + error) : 10;
        (void)snprintf(path, sizeof path, "%s/%s.npy", folder, sample.name);
        ck_ok(prune_map_write_npy(ctx, path, map, sample.width, sample.height));
        free(map);
        prune_samples_release(samples, &sample);
    }
}

static void init(prune_compare_options *o, prune_samples *samples, const char *output)
{
    prune_compare_options_init(o);
    o->output = output;
    o->protocol = "eigen-benchmark";
    o->bench_seconds = 0.1;
    o->pictures = 2;
    o->samples = samples;
    o->command = "prune compare <a> b";
}

static json_t *read_report(prune_context *ctx, const char *folder)
{
    json_t *report = NULL;
    ck_ok(report_read(&report, ctx, folder));
    return report;
}

START_TEST(two_folders_of_predictions)
{
    prune_context *ctx = test_context(2);
    prune_samples *samples = scene_samples(ctx, FRAMES, 4);
    prune_compare_options o;
    char folders[2][600], out[600], *table = NULL;
    for (int i = 0; i < 2; i++) {
        (void)snprintf(folders[i], sizeof folders[i], "%s",
                       test_path(i, i == 0 ? "compared_a" : "compared_b"));
        write_predictions(ctx, samples, folders[i], i == 0 ? 0.05 : 0.03);
    }
    (void)snprintf(out, sizeof out, "%s", test_path(2, "compared_out"));
    const prune_contestant a = {sizeof a, "a<b>", NULL, folders[0], 2, 0},
                           b = {sizeof b, "b", NULL, folders[1], 2, 0};
    init(&o, samples, out);
    ck_ok(prune_compare(ctx, &a, &b, &o, &table));
    json_t *report = read_report(ctx, out);
    /* Where nothing is clamped at 80 m the errors are 5 % and 3 %. */
    ck_assert_double_eq_tol(report_number(report, "stages.0.accuracy.abs_rel.mean"), 0.05, 1e-3);
    ck_assert_double_eq_tol(report_number(report, "stages.1.accuracy.abs_rel.change"), -0.02, 1e-3);
    ck_assert_ptr_null(report_at(report, "stages.0.latency_ms"));
    ck_assert_ptr_null(report_at(report, "stages.0.accuracy.abs_rel.change"));
    ck_assert_uint_eq(json_array_size(report_at(report, "pictures")), 2);
    ck_assert_double_eq(report_number(report, "analysis.frames"), FRAMES);
    ck_assert_ptr_null(strstr(table, "latency"));
    ck_assert_ptr_nonnull(strstr(table, "abs_rel -0.0"));
    prune_text_free(table);
    json_decref(report);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

START_TEST(a_model_against_predictions_and_against_itself)
{
    prune_context *ctx = test_context(2);
    prune_samples *samples = scene_samples(ctx, FRAMES, 4);
    prune_model *model = net_vit(ctx);
    prune_compare_options o;
    char folder[600], outs[2][600], page[600], *table = NULL;
    (void)snprintf(folder, sizeof folder, "%s", test_path(0, "mixed"));
    for (int i = 0; i < 2; i++)
        (void)snprintf(outs[i], sizeof outs[i], "%s",
                       test_path(i, i == 0 ? "mixed_out_a" : "mixed_out_b"));
    write_predictions(ctx, samples, folder, 0.05);
    const prune_contestant net = {sizeof net, "net", model, NULL, -1, 1000000},
                           maps = {sizeof maps, "maps", NULL, folder, 2, 0};
    init(&o, samples, outs[0]);
    ck_ok(prune_compare(ctx, &net, &maps, &o, NULL));
    json_t *report = read_report(ctx, outs[0]);
    ck_assert_double_gt(report_number(report, "stages.0.latency_ms.median"), 0);
    ck_assert(isnan(report_number(report, "stages.1.latency_ms.median")));
    ck_assert_double_eq(report_number(report, "stages.0.given_bytes"), 1e6);
    json_decref(report);
    init(&o, samples, outs[1]);
    ck_ok(prune_compare(ctx, &net, &net, &o, NULL));
    report = read_report(ctx, outs[1]);
    ck_assert_double_eq(report_number(report, "stages.1.accuracy.abs_rel.change"), 0);
    ck_assert_double_gt(report_number(report, "latency_ratio.ratio"), 0);
    json_decref(report);
    /* Both pages again, and side by side. */
    const char *const both[2] = {outs[0], outs[1]};
    (void)snprintf(page, sizeof page, "%s", test_path(3, "joined.html"));
    ck_ok(prune_report_render(ctx, outs[0], &table));
    ck_assert_ptr_nonnull(strstr(table, "maps"));
    prune_text_free(table);
    ck_ok(prune_report_join(ctx, both, 2, page, &table));
    ck_assert_ptr_null(strstr(table, "of before"));
    ck_assert_ptr_null(strstr(table, "cannot be compared"));
    ck_assert_int_eq(access(page, R_OK), 0);
    prune_text_free(table);
    prune_model_free(model);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

START_TEST(other_frames_are_pointed_out)
{
    prune_context *ctx = test_context(1);
    char folders[2][600], page[600], *table = NULL;
    for (int i = 0; i < 2; i++) {
        (void)snprintf(folders[i], sizeof folders[i], "%s",
                       test_path(i, i == 0 ? "apart_a" : "apart_b"));
        (void)mkdir(folders[i], 0777);
        json_t *report = json_pack("{s:{s:s, s:i}, s:[{s:s, s:i}]}", "accuracy_on", "metric",
                                   "abs_rel", "frames", 10 + i, "stages", "name", "n", "macs", 5);
        ck_ok(report_write(ctx, folders[i], report));
        json_decref(report);
    }
    const char *const both[2] = {folders[0], folders[1]};
    (void)snprintf(page, sizeof page, "%s", test_path(2, "apart.html"));
    ck_ok(prune_report_join(ctx, both, 2, page, &table));
    ck_assert_ptr_nonnull(strstr(table, "cannot be compared"));
    prune_text_free(table);
    ck_fails(prune_report_join(ctx, both, 0, page, &table), PRUNE_E_ARGUMENT, "no run");
    prune_context_free(ctx);
}
END_TEST

START_TEST(mistakes_are_named_before_work_begins)
{
    prune_context *ctx = test_context(1);
    prune_samples *samples = scene_samples(ctx, FRAMES, 4);
    prune_compare_options o;
    const prune_contestant nobody = {sizeof nobody, "nobody", NULL, NULL, -1, 0},
                           maps = {sizeof maps, "maps", NULL, "nowhere", 2, 0};
    init(&o, samples, NULL);
    ck_fails(prune_compare(ctx, &maps, &maps, &o, NULL), PRUNE_E_ARGUMENT, "-o");
    init(&o, NULL, test_path(0, "never"));
    ck_fails(prune_compare(ctx, &maps, &maps, &o, NULL), PRUNE_E_ARGUMENT, "--data");
    init(&o, samples, test_path(0, "never"));
    ck_fails(prune_compare(ctx, &maps, &nobody, &o, NULL), PRUNE_E_ARGUMENT, "contestant 2");
    ck_fails(prune_compare(ctx, &maps, &maps, &o, NULL), PRUNE_E_IO, "nowhere");
    o.protocol = "guess";
    ck_fails(prune_compare(ctx, &maps, &maps, &o, NULL), PRUNE_E_ARGUMENT, "guess");
    ck_assert_int_ne(access(o.output, F_OK), 0);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("pipelines.report.compare", two_folders_of_predictions,
          a_model_against_predictions_and_against_itself, other_frames_are_pointed_out,
          mistakes_are_named_before_work_begins)
