#include "pipelines/recipe/recipe.h"
#include "tests/support/support.h"

#include <prune/sys/memory.h>
#include <string.h>

static recipe_section goals_of(prune_recipe *r)
{
    recipe_section sections[RECIPE_SECTIONS];
    recipe_sections(r, sections);
    return sections[2];
}

static recipe_section loop_of(prune_recipe *r)
{
    recipe_section sections[RECIPE_SECTIONS];
    recipe_sections(r, sections);
    return sections[1];
}

START_TEST(a_new_recipe_has_the_defaults_of_the_tables)
{
    prune_context *ctx = test_context(1);
    prune_recipe *r;
    recipe_stage *stage;
    recipe_section sections[RECIPE_SECTIONS], parts[RECIPE_STAGE_SECTIONS];
    ck_ok(recipe_create(&r, ctx, "test"));
    ck_assert_str_eq(r->loop.protocol, "eigen");
    ck_assert_int_eq(r->save.level, 19);
    ck_assert_ptr_null(r->inputs.model);
    recipe_sections(r, sections);
    for (int i = 0; i < RECIPE_SECTIONS; i++) {
        ck_assert_uint_le(sections[i].table->count, 64); /* `own` has a bit for every row */
        ck_assert_uint_eq(*(uint32_t *)sections[i].options, sections[i].table->struct_size);
    }
    for (int k = 0; k < RECIPE_KINDS; k++) {
        ck_ok(recipe_append(r, (recipe_kind)k, &stage));
        ck_assert_int_eq(stage->kind, k);
        const size_t count = recipe_stage_sections(stage, parts);
        ck_assert_uint_eq(count, k == RECIPE_TRIM ? 3 : 1);
        for (size_t i = 0; i < count; i++) {
            ck_assert_uint_le(parts[i].table->count, 64);
            ck_assert_uint_eq(*(uint32_t *)parts[i].options, parts[i].table->struct_size);
        }
    }
    ck_assert_uint_eq(r->count, 3);
    ck_assert_str_eq(recipe_kind_name(RECIPE_QUANTIZE), "quantize");
    for (int i = 3; i < 100; i++) ck_ok(recipe_append(r, RECIPE_TUNE, NULL));
    ck_fails(recipe_append(r, RECIPE_TUNE, NULL), PRUNE_E_ARGUMENT, "100 stages");
    prune_recipe_free(r);
    prune_recipe_free(NULL);
    prune_context_free(ctx);
}
END_TEST

