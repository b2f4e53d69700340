/* Covers: source.c, choose.c, analyse.c, describe.c, pictures.c */
#include "pipelines/report/look.h"
#include "pipelines/report/text.h"
#include "tests/pipelines/scene.h"

#include <math.h>
#include <prune/sys/memory.h>
#include <stdio.h>
#include <sys/stat.h>

enum { FRAMES = 6 };

/* Metric predictions that are the truth times 1 + error[frame], 10 m where there is none. */
static void write_predictions(prune_context *ctx, prune_samples *samples, const char *folder,
                              const double *error)
{
    (void)mkdir(folder, 0777);
    for (uint64_t i = 0; i < FRAMES; i++) {
        prune_sample sample;
        char path[700];
        ck_ok(prune_samples_load(samples, i, &sample));
        const size_t count = (size_t)sample.width * (size_t)sample.height;
        float *map = calloc(count, sizeof *map);
        for (size_t k = 0; k < count; k++)
            map[k] = sample.depth[k] > 0 ? sample.depth[k] * (float)(1 + error[i]) : 10;
        (void)snprintf(path, sizeof path, "%s/%s.npy", folder, sample.name);
        ck_ok(prune_map_write_npy(ctx, path, map, sample.width, sample.height));
        free(map);
        prune_samples_release(samples, &sample);
    }
}

typedef struct setting {
    prune_context *ctx;
    prune_samples *samples;
    char folders[2][600];
    report_source before, after;
    prune_evaluation *judged[2];
    prune_evaluation_options options;
    report_subject subject;
} setting;

static const double errors[2][FRAMES] = {{0.10, 0.02, 0.05, 0.01, 0.03, 0.04},
                                         {0.11, 0.06, 0.05, 0.02, 0.03, 0.04}};

static void open_setting(setting *s)
{
    *s = (setting){.ctx = test_context(1)};
    s->samples = scene_samples(s->ctx, FRAMES, 3);
    prune_evaluation_options_init(&s->options);
    s->options.protocol = "eigen-benchmark";
    for (int i = 0; i < 2; i++) {
        (void)snprintf(s->folders[i], sizeof s->folders[i], "%s",
                       test_path(i, i == 0 ? "predicted_a" : "predicted_b"));
        write_predictions(s->ctx, s->samples, s->folders[i], errors[i]);
        ck_ok(prune_evaluation_create(&s->judged[i], s->ctx, &s->options));
        ck_ok(prune_evaluation_run_folder(s->judged[i], s->samples, s->folders[i], 2));
    }
    s->before = (report_source){.folder = s->folders[0], .units = 2};
    s->after = (report_source){.folder = s->folders[1], .units = 2};
    s->subject = (report_subject){.ctx = s->ctx,
                                  .output = s->folders[1],
                                  .samples = s->samples,
                                  .before = &s->before,
                                  .after = &s->after,
                                  .judged_before = s->judged[0],
                                  .judged_after = s->judged[1],
                                  .options = &s->options,
                                  .metric = "abs_rel",
                                  .pictures = 4,
                                  .analysed = 100};
}

static void close_setting(setting *s)
{
    prune_evaluation_free(s->judged[0]);
    prune_evaluation_free(s->judged[1]);
    prune_samples_free(s->samples);
    prune_context_free(s->ctx);
}

START_TEST(frames_are_chosen_by_rank)
{
    setting s;
    report_choice choices[5];
    int32_t count = 5;
    open_setting(&s);
    ck_ok(report_choose(choices, &count, &s.subject));
    ck_assert_int_eq(count, 5);
    /* After: 0.02 is best, 0.05 the fourth of six, 0.11 worst; 0.02 to 0.06 changed most. */
    static const uint64_t expected[4] = {3, 2, 0, 1};
    static const char *const ranks[5] = {"best", "median", "worst", "changed most for the worse",
                                         "between"};
    for (int i = 0; i < 4; i++) ck_assert_uint_eq(choices[i].index, expected[i]);
    for (int i = 0; i < 5; i++) ck_assert_str_eq(choices[i].rank, ranks[i]);
    ck_assert_double_eq_tol(choices[3].change, 0.04, 1e-3); /* 80 m is the most */
    s.subject.metric = "d1"; /* higher is better; all frames are alike */
    count = 2;
    ck_ok(report_choose(choices, &count, &s.subject));
    ck_assert_int_eq(count, 2);
    close_setting(&s);
}
END_TEST

