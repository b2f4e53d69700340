#include "tests/eval/analysis/maps.h"

#include <jansson.h>
#include <math.h>

static prune_analysis *create(prune_context *ctx, const char *protocol)
{
    prune_analysis *analysis = NULL;
    prune_evaluation_options options;
    prune_evaluation_options_init(&options);
    options.protocol = protocol;
    ck_ok(prune_analysis_create(&analysis, ctx, &options));
    return analysis;
}

static void add(prune_analysis *analysis, const char *name, const char *group, const float *truth,
                const float *values)
{
    const prune_sample sample = {.name = name,
                                 .group = group,
                                 .width = MAPS_WIDTH,
                                 .height = MAPS_HEIGHT,
                                 .depth = truth,
                                 .depth_width = MAPS_WIDTH,
                                 .depth_height = MAPS_HEIGHT};
    const prune_prediction prediction = {MAPS_WIDTH, MAPS_HEIGHT, values, 2, 0, 0};
    ck_ok(prune_analysis_add(analysis, &prediction, &sample));
}

static json_t *result(const prune_analysis *analysis)
{
    char *text = NULL;
    ck_ok(prune_analysis_json(analysis, &text));
    json_t *json = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(json);
    prune_text_free(text);
    return json;
}

static double at(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

START_TEST(frames_are_put_together)
{
    prune_context *ctx = test_context(1);
    float truth[MAPS_COUNT], whole[MAPS_COUNT], prediction[MAPS_COUNT];
    prune_analysis *analysis = create(ctx, "eigen-benchmark");
    maps_fill(truth, prediction, true);
    maps_fill(whole, prediction, false);
    add(analysis, "a_01", "drive", truth, prediction);
    add(analysis, "a_02", "drive", truth, whole); /* exact: no error, all edges */
    add(analysis, "a_03", "other", truth, whole); /* another drive: no neighbour */
    json_t *json = result(analysis);
    ck_assert_double_eq(at(json, "frames"), 3);
    const json_t *distance = json_object_get(json, "distance");
    ck_assert_uint_eq(json_array_size(distance), 5); /* nothing beyond 80 m: no sixth bin */
    const json_t *near = json_array_get(distance, 0), *far = json_array_get(distance, 4);
    ck_assert_double_eq(at(near, "pixels"), 3 * 41);
    ck_assert_double_eq_tol(at(near, "share"), 41.0 / 110, 1e-12);
    ck_assert_double_eq_tol(at(near, "abs_rel"), 2.578947781361 / (3 * 41), 1e-9);
    ck_assert_double_eq_tol(at(near, "rmse"), sqrt(2.261899467087 / (3 * 41)), 1e-9);
    ck_assert(json_is_null(json_object_get(far, "abs_rel")));
    ck_assert_uint_eq(json_array_size(json_object_get(json, "region")), 9);
    const json_t *edges = json_object_get(json, "edges");
    /* Even the truth itself scores less than 1 in so small a map: a direction without boundaries
     * counts as zero in the original. The numpy program says the same. */
    ck_assert_double_eq_tol(at(edges, "f1"), (0.295486496425 + 2 * 0.766062801932) / 3, 1e-9);
    ck_assert_double_eq_tol(at(edges, "step_share"),
                            (6.753200134096 + 2 * 15.062162363941) / (3 * 15.062162363941), 1e-9);
    const json_t *flicker = json_object_get(json, "flicker");
    ck_assert_double_eq(at(flicker, "pairs"), 1);
    ck_assert_double_eq_tol(at(flicker, "mean"), 0.099649121459, 1e-9);
    json_decref(json);
    prune_analysis_free(analysis);
    prune_context_free(ctx);
}
END_TEST

START_TEST(alignment_is_the_protocols)
{
    prune_context *ctx = test_context(1);
    float truth[MAPS_COUNT], values[MAPS_COUNT];
    prune_analysis *analysis = create(ctx, "affine");
    maps_fill(truth, values, false);
    for (int i = 0; i < MAPS_COUNT; i++) values[i] = 3 / truth[i] + 0.2f;
    const prune_sample sample = {.name = "a",
                                 .group = "",
                                 .width = MAPS_WIDTH,
                                 .height = MAPS_HEIGHT,
                                 .depth = truth,
                                 .depth_width = MAPS_WIDTH,
                                 .depth_height = MAPS_HEIGHT};
    const prune_prediction relative = {MAPS_WIDTH, MAPS_HEIGHT, values, 0, 0, 0};
    ck_ok(prune_analysis_add(analysis, &relative, &sample));
    json_t *json = result(analysis);
    ck_assert_double_lt(at(json_array_get(json_object_get(json, "distance"), 0), "abs_rel"), 1e-5);
    ck_assert(json_is_null(json_object_get(json, "flicker")));
    json_decref(json);
    prune_analysis_free(analysis);
    prune_context_free(ctx);
}
END_TEST

START_TEST(mistakes_are_named)
{
    prune_context *ctx = test_context(1);
    prune_analysis *analysis = NULL;
    float truth[MAPS_COUNT], values[MAPS_COUNT];
    prune_evaluation_options options;
    prune_evaluation_options_init(&options);
    options.protocol = "guess";
    ck_fails(prune_analysis_create(&analysis, ctx, &options), PRUNE_E_ARGUMENT, "guess");
    analysis = create(ctx, "eigen-benchmark");
    maps_fill(truth, values, false);
    const prune_sample bare = {.name = "bare", .width = 13, .height = 9};
    const prune_prediction prediction = {13, 9, values, 2, 0, 0};
    ck_fails(prune_analysis_add(analysis, &prediction, &bare), PRUNE_E_ARGUMENT, "bare");
    prune_analysis_free(analysis);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("eval.analysis.analysis", frames_are_put_together, alignment_is_the_protocols,
          mistakes_are_named)