START_TEST(stages_inherit_what_they_do_not_say)
{
    prune_context *ctx = test_context(1);
    prune_recipe *r;
    recipe_stage *stage, out;
    recipe_section parts[RECIPE_STAGE_SECTIONS];
    ck_ok(recipe_create(&r, ctx, "test"));
    const recipe_section goals = goals_of(r), loop = loop_of(r);
    ck_ok(recipe_append(r, RECIPE_TRIM, NULL));
    ck_ok(recipe_append(r, RECIPE_QUANTIZE, NULL));
    ck_ok(recipe_append(r, RECIPE_TRIM, &stage));
    (void)recipe_stage_sections(stage, parts);
    ck_ok(recipe_set(r, &parts[0], "macs", "0.8"));
    ck_ok(recipe_set(r, &parts[0], "rounds", "1"));
    ck_ok(recipe_set(r, &parts[0], "max-drop", "abs_rel=0.5"));
    ck_ok(recipe_set(r, &parts[1], "seed", "7"));
    ck_ok(recipe_append(r, RECIPE_QUANTIZE, &stage));
    (void)recipe_stage_sections(stage, parts);
    ck_ok(recipe_set(r, &parts[0], "max-drop", "0.01")); /* its default, but said */
    /* Without goals and seed nothing changes. */
    ck_ok(recipe_stage_effective(r, 0, &out));
    ck_assert_double_eq(out.trim.macs, 0);
    ck_assert_uint_eq(out.cut.seed, 1);
    ck_assert(out.trim.tune); /* two rounds */
    ck_ok(recipe_set(r, &goals, "macs", "0.6"));
    ck_ok(recipe_set(r, &goals, "max-drop", "abs_rel=0.02"));
    ck_ok(recipe_set(r, &loop, "seed", "5"));
    ck_ok(recipe_stage_effective(r, 0, &out));
    ck_assert_double_eq(out.trim.macs, 0.6);
    ck_assert_str_eq(out.trim.max_drop, "abs_rel=0.02");
    ck_assert_uint_eq(out.cut.seed, 5);
    ck_assert_uint_eq(out.tune.seed, 5);
    ck_ok(recipe_stage_effective(r, 1, &out));
    ck_assert_double_eq(out.quant.max_drop, 0.02);
    ck_assert_uint_eq(out.quant.seed, 5);
    ck_ok(recipe_stage_effective(r, 2, &out));
    ck_assert_double_eq(out.trim.macs, 0.8);
    ck_assert_str_eq(out.trim.max_drop, "abs_rel=0.5");
    ck_assert_uint_eq(out.cut.seed, 7);
    ck_assert(!out.trim.tune);
    ck_ok(recipe_stage_effective(r, 3, &out));
    ck_assert_double_eq(out.quant.max_drop, 0.01);
    /* What C code put into the struct counts like what recipe_set did. */
    r->stages[1].quant.max_drop = 0.5;
    r->stages[1].quant.seed = 3;
    ck_ok(recipe_stage_effective(r, 1, &out));
    ck_assert_double_eq(out.quant.max_drop, 0.5);
    ck_assert_uint_eq(out.quant.seed, 3);
    prune_quant_options_init(&r->stages[1].quant);
    ck_fails(recipe_set(r, &goals, "max-drop", "little"), PRUNE_E_ARGUMENT, "little");
    r->goals.max_drop = "little";
    ck_fails(recipe_stage_effective(r, 1, &out), PRUNE_E_ARGUMENT, "little");
    prune_recipe_free(r);
    prune_context_free(ctx);
}
END_TEST

START_TEST(each_point_of_a_sweep_is_a_recipe_of_its_own)
{
    prune_context *ctx = test_context(1);
    prune_recipe *r, *point;
    recipe_stage *stage;
    recipe_section parts[RECIPE_STAGE_SECTIONS];
    char word[] = "abs_rel=0.5";
    ck_ok(recipe_create(&r, ctx, "test"));
    ck_ok(recipe_append(r, RECIPE_TRIM, &stage));
    (void)recipe_stage_sections(stage, parts);
    ck_ok(recipe_set(r, &parts[0], "max-drop", word));
    memset(word, 'x', sizeof word - 1); /* the recipe has its own copy */
    ck_assert_uint_eq(recipe_points(r), 1);
    ck_ok(recipe_at(&point, r, 0));
    ck_assert_str_eq(point->stages[0].trim.max_drop, "abs_rel=0.5");
    ck_assert_ptr_ne(point->stages[0].trim.max_drop, r->stages[0].trim.max_drop);
    prune_recipe_free(point);
    ck_fails(recipe_at(&point, r, 1), PRUNE_E_ARGUMENT, "no run 1");
    /* First an option of the stage's second table, then a goal. */
    for (int32_t target = 0; target >= -1; target--) {
        const char **values = prune_memory_zero(ctx, 2, sizeof *values);
        prune_memory_free(ctx, r->sweep.values);
        values[0] = target == 0 ? "1" : "0.5";
        values[1] = target == 0 ? "2" : "0.25";
        r->sweep = (recipe_sweep){target, target == 0 ? "heads" : "macs", values, 2};
        ck_assert_uint_eq(recipe_points(r), 2);
        for (size_t i = 0; i < 2; i++) {
            ck_ok(recipe_at(&point, r, i));
            ck_assert_uint_eq(recipe_points(point), 1);
            ck_assert_int_eq(point->stages[0].cut.heads, target == 0 ? (int)i + 1 : 0);
            ck_assert_double_eq(point->goals.macs, target == 0 ? 0 : i == 0 ? 0.5 : 0.25);
            prune_recipe_free(point);
        }
    }
    prune_recipe_free(r);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("pipelines.recipe.recipe", a_new_recipe_has_the_defaults_of_the_tables,
          stages_inherit_what_they_do_not_say, each_point_of_a_sweep_is_a_recipe_of_its_own)
