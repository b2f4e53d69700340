#include "pipelines/run/measured.h"
#include "tests/pipelines/run/loop.h"

static double number(const json_t *object, const char *outer, const char *inner)
{
    const json_t *value = json_object_get(json_object_get(object, outer), inner);
    ck_assert_msg(json_is_number(value), "%s has no number %s", outer, inner);
    return json_number_value(value);
}

START_TEST(what_a_stage_reports)
{
    prune_context *ctx = test_context(2);
    prune_model *vit = net_vit(ctx), *conv = net_conv(ctx);
    const prune_model *models[] = {vit, conv};
    prune_latency latencies[2];
    json_t *json[2];
    ck_ok(measured_take(ctx, models, 2, 0.02, latencies, json));
    for (int i = 0; i < 2; i++) {
        ck_assert_int_ge(latencies[i].runs, 7);
        ck_assert_double_eq_tol(number(json[i], "latency_ms", "median"), latencies[i].median,
                                1e-12);
        ck_assert_double_ge(number(json[i], "latency_ms", "p95"), latencies[i].median);
        const json_t *interval =
            json_object_get(json_object_get(json[i], "latency_ms"), "median_ci95");
        ck_assert_uint_eq(json_array_size(interval), 2);
        const json_t *energy = json_object_get(json[i], "energy_mj");
        ck_assert(json_is_boolean(json_object_get(energy, "estimated")));
        ck_assert(json_is_string(json_object_get(energy, "source")));
        /* Measured on a busy machine it may be anything; estimated it is positive. */
        if (json_is_true(json_object_get(energy, "estimated")))
            ck_assert_double_gt(number(json[i], "energy_mj", "value"), 0);
        json_decref(json[i]);
    }
    ck_assert_int_ne(measured_take(ctx, models, 2, -1, latencies, json), PRUNE_OK);
    ck_assert(!json[0] && !json[1]);
    prune_model_free(vit), prune_model_free(conv);
    prune_context_free(ctx);
}
END_TEST

static void want_little_energy(prune_recipe *recipe)
{
    recipe->count = 0; /* nothing is done: only measured */
    recipe->goals.energy_mj = 1e-9;
}

START_TEST(a_goal_about_energy_is_judged)
{
    char path[600];
    const char *folder = test_path(0, "energy");
    ck_ok(loop_run(folder, false, want_little_energy, 1));
    (void)snprintf(path, sizeof path, "%s/report.json", folder);
    json_t *report = json_load_file(path, 0, NULL);
    const json_t *goal = json_array_get(json_object_get(report, "goals"), 0);
    const json_t *stage = json_array_get(json_object_get(report, "stages"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(goal, "name")), "energy-mj");
    ck_assert_double_eq(json_number_value(json_object_get(goal, "value")),
                        number(stage, "energy_mj", "value"));
    if (json_is_true(json_object_get(json_object_get(stage, "energy_mj"), "estimated"))) {
        ck_assert(json_is_false(json_object_get(goal, "met")));
        ck_assert_ptr_nonnull(
            strstr(json_string_value(json_object_get(goal, "words")), "mJ (estimate)"));
    }
    json_decref(report);
}
END_TEST

TEST_MAIN("pipelines.run.measured", what_a_stage_reports, a_goal_about_energy_is_judged)
