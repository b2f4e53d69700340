#include "pipelines/recipe/fingerprint.h"
#include "pipelines/recipe/origin.h"
#include "tests/pipelines/recipe/recipes.h"
#include "tests/pipelines/scene.h"

#include <prune/sys/file.h>
#include <prune/sys/hash.h>

static const json_t *input(const json_t *report, size_t index, const char *role)
{
    const json_t *row = json_array_get(json_object_get(report, "inputs"), index);
    ck_assert_str_eq(json_string_value(json_object_get(row, "role")), role);
    return row;
}

static const char *word(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    ck_assert_ptr_nonnull(text);
    return text;
}

START_TEST(a_report_names_what_it_was_made_from)
{
    prune_context *ctx = test_context(2);
    prune_samples *images = scene_samples(ctx, 3, 1), *test = scene_samples(ctx, 2, 2);
    json_t *report = json_object();
    char digest[65], text[700], *yaml;
    const char *model = test_path(0, "weights.pth");
    ck_ok(prune_file_write(ctx, model, "abc", 3));
    (void)snprintf(text, sizeof text, "model: %s\nimages: pics\nstages: [tune]\n", model);
    prune_recipe *r = parsed(ctx, text), *again;
    ck_ok(recipe_origin(r, "not used", images, NULL, test, report));
    const json_t *row = input(report, 0, "model");
    ck_assert_str_eq(word(row, "path"), model);
    prune_sha256("abc", 3, digest);
    ck_assert_str_eq(word(row, "sha256"), digest);
    ck_assert_str_eq(word(input(report, 1, "images"), "path"), "pics");
    ck_ok(fingerprint_samples(ctx, images, digest));
    ck_assert_str_eq(word(input(report, 1, "images"), "sha256"), digest);
    ck_assert_str_eq(word(input(report, 2, "test"), "path"), "given by the program");
    ck_assert_uint_eq(json_array_size(json_object_get(report, "inputs")), 3);
    /* The recipe in the report is one. */
    again = parsed(ctx, word(report, "recipe"));
    ck_ok(prune_recipe_text(again, &yaml));
    ck_assert_str_eq(yaml, word(report, "recipe"));
    prune_text_free(yaml);
    prune_recipe_free(again);
    prune_recipe_free(r);
    json_decref(report);
    prune_samples_free(images);
    prune_samples_free(test);
    prune_context_free(ctx);
}
END_TEST

START_TEST(odd_models_and_paths_do_not_stop_a_report)
{
    prune_context *ctx = test_context(1);
    json_t *report = json_object();
    prune_recipe *r = parsed(ctx, "model: bundled\ndata: all\nstages: [tune]\n");
    prune_samples *images = scene_samples(ctx, 1, 1);
    ck_ok(recipe_origin(r, "d1", images, images, images, report));
    ck_assert_str_eq(word(input(report, 0, "model"), "sha256"), "d1");
    ck_assert_ptr_nonnull(strstr(word(input(report, 0, "model"), "path"), "bundled"));
    ck_assert_str_eq(word(input(report, 2, "val"), "path"), "all");
    json_decref(report);
    report = json_object();
    r->inputs.model = NULL;
    r->inputs.data = "caf\xE9";
    ck_ok(recipe_origin(r, "d1", images, NULL, NULL, report));
    ck_assert_ptr_null(json_object_get(report, "recipe"));
    ck_assert_str_eq(word(input(report, 1, "images"), "path"), "caf?");
    r->inputs.model = "/nowhere/m.pth";
    ck_fails(recipe_origin(r, "d1", images, NULL, NULL, report), PRUNE_E_IO, "/nowhere/m.pth");
    json_decref(report);
    prune_samples_free(images);
    prune_recipe_free(r);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("pipelines.recipe.origin", a_report_names_what_it_was_made_from,
          odd_models_and_paths_do_not_stop_a_report)
