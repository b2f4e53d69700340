/* The report: exactly the promised members, nothing that JSON does not know. */
#include "tests/eval/made_up.h"

START_TEST(json_has_the_promised_members)
{
    prune_context *ctx = test_context(1);
    made_up set;
    prune_samples *samples = made_up_samples(&set, ctx, 3);
    prune_evaluation *evaluation = made_up_evaluation(ctx, "eigen-benchmark");
    char *text;
    ck_fails(prune_evaluation_json(evaluation, &text), PRUNE_E_ARGUMENT, "no frame");
    ck_ok(prune_evaluation_run(evaluation, samples, made_up_predict, &set));
    ck_ok(prune_evaluation_json(evaluation, &text));
    json_t *json = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(json);
    ck_assert_str_eq(json_string_value(json_object_get(json, "protocol")), "eigen-benchmark");
    ck_assert_str_eq(json_string_value(json_object_get(json, "align")), "none");
    ck_assert_int_eq((int)json_integer_value(json_object_get(json, "frames")), 3);
    ck_assert(json_is_true(json_object_get(json, "few_frames")));
    ck_assert_str_eq(json_string_value(json_object_get(json, "mask")), "g > 0");
    const json_t *mean = json_object_get(json, "mean"), *ci95 = json_object_get(json, "ci95");
    ck_assert_uint_eq(json_object_size(mean), 9);
    ck_assert_double_eq_tol(json_real_value(json_object_get(mean, "abs_rel")), 0.02, 1e-6);
    const json_t *ends = json_object_get(ci95, "abs_rel");
    ck_assert_double_le(json_real_value(json_array_get(ends, 0)), 0.02 + 1e-6);
    ck_assert_double_ge(json_real_value(json_array_get(ends, 1)), 0.02 - 1e-6);
    const json_t *images = json_object_get(json, "images");
    ck_assert_uint_eq(json_array_size(images), 3);
    const json_t *last = json_array_get(images, 2);
    ck_assert_str_eq(json_string_value(json_object_get(last, "name")), "frame02");
    ck_assert_double_eq_tol(json_real_value(json_object_get(last, "abs_rel")), 0.03, 1e-6);
    json_decref(json);
    prune_text_free(text);
    ck_ok(prune_evaluation_table(evaluation, &text));
    ck_assert_ptr_nonnull(strstr(text, "protocol eigen-benchmark, align none, 3 frames"));
    ck_assert_ptr_nonnull(strstr(text, "few frames"));
    prune_text_free(text);
    prune_evaluation_free(evaluation);
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

/* A hole that the devkit cannot fill makes logarithms undefined; the report stays readable. */
START_TEST(undefined_values_become_null)
{
    prune_context *ctx = test_context(1);
    float depth[4] = {1, 2, 3, 4}, nothing[4] = {0, 0, 0, 0};
    prune_depth_map truth = {2, 2, depth};
    prune_sample sample = golden_sample("x", &truth);
    prune_prediction prediction = {2, 2, nothing, 2, 0, 0};
    prune_evaluation *evaluation = made_up_evaluation(ctx, "kitti-devkit");
    ck_ok(prune_evaluation_add(evaluation, &prediction, &sample));
    char *text;
    ck_ok(prune_evaluation_json(evaluation, &text));
    json_t *json = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(json);
    ck_assert(json_is_null(json_object_get(json_object_get(json, "mean"), "silog")));
    ck_assert(json_is_real(json_object_get(json_object_get(json, "mean"), "mae")));
    json_decref(json);
    prune_text_free(text);
    prune_evaluation_free(evaluation);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("eval.report", json_has_the_promised_members, undefined_values_become_null)
