#include "libprune/quant/report.h"
#include "tests/quant/fixture.h"

static scene world;

START_TEST(the_ranking_is_in_the_history)
{
    prune_context *ctx = test_context(1);
    prune_model *model = fixture_model(ctx);
    prune_quant_options options;
    char *text;
    make_hostile(model);
    scene_make(&world, 6, false);
    prune_samples *samples = scene_samples(ctx, &world);
    ck_fails(prune_quant_report(model, &text), PRUNE_E_ARGUMENT, "never");
    prune_quant_options_init(&options);
    options.scheme = 1;
    options.rounding = 1;
    options.views = 6;
    options.scan_images = 2;
    options.max_float = 1;
    ck_ok(prune_model_quantize(model, samples, &options));
    ck_ok(prune_quant_report(model, &text));
    json_t *report = json_loads(text, 0, NULL);
    const json_t *ranking = json_object_get(report, "ranking");
    ck_assert_uint_eq(json_array_size(ranking), 6);
    const json_t *worst = json_array_get(ranking, 0);
    ck_assert_str_eq(json_string_value(json_object_get(worst, "layer")), hostile_name);
    ck_assert_str_eq(json_string_value(json_object_get(worst, "precision")), "bf16");
    ck_assert(json_real_value(json_object_get(worst, "error")) > 0);
    ck_assert_int_eq(json_integer_value(json_object_get(report, "int8-layers")), 5);
    const json_t *judge = json_object_get(report, "judge");
    ck_assert_str_eq(json_string_value(json_object_get(judge, "by")), "original model");
    ck_assert_int_eq(json_integer_value(json_object_get(judge, "pictures")), 2);
    ck_assert_str_eq(
        json_string_value(json_object_get(json_object_get(report, "options"), "scheme")), "tensor");
    json_decref(report);
    prune_text_free(text);
    prune_samples_free(samples);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("quant/report", the_ranking_is_in_the_history)
