#include "tests/pipelines/recipe/recipes.h"

/* The recipe of a command line with these options. */
static prune_recipe *from_words(prune_context *ctx, const char *const *words)
{
    prune_recipe *r;
    ck_ok(recipe_from_command(&r, ctx));
    for (; *words; words += 2) ck_ok(recipe_override(r, words[0], words[1]));
    return r;
}

START_TEST(a_command_line_is_trim_tune_quantize)
{
    static const char *const words[] = {
        "model",        "m.pth", "images",  "pics",    "macs",   "0.5",    "max-drop",
        "abs_rel=0.01", "steps", "30",      "minutes", "6",      "rounds", "2",
        "seed",         "9",     "storage", "fp16",    "height", "98",     "max-depth",
        "80",           "kinds", "head",    "heads",   "1",      NULL};
    prune_context *ctx = test_context(1);
    prune_recipe *r = from_words(ctx, words);
    recipe_stage stage;
    ck_ok(recipe_share_minutes(r));
    ck_ok(recipe_check(r));
    ck_assert_uint_eq(r->count, 3);
    ck_assert_str_eq(r->inputs.model, "m.pth");
    ck_assert_double_eq(r->goals.macs, 0.5);
    ck_assert_double_eq(r->stages[0].trim.macs, 0); /* it takes the goal */
    ck_assert_int_eq(r->stages[0].tune.steps, 30);
    ck_assert_double_eq(r->stages[0].tune.minutes, 2); /* two rounds and the stage share alike */
    ck_assert_double_eq(r->stages[1].tune.minutes, 6);
    ck_assert_int_eq(r->stages[1].tune.steps, 30);
    ck_assert_int_eq(r->stages[0].cut.height, 98);
    ck_assert_int_eq(r->stages[1].tune.height, 98);
    ck_assert_int_eq(r->stages[2].quant.storage, 1);
    ck_assert_int_eq(r->save.storage, 2);
    ck_assert_double_eq(r->load.max_depth, 80);
    ck_assert_int_eq(r->load.heads, 0); /* --heads is about cutting */
    ck_assert_int_eq(r->stages[0].cut.heads, 1);
    ck_ok(recipe_stage_effective(r, 2, &stage));
    ck_assert_uint_eq(stage.quant.seed, 9);
    ck_assert_double_eq(stage.quant.max_drop, 0.01);
    /* Two parts have this one, with different choices: each takes what it knows. */
    ck_ok(recipe_override(r, "storage", "fp32"));
    ck_assert_int_eq(r->save.storage, 1);
    ck_assert_int_eq(r->stages[2].quant.storage, 1);
    ck_fails(recipe_override(r, "storage", "fp64"), PRUNE_E_ARGUMENT, "fp64");
    prune_recipe_free(r);
    prune_context_free(ctx);
}
END_TEST

START_TEST(stages_are_left_out_by_no)
{
    static const char *const words[] = {"tune", "false", "quantize", "no", NULL};
    prune_context *ctx = test_context(1);
    prune_recipe *r = from_words(ctx, words);
    ck_assert_uint_eq(r->count, 1);
    ck_assert_int_eq(r->stages[0].kind, RECIPE_TRIM);
    ck_assert(!r->stages[0].trim.tune);
    ck_ok(recipe_override(r, "trim", "true"));
    ck_fails(recipe_override(r, "quantize", "true"), PRUNE_E_ARGUMENT, "has no such stage");
    ck_fails(recipe_override(r, "quantize", "maybe"), PRUNE_E_ARGUMENT, "quantize");
    ck_fails(recipe_override(r, "max-float", "2"), PRUNE_E_ARGUMENT, "no stage of the command");
    ck_fails(recipe_override(r, "snapshot", "x"), PRUNE_E_ARGUMENT, "keeps its own snapshots");
    ck_fails(recipe_override(r, "keep", "0.5"), PRUNE_E_ARGUMENT, "macs, params or bytes");
    ck_fails(recipe_override(r, "rounds", "0"), PRUNE_E_ARGUMENT, "rounds");
    ck_ok(recipe_override(r, "trim", "off"));
    ck_fails(recipe_check(r), PRUNE_E_ARGUMENT, "no stages");
    prune_recipe_free(r);
    prune_context_free(ctx);
}
END_TEST

