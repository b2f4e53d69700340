#include "pipelines/run/sweep.h"
#include "tests/pipelines/run/loop.h"

static json_t *point(double macs, int packed, double score, bool met)
{
    return json_pack("{s:f, s:i, s:f, s:b}", "macs", macs, "packed_bytes", packed, "score", score,
                     "goals_met", met);
}

static bool is(const json_t *points, size_t i, const char *key)
{
    return json_is_true(json_object_get(json_array_get(points, i), key));
}

START_TEST(the_rule_is_kept)
{
    json_t *points = json_array();
    (void)json_array_append_new(points, point(9, 900, 0.10, true));
    (void)json_array_append_new(points, point(6, 600, 0.11, true));
    (void)json_array_append_new(points, point(6, 700, 0.12, true)); /* worse than the one before */
    (void)json_array_append_new(points, point(4, 400, 0.30, false));
    ck_assert_ptr_nonnull(strstr(sweep_choose(points, false, true), "meet every goal"));
    ck_assert(is(points, 1, "chosen") && !is(points, 0, "chosen") && !is(points, 2, "chosen"));
    ck_assert(is(points, 0, "pareto") && is(points, 1, "pareto") && is(points, 3, "pareto"));
    ck_assert(!is(points, 2, "pareto"));
    ck_assert_ptr_nonnull(strstr(sweep_choose(points, false, false), "best score"));
    ck_assert(is(points, 0, "chosen") && !is(points, 1, "chosen"));
    (void)sweep_choose(points, true, false); /* more is better: the last has the most */
    ck_assert(is(points, 3, "chosen") && is(points, 3, "pareto") && !is(points, 0, "pareto"));
    json_decref(points);
    points = json_array();
    (void)json_array_append_new(points, point(4, 400, 0.30, false));
    (void)json_array_append_new(points, point(9, 900, 0.20, false));
    ck_assert_ptr_nonnull(strstr(sweep_choose(points, false, true), "no point"));
    ck_assert(is(points, 1, "chosen"));
    json_decref(points);
}
END_TEST

/* One trim stage that takes the goal, quantize; two values of the goal. */
static void make_sweep(prune_recipe *recipe)
{
    static const char *const values[] = {"0.9", "0.8"};
    recipe->stages[1].kind = RECIPE_QUANTIZE;
    recipe->stages[1].quant = recipe->stages[4].quant;
    recipe->count = 2;
    recipe->stages[0].trim.macs = 0;
    recipe->stages[0].trim.rounds = 1;
    recipe->goals.max_drop = recipe_keep(recipe, "abs_rel=100");
    ck_ok(recipe_set_sweep(recipe, -1, "macs", values, 2));
}

/* All points are finished, and still nobody is told that this is the run. */
static void other_seed(prune_recipe *recipe)
{
    make_sweep(recipe);
    recipe->stages[0].cut.seed = 77;
}

START_TEST(every_value_runs_and_one_is_chosen)
{
    char folder[512], chosen[600];
    size_t size;
    (void)snprintf(folder, sizeof folder, "%s", test_path(0, "sweep"));
    ck_ok(loop_run(folder, false, make_sweep, 2));
    char *written = loop_read(folder, "report.json", &size);
    json_t *report = json_loads(written, 0, NULL);
    const json_t *sweep = json_object_get(report, "sweep");
    const json_t *points = json_object_get(sweep, "points");
    ck_assert_str_eq(json_string_value(json_object_get(sweep, "key")), "macs");
    ck_assert_uint_eq(json_array_size(points), 2);
    ck_assert_double_lt(json_number_value(json_object_get(json_array_get(points, 1), "macs")),
                        json_number_value(json_object_get(json_array_get(points, 0), "macs")));
    ck_assert_msg(is(points, 1, "chosen"), "%s", json_dumps(sweep, 0));
    (void)snprintf(chosen, sizeof chosen, "%s/sweep-0.8", folder);
    loop_same_file(folder, chosen, "model.safetensors.zst");
    free(written);
    json_decref(report);
    /* Again: nothing is left to do, and nothing changes. */
    char *before = loop_figures(folder);
    ck_ok(loop_run(folder, true, make_sweep, 2));
    char *after = loop_figures(folder);
    ck_assert_str_eq(before, after);
    free(before), free(after);
    ck_fails(loop_run(folder, true, NULL, 2), PRUNE_E_ARGUMENT, "another one");
    ck_fails(loop_run(folder, true, other_seed, 2), PRUNE_E_ARGUMENT, "stage 1 (trim)");
}
END_TEST

TEST_MAIN("pipelines.run.sweep", the_rule_is_kept, every_value_runs_and_one_is_chosen)
