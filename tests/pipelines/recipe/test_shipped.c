/* The recipes in pipelines/recipes: each can be read, printed and read again. */
#include "tests/pipelines/recipe/recipes.h"

#include <prune/sys/file.h>
#include <stdio.h>
#include <stdlib.h>

static const char *recipes_folder(void)
{
    static char folder[600];
    const char *source = getenv("PRUNE_TEST_SOURCE");
    ck_assert_ptr_nonnull(source);
    (void)snprintf(folder, sizeof folder, "%s/pipelines/recipes", source);
    return folder;
}

static prune_recipe *load(prune_context *ctx, const char *name)
{
    prune_recipe *r = NULL;
    char path[900];
    (void)snprintf(path, sizeof path, "%s/%s", recipes_folder(), name);
    ck_ok(prune_recipe_load(&r, ctx, path));
    return r;
}

START_TEST(all_can_be_read_and_say_the_same_when_printed)
{
    static const char *const promised[] = {
        "demo.yaml",           "depth-anything-v2-small-kitti-metric.yaml",
        "prune-only.yaml",     "depth-anything-v2-small-relative.yaml",
        "rt-monodepth-s.yaml", "quantize-only.yaml"};
    prune_context *ctx = test_context(1);
    prune_file_list list;
    size_t found = 0;
    ck_ok(prune_folder_list(&list, ctx, recipes_folder()));
    for (size_t i = 0; i < list.count; i++) {
        prune_recipe *r = load(ctx, list.names[i]), *again;
        char *first, *second;
        recipe_stage stage;
        for (size_t k = 0; k < sizeof promised / sizeof *promised; k++)
            found += strcmp(promised[k], list.names[i]) == 0;
        ck_assert_ptr_nonnull(r->inputs.model);
        ck_assert_ptr_nonnull(r->inputs.images);
        for (size_t k = 0; k < r->count; k++) ck_ok(recipe_stage_effective(r, k, &stage));
        ck_ok(prune_recipe_text(r, &first));
        again = parsed(ctx, first);
        ck_ok(prune_recipe_text(again, &second));
        ck_assert_str_eq(first, second);
        prune_text_free(first);
        prune_text_free(second);
        prune_recipe_free(again);
        prune_recipe_free(r);
    }
    ck_assert_uint_eq(found, sizeof promised / sizeof *promised);
    prune_file_list_free(ctx, &list);
    prune_context_free(ctx);
}
END_TEST

/* make demo is this recipe; docs/results.md has its numbers. */
START_TEST(the_demo_is_what_the_results_say)
{
    prune_context *ctx = test_context(1);
    prune_recipe *r = load(ctx, "demo.yaml");
    recipe_stage trim, tune, quantize;
    ck_assert_str_eq(r->inputs.model, "bundled");
    ck_assert_uint_eq(r->count, 3);
    ck_ok(recipe_stage_effective(r, 0, &trim));
    ck_ok(recipe_stage_effective(r, 1, &tune));
    ck_ok(recipe_stage_effective(r, 2, &quantize));
    ck_assert_double_eq(trim.trim.macs, 0.5);
    ck_assert_int_eq(trim.trim.rounds, 1);
    ck_assert_str_eq(trim.trim.max_drop, "abs_rel=0.01");
    ck_assert_uint_eq(trim.cut.seed, 1);
    ck_assert_int_eq(tune.tune.steps, 300);
    ck_assert_double_eq(tune.tune.minutes, 2);
    ck_assert_double_eq(quantize.quant.max_drop, 0.01);
    ck_assert_int_eq(quantize.quant.storage, 1);
    ck_assert_int_eq(r->save.storage, 2);
    prune_recipe_free(r);
    prune_context_free(ctx);
}
END_TEST

START_TEST(tuning_through_the_rounding_comes_last_where_it_is_wanted)
{
    prune_context *ctx = test_context(1);
    prune_recipe *r = load(ctx, "depth-anything-v2-small-kitti-metric.yaml");
    static const recipe_kind kinds[] = {RECIPE_TRIM, RECIPE_TUNE,     RECIPE_TRIM,
                                        RECIPE_TUNE, RECIPE_QUANTIZE, RECIPE_TUNE};
    recipe_stage stage;
    ck_assert_uint_eq(r->count, 6);
    for (size_t i = 0; i < 6; i++) ck_assert_int_eq(r->stages[i].kind, kinds[i]);
    ck_ok(recipe_stage_effective(r, 0, &stage));
    ck_assert_double_eq(stage.trim.macs, 0.8);
    ck_ok(recipe_stage_effective(r, 2, &stage));
    ck_assert_double_eq(stage.trim.macs, 0.6);
    prune_recipe_free(r);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("pipelines.recipe.shipped", all_can_be_read_and_say_the_same_when_printed,
          the_demo_is_what_the_results_say,
          tuning_through_the_rounding_comes_last_where_it_is_wanted)