START_TEST(analysis_and_pictures_go_into_the_report)
{
    setting s;
    open_setting(&s);
    json_t *report = json_object();
    ck_ok(report_look(&s.subject, report));
    ck_assert_double_eq(report_number(report, "analysis.frames"), FRAMES);
    double sum = 0, pixels = 0;
    for (int i = 0; i < 5; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "analysis.after.distance.%d", i);
        const json_t *bin = report_at(report, path);
        const double n = report_number(bin, "pixels"), e = report_number(bin, "abs_rel");
        if (n > 0) sum += n * e, pixels += n;
    }
    ck_assert_double_gt(pixels, 1000);
    ck_assert(sum / pixels > 0.02 && sum / pixels < 0.11);
    ck_assert_uint_eq(json_array_size(report_at(report, "pictures")), 4);
    ck_assert_double_lt(report_number(report, "picture_scales.depth_m.0"),
                        report_number(report, "picture_scales.depth_m.1"));
    char path[700];
    prune_image image;
    (void)snprintf(path, sizeof path, "%s/%s", s.folders[1],
                   report_word(report, "pictures.0.error_after"));
    ck_ok(prune_image_read(&image, s.ctx, path));
    ck_assert_int_eq(image.width, 96);
    prune_image_free(s.ctx, &image);
    json_decref(report);
    close_setting(&s);
}
END_TEST

START_TEST(only_so_many_frames_are_analysed)
{
    setting s;
    open_setting(&s);
    json_t *report = json_object();
    s.subject.analysed = 5; /* pairs: four */
    ck_ok(report_analysis(&s.subject, report));
    ck_assert_double_eq(report_number(report, "analysis.frames"), 4);
    /* Flicker needs neighbours, which is why they come in pairs. */
    ck_assert_double_ge(report_number(report, "analysis.before.flicker.pairs"), 2);
    json_decref(report);
    close_setting(&s);
}
END_TEST

START_TEST(models_are_described)
{
    prune_context *ctx = test_context(1);
    prune_model *model = net_vit(ctx);
    json_t *report = json_object();
    ck_ok(report_describe(report, model, NULL));
    ck_assert_uint_gt(json_array_size(report_at(report, "network.before.spaces")), 3);
    ck_assert_uint_gt(json_array_size(report_at(report, "network.before.layers")), 3);
    ck_assert_ptr_null(report_at(report, "network.after"));
    json_decref(report);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(models_and_folders_predict_alike)
{
    setting s;
    open_setting(&s);
    prune_model *model = net_vit(s.ctx);
    report_source source = {.model = model};
    prune_sample sample;
    prune_prediction prediction;
    float *values = NULL;
    ck_ok(prune_samples_load(s.samples, 0, &sample));
    ck_ok(report_source_predict(&source, s.ctx, &sample, &values, &prediction));
    ck_assert_int_eq(prediction.width, 96);
    ck_assert_ptr_eq(prediction.values, values);
    prune_memory_free(s.ctx, values);
    report_source_close(&source);
    source = (report_source){.folder = "nowhere", .units = 2};
    ck_fails(report_source_predict(&source, s.ctx, &sample, &values, &prediction), PRUNE_E_IO,
             "nowhere");
    ck_assert_ptr_null(values);
    prune_samples_release(s.samples, &sample);
    prune_model_free(model);
    close_setting(&s);
}
END_TEST

TEST_MAIN("pipelines.report.look", frames_are_chosen_by_rank,
          analysis_and_pictures_go_into_the_report, only_so_many_frames_are_analysed,
          models_are_described, models_and_folders_predict_alike)