START_TEST(the_command_line_goes_before_the_recipe)
{
    prune_context *ctx = test_context(1);
    /* A stage that takes the goal: only the goal changes. */
    prune_recipe *r = parsed(ctx, "goals: {macs: 0.7}\nseed: 3\nstages:\n- trim: {macs: 0.9}\n"
                                  "- tune: {steps: 5, seed: 4}\n- trim\n- tune\n");
    ck_ok(recipe_override(r, "macs", "0.5"));
    ck_ok(recipe_override(r, "steps", "8"));
    ck_ok(recipe_override(r, "seed", "6"));
    ck_assert_double_eq(r->goals.macs, 0.5);
    ck_assert_double_eq(r->stages[0].trim.macs, 0.9);
    ck_assert_double_eq(r->stages[2].trim.macs, 0);
    ck_assert_int_eq(r->stages[1].tune.steps, 8);
    ck_assert_int_eq(r->stages[3].tune.steps, 8);
    ck_assert_uint_eq(r->loop.seed, 6);
    ck_assert_uint_eq(r->stages[1].tune.seed, 4);
    prune_recipe_free(r);
    /* One stage with its own value: that is what is meant. */
    r = parsed(ctx, "stages: [trim: {macs: 0.9}, quantize: {max-drop: 0.5}]\n");
    ck_ok(recipe_override(r, "macs", "0.5"));
    ck_assert_double_eq(r->stages[0].trim.macs, 0.5);
    ck_ok(recipe_override(r, "max-drop", "abs_rel=0.02")); /* the trim stage takes the goal */
    ck_assert_double_eq(r->stages[1].quant.max_drop, 0.5);
    prune_recipe_free(r);
    r = parsed(ctx, "stages: [quantize: {max-drop: 0.5}]\n");
    ck_ok(recipe_override(r, "max-drop", "abs_rel=0.02"));
    ck_assert_double_eq(r->stages[0].quant.max_drop, 0.02);
    ck_assert_str_eq(r->goals.max_drop, "abs_rel=0.02");
    prune_recipe_free(r);
    /* Several: nobody can tell. */
    r = parsed(ctx, "stages: [trim: {macs: 0.9}, tune, trim: {macs: 0.7}]\n");
    ck_fails(recipe_override(r, "macs", "0.5"), PRUNE_E_ARGUMENT, "2 stages of demo.yaml");
    prune_recipe_free(r);
    r = parsed(ctx, "stages: [trim: {macs: [0.9, 0.8]}, tune]\n");
    ck_fails(recipe_override(r, "tune", "false"), PRUNE_E_ARGUMENT, "sweeps stages[0]");
    prune_recipe_free(r);
    prune_context_free(ctx);
}
END_TEST

START_TEST(a_sweep_can_be_given_as_a_word)
{
    prune_context *ctx = test_context(1);
    prune_recipe *r;
    ck_ok(recipe_from_command(&r, ctx));
    ck_ok(recipe_override_sweep(r, "macs=0.8,0.6,0.4"));
    ck_assert_int_eq(r->sweep.stage, -1);
    ck_assert_uint_eq(recipe_points(r), 3);
    ck_assert_str_eq(r->sweep.values[2], "0.4");
    ck_ok(recipe_override_sweep(r, "max-drop=abs_rel=0.1,abs_rel=0.2"));
    ck_assert_str_eq(r->sweep.values[1], "abs_rel=0.2");
    ck_fails(recipe_override_sweep(r, "macs"), PRUNE_E_ARGUMENT, "--sweep 'macs' is not");
    ck_fails(recipe_override_sweep(r, "=1"), PRUNE_E_ARGUMENT, "is not OPTION");
    ck_fails(recipe_override_sweep(r, "macs=0.5,2"), PRUNE_E_ARGUMENT, "outside");
    ck_fails(recipe_override_sweep(r, "magic=1,2"), PRUNE_E_ARGUMENT, "magic");
    ck_assert_uint_eq(recipe_points(r), 2); /* what was there stays */
    prune_recipe_free(r);
    prune_context_free(ctx);
}
END_TEST

START_TEST(a_program_changes_a_recipe)
{
    prune_context *ctx = test_context(1);
    prune_recipe *r = parsed(ctx, "model: m.pth\nstages:\n- trim: {macs: 0.9}\n- tune\n");
    ck_assert(strstr(prune_recipe_model(r), "m.pth") != NULL);
    ck_ok(prune_recipe_set(r, "output", "there"));
    ck_assert_str_eq(r->loop.output, "there");
    ck_fails(prune_recipe_set(r, "outptu", "there"), PRUNE_E_ARGUMENT, "outptu");
    ck_fails(prune_recipe_set(r, "output", NULL), PRUNE_E_ARGUMENT, "needed");
    prune_recipe_free(r);
    ck_assert_ptr_null(prune_recipe_model(NULL));
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("pipelines.recipe.words", a_command_line_is_trim_tune_quantize, stages_are_left_out_by_no,
          the_command_line_goes_before_the_recipe, a_sweep_can_be_given_as_a_word,
          a_program_changes_a_recipe)
