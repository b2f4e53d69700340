#include "pipelines/run/record.h"
#include "tests/pipelines/scene.h"

START_TEST(stages_have_names_of_their_own)
{
    static const struct {
        stage_kind kind;
        const char *name;
    } rows[] = {{STAGE_BEFORE, "before"},     {STAGE_TRIM, "trimmed"},
                {STAGE_TUNE, "tuned"},        {STAGE_TRIM, "trimmed 2"},
                {STAGE_TUNE, "tuned 2"},      {STAGE_QUANTIZE, "int8"},
                {STAGE_TUNE, "tuned int8"},   {STAGE_QUANTIZE, "int8 2"},
                {STAGE_TUNE, "tuned int8 2"}, {STAGE_TRIM, "trimmed int8"}};
    prune_context *ctx = test_context(1);
    record r = {.ctx = ctx};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        stage *s;
        ck_ok(record_add(&r, rows[i].kind, &s));
        ck_assert_str_eq(s->name, rows[i].name);
        ck_assert_ptr_eq(record_last(&r), s);
    }
    ck_assert_str_eq(record_first(&r)->name, "before");
    record_close(&r);
    prune_context_free(ctx);
}
END_TEST

START_TEST(details_stand_in_their_stage)
{
    prune_context *ctx = test_context(1);
    prune_compress_options options;
    prune_compress_options_init(&options);
    prune_samples *images = scene_samples(ctx, 4, 1);
    prune_model *model = net_vit(ctx);
    record r = {.ctx = ctx, .options = &options};
    stage *s;
    ck_ok(prune_judge_create(&r.judge, ctx, model, images, NULL, "eigen", "abs_rel", "none"));
    ck_ok(record_add(&r, STAGE_BEFORE, &s));
    ck_ok(record_add(&r, STAGE_TRIM, &s));
    s->detail = json_pack("{s:[i], s:s}", "rounds", 1, "stopped_by", "target");
    ck_ok(record_add(&r, STAGE_QUANTIZE, &s));
    s->detail = json_pack("{s:{s:i}}", "quantize", "layers", 3);
    json_t *json = record_json(&r);
    const json_t *stages = json_object_get(json, "stages");
    ck_assert_uint_eq(json_array_size(stages), 3);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(stages, 1), "stopped_by")),
                     "target");
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(stages, 2), "kind")),
                     "quantize");
    ck_assert_ptr_nonnull(json_object_get(json_object_get(json, "trim"), "rounds"));
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_object_get(json, "quantize"), "layers")), 3);
    json_decref(json);
    record_close(&r);
    prune_model_free(model);
    prune_samples_free(images);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("pipelines.run.record", stages_have_names_of_their_own, details_stand_in_their_stage)
