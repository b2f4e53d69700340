#include "tests/pipelines/scene.h"

#include <jansson.h>

START_TEST(drops_are_parsed)
{
    char metric[32];
    double amount;
    ck_ok(prune_drop_parse("abs_rel=0.01", metric, &amount));
    ck_assert_str_eq(metric, "abs_rel");
    ck_assert_double_eq_tol(amount, 0.01, 1e-12);
    const char *const wrong[] = {
        "abs_rel", "=0.1", "abs_rel=", "abs_rel=x", "abs_rel=-1", "abs_rel=nan"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_fails(prune_drop_parse(wrong[i], metric, &amount), PRUNE_E_ARGUMENT, wrong[i]);
}
END_TEST

typedef struct fixture {
    prune_context *ctx;
    prune_samples *images;
    prune_model *model, *original;
    prune_judge *judge;
    scene_options o;
} fixture;

static void open_fixture(fixture *f)
{
    f->ctx = test_context(2);
    f->images = scene_samples(f->ctx, 8, 1);
    f->model = net_vit(f->ctx);
    ck_ok(prune_model_clone(&f->original, f->model));
    ck_ok(prune_judge_create(&f->judge, f->ctx, f->original, f->images, NULL, "eigen", "abs_rel",
                             "none"));
    scene_options_init(&f->o);
    f->o.trim.tune = false;
}

static void close_fixture(fixture *f)
{
    prune_judge_free(f->judge);
    prune_model_free(f->model), prune_model_free(f->original);
    prune_samples_free(f->images);
    prune_context_free(f->ctx);
}

static json_t *trim(fixture *f)
{
    char *report = NULL;
    ck_ok(prune_model_trim(f->ctx, f->model, f->original, prune_judge_images(f->judge), f->judge,
                           &f->o.trim, &f->o.cut, &f->o.tune, &report));
    json_t *json = json_loads(report, 0, NULL);
    prune_text_free(report);
    ck_assert_ptr_nonnull(json);
    return json;
}

START_TEST(rounds_reach_the_target)
{
    fixture f;
    prune_model_info before = {.struct_size = (uint32_t)sizeof before}, after = before;
    open_fixture(&f);
    f.o.trim.macs = 0.7;
    f.o.trim.rounds = 2;
    f.o.cut.granularity = 1;
    json_t *report = trim(&f);
    ck_ok(prune_model_describe(f.original, 0, 0, &before));
    ck_ok(prune_model_describe(f.model, 0, 0, &after));
    ck_assert_double_le((double)after.macs, 0.72 * (double)before.macs);
    ck_assert_double_ge((double)after.macs, 0.5 * (double)before.macs);
    ck_assert_uint_eq(json_array_size(json_object_get(report, "rounds")), 2);
    ck_assert_str_eq(json_string_value(json_object_get(report, "stopped_by")), "target");
    json_decref(report);
    close_fixture(&f);
}
END_TEST

/* A target beyond reach ends with the smallest model, not with an error of the last plan. */
START_TEST(what_cannot_be_cut_further_ends_the_rounds)
{
    fixture f;
    open_fixture(&f);
    f.o.trim.macs = 1e-6;
    f.o.trim.rounds = 12;
    f.o.cut.granularity = 1;
    f.o.cut.kinds = "neuron";
    json_t *report = trim(&f);
    ck_assert_str_eq(json_string_value(json_object_get(report, "stopped_by")),
                     "nothing left to cut");
    ck_assert_uint_ge(json_array_size(json_object_get(report, "rounds")), 1);
    ck_assert_str_eq(prune_last_error(), "");
    json_decref(report);
    close_fixture(&f);
}
END_TEST

START_TEST(a_floor_that_allows_nothing_keeps_the_model)
{
    fixture f;
    open_fixture(&f);
    f.o.trim.max_drop = "abs_rel=0.0000001";
    f.o.cut.saliency = PRUNE_SALIENCY_RANDOM;
    f.o.cut.compensate = false;
    json_t *report = trim(&f);
    prune_model_info before = {.struct_size = (uint32_t)sizeof before}, after = before;
    ck_ok(prune_model_describe(f.original, 0, 0, &before));
    ck_ok(prune_model_describe(f.model, 0, 0, &after));
    ck_assert_uint_eq(before.macs, after.macs);
    ck_assert_str_eq(json_string_value(json_object_get(report, "stopped_by")), "max-drop");
    json_decref(report);
    close_fixture(&f);
}
END_TEST

START_TEST(a_goal_is_needed)
{
    fixture f;
    open_fixture(&f);
    f.o.trim.macs = 0;
    ck_fails(prune_model_trim(f.ctx, f.model, f.original, f.images, f.judge, &f.o.trim, &f.o.cut,
                              &f.o.tune, NULL),
             PRUNE_E_ARGUMENT, "--macs");
    f.o.trim.max_drop = "abs_rel=0.1";
    ck_fails(prune_model_trim(f.ctx, f.model, f.original, f.images, NULL, &f.o.trim, &f.o.cut,
                              &f.o.tune, NULL),
             PRUNE_E_ARGUMENT, "judge");
    close_fixture(&f);
}
END_TEST

TEST_MAIN("pipelines.run.trim", drops_are_parsed, rounds_reach_the_target,
          what_cannot_be_cut_further_ends_the_rounds, a_floor_that_allows_nothing_keeps_the_model,
          a_goal_is_needed)
