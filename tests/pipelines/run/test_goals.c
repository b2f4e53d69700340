/* Goals that only measuring tells: rounds go on until they are met, or something stops them. */
#include "pipelines/run/goals.h"
#include "tests/pipelines/run/loop.h"

/* Trim without a target, then quantize. */
static void only_goals(prune_recipe *recipe)
{
    recipe->stages[1].kind = RECIPE_QUANTIZE;
    recipe->stages[1].quant = recipe->stages[4].quant;
    recipe->count = 2;
    recipe->stages[0].trim.macs = 0;
    recipe->stages[0].trim.tune = false;
    recipe->stages[0].trim.rounds = 3;
}

static void small_file(prune_recipe *recipe)
{
    only_goals(recipe);
    recipe->goals.packed_bytes = recipe_keep(recipe, "9kB");
}

static void no_time_at_all(prune_recipe *recipe)
{
    only_goals(recipe);
    recipe->goals.latency_ms = 1e-5;
    recipe->goals.energy_mj = 1e6;
    recipe->goals.max_drop = recipe_keep(recipe, "abs_rel=0.02");
}

static json_t *report_of(const char *folder)
{
    size_t size;
    char *written = loop_read(folder, "report.json", &size);
    json_t *report = json_loads(written, 0, NULL);
    free(written);
    ck_assert_ptr_nonnull(report);
    return report;
}

static const json_t *goal(const json_t *report, const char *name)
{
    const json_t *row;
    size_t i;
    json_array_foreach(json_object_get(report, "goals"), i,
                       row) if (strcmp(json_string_value(json_object_get(row, "name")), name) ==
                                0) return row;
    ck_abort_msg("there is no goal %s", name);
    return NULL;
}

START_TEST(rounds_go_on_until_the_file_is_small)
{
    char folder[512];
    (void)snprintf(folder, sizeof folder, "%s", test_path(0, "small"));
    ck_ok(loop_run(folder, false, small_file, 2));
    json_t *report = report_of(folder);
    const json_t *row = goal(report, "packed-bytes"), *trim = json_object_get(report, "trim");
    ck_assert_double_le(json_number_value(json_object_get(row, "value")), 0.009);
    ck_assert(json_is_true(json_object_get(row, "met")));
    ck_assert_str_eq(json_string_value(json_object_get(report, "stopped_by")), "goals met");
    ck_assert_str_eq(json_string_value(json_object_get(trim, "stopped_by")), "target");
    ck_assert_uint_ge(json_array_size(json_object_get(trim, "rounds")), 1);
    json_decref(report);
}
END_TEST

START_TEST(a_goal_out_of_reach_is_said_to_be)
{
    char folder[512];
    (void)snprintf(folder, sizeof folder, "%s", test_path(0, "never"));
    ck_ok(loop_run(folder, false, no_time_at_all, 2));
    json_t *report = report_of(folder);
    const json_t *late = goal(report, "latency-ms"), *floor = goal(report, "max-drop");
    ck_assert(!json_is_true(json_object_get(late, "met")));
    ck_assert_double_gt(json_number_value(json_object_get(late, "value")), 1e-5);
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(late, "words")), "too much"));
    ck_assert(json_is_true(json_object_get(goal(report, "energy-mj"), "met")));
    ck_assert_ptr_nonnull(floor);
    const char *by = json_string_value(json_object_get(report, "stopped_by"));
    ck_assert_msg(strcmp(by, "max-drop") == 0 || strcmp(by, "nothing left to cut") == 0, "%s", by);
    /* The floor was honoured by the trimming. */
    const json_t *entry, *rounds = json_object_get(json_object_get(report, "trim"), "rounds");
    size_t i;
    json_array_foreach(rounds, i, entry) if (json_is_true(json_object_get(entry, "kept")))
        ck_assert_double_le(json_number_value(json_object_get(entry, "score")), 0.02);
    json_decref(report);
}
END_TEST

START_TEST(a_target_of_its_own_is_not_driven)
{
    prune_context *ctx = test_context(1);
    prune_recipe *recipe = loop_recipe(ctx, "x");
    ck_assert(!goals_drive(recipe, 0));
    recipe->goals.latency_ms = 5;
    ck_assert(!goals_drive(recipe, 0)); /* it says macs */
    recipe->stages[0].trim.macs = 0;
    ck_assert(goals_drive(recipe, 0));
    ck_assert(!goals_drive(recipe, 1)); /* tunes */
    prune_recipe_free(recipe);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("pipelines.run.goals", rounds_go_on_until_the_file_is_small,
          a_goal_out_of_reach_is_said_to_be, a_target_of_its_own_is_not_driven)
