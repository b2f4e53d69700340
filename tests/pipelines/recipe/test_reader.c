/* Covers: reader.c, rules.c */
#include "tests/pipelines/recipe/recipes.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(a_recipe_says_the_words_of_the_command_line)
{
    prune_context *ctx = test_context(1);
    prune_recipe *r = parsed(ctx, whole_recipe);
    ck_assert_str_eq(r->inputs.model, "nets/a.pth");
    ck_assert_str_eq(r->inputs.images, "pictures \xC3\xBC/x");
    ck_assert_str_eq(r->inputs.val, "/data/val");
    ck_assert_ptr_null(r->inputs.test);
    ck_assert_str_eq(r->loop.output, "out");
    ck_assert_str_eq(r->loop.protocol, "eigen-benchmark");
    ck_assert_str_eq(r->loop.align, "median");
    ck_assert_str_eq(r->loop.metric, "abs_rel"); /* the default */
    ck_assert_double_eq(r->loop.bench_seconds, 0.5);
    ck_assert_uint_eq(r->loop.seed, 4);
    ck_assert_str_eq(r->goals.max_drop, "abs_rel=0.01");
    ck_assert_double_eq(r->goals.latency_ms, 5);
    ck_assert_str_eq(r->goals.packed_bytes, "3.5MB");
    ck_assert_int_eq(r->load.output, 2);
    ck_assert_int_eq(r->save.storage, 2);
    ck_assert_uint_eq(r->count, 5);
    static const recipe_kind kinds[] = {RECIPE_TRIM, RECIPE_TUNE, RECIPE_TRIM, RECIPE_QUANTIZE,
                                        RECIPE_TUNE};
    for (size_t i = 0; i < 5; i++) ck_assert_int_eq(r->stages[i].kind, kinds[i]);
    ck_assert_double_eq(r->stages[0].trim.macs, 0.8);
    ck_assert_str_eq(r->stages[0].cut.kinds, "head,qk");
    ck_assert(r->stages[0].trim.tune);
    ck_assert_int_eq(r->stages[0].tune.steps, 20);
    ck_assert_int_eq(r->stages[1].tune.steps, 200);
    ck_assert_int_eq(r->stages[2].trim.rounds, 1);
    ck_assert(!r->stages[2].trim.tune);
    ck_assert_double_eq(r->stages[2].trim.macs, 0);
    ck_assert_double_eq(r->stages[4].tune.minutes, 5);
    ck_assert_int_eq(r->sweep.stage, 2);
    ck_assert_str_eq(r->sweep.key, "macs");
    ck_assert_uint_eq(r->sweep.count, 2);
    ck_assert_str_eq(r->sweep.values[1], "0.4");
    prune_recipe_free(r);
    prune_context_free(ctx);
}
END_TEST

START_TEST(mistakes_are_named_with_line_key_and_the_nearest_word)
{
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"modle: x\n", "demo.yaml:1: there is no key 'modle'; did you mean 'model'?"},
        {"stage:\n - tune\n", "there is no key 'stage'; did you mean 'stages'?"},
        {"seed: 1\nstages:\n  - trim: {macs: 0.5}\n  - tune: {step: 2}\n",
         "demo.yaml:4: stages[1].tune: there is no option 'step'; did you mean 'steps'?"},
        {"stages:\n- trim:\n    saliencey: taylor\n",
         "demo.yaml:3: stages[0].trim: there is no option 'saliencey'; did you mean 'saliency'?"},
        {"stages: [prune]\n", "demo.yaml:1: stages[0]: there is no stage 'prune'; did you mean"},
        {"stages:\n- quantise: {}\n", "demo.yaml:2: stages[0]: there is no stage 'quantise'; did "
                                      "you mean 'quantize'?"},
        {"goals: {latency: 5}\n", "goals: there is no option 'latency'; did you mean "
                                  "'latency-ms'?"},
        {"stages:\n- tune: {steps: many}\n",
         "demo.yaml:2: stages[0].tune: option steps: 'many' is not a whole number"},
        {"goals:\n  macs: 1.5\n", "demo.yaml:2: goals: option macs: '1.5' is outside 0 to 1"},
        {"stages:\n- trim: {saliency: beauty}\n", "'beauty' is not one of reconstruction|"},
        {"stages:\n- quantize: {scan: perhaps}\n", "neither true nor false"},
        {"goals: {max-drop: little}\n", "demo.yaml:1: goals: max-drop 'little'"},
        {"goals: {packed-bytes: 12}\n", "demo.yaml:1: goals: packed-bytes '12'"},
        {"protocol: guess\n", "demo.yaml:1: recipe:"},
        {"align: left\n", "demo.yaml:1: recipe:"},
        {"seed:\n", "demo.yaml:1: 'seed' has no value"},
        {"model: [a, b]\n", "'model' takes one value, not a list"},
        {"seed: {a: 1}\n", "'seed' takes one value, not a block"},
        {"goals: 0.5\n", "goals: a block of options is expected"},
        {"stages: {trim: {macs: 0.5}}\n", "'stages' is a list"},
        {"stages:\n- [trim]\n", "demo.yaml:2: stages[0]: a stage is expected"},
        {"stages:\n-\n", "stages[0]: a stage is expected"},
        {"stages:\n- {}\n", "stages[0]: a stage is expected"},
        {"stages:\n- trim: 0.5\n", "stages[0].trim: a block of options is expected, not a value"},
        {"stages:\n- trim:\n  macs: 0.5\n", "demo.yaml:3: stages[0]: 'macs' stands beside 'trim'"},
        {"stages:\n- tune: {snapshot: x}\n", "'snapshot' has no place in a recipe: a run keeps"},
        {"stages:\n- trim: {keep: 0.5}\n", "'keep' has no place in a recipe: say macs"},
        {"trim: false\n", "'trim' has no place in a recipe: list it under 'stages:'"},
        {"stages:\n- trim: {tune: {steps: [1, 2]}}\n", "stages[0].trim.tune: 'steps' takes one"},
        {"stages:\n- trim: {tune: {stepps: 1}}\n", "stages[0].trim.tune: there is no option"},
        {"model: a\n", "demo.yaml: it has no stages"},
        {"stages: []\n", "it has no stages"},
        {"data: a\nval: b\nstages: [tune]\n", "data replaces images, val and test"},
        {"stages: [quantize, trim]\n", "stages[1] trims after a quantize stage"},
        {"val: a\ngoals: {max-drop: rmse=1}\nstages: [tune]\n", "metric abs_rel decides"},
    };
    prune_context *ctx = test_context(1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        refused(ctx, rows[i].text, rows[i].part);
    prune_context_free(ctx);
}
END_TEST

START_TEST(a_sweep_finds_the_option_that_is_meant)
{
    static const struct {
        const char *text;
        int32_t stage;
        const char *key;
    } good[] = {
        {"stages: [trim]\nsweep: {macs: [0.8, 0.6]}\n", -1, "macs"},
        {"goals: {macs: [0.8, 0.6]}\nstages: [trim]\n", -1, "macs"},
        {"sweep: {macs: [0.8, 0.6]}\nstages: [tune, trim: {macs: 0.7}]\n", 1, "macs"},
        {"sweep: {saliency: [taylor, random]}\nstages: [trim, tune]\n", 0, "saliency"},
        {"sweep: {steps: [0, 5]}\nstages: [trim, tune]\n", 1, "steps"},
        {"sweep: {max-float: [0, 3, 6]}\nstages: [tune, quantize]\n", 1, "max-float"},
        {"stages: [tune, tune: {steps: [1, 2]}]\n", 1, "steps"},
        {"sweep: {max-drop: [abs_rel=0.1, abs_rel=0.2]}\nstages: [trim]\n", -1, "max-drop"},
    };
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"sweep: {steps: [1, 2]}\nstages: [tune, tune]\n", "demo.yaml:1: sweep: 2 stages have"},
        {"sweep: {steps: [1, 2]}\nstages: [trim]\n", "'steps' is no goal and no option"},
        {"sweep: {macs: [0.5, 1.5]}\nstages: [trim]\n", "'1.5' is outside"},
        {"sweep: {macs: [0.5], params: [1]}\nstages: [trim]\n", "'params' is a second option"},
        {"goals: {macs: [0.5]}\nstages: [tune: {steps: [1]}]\n",
         "stages[0].tune: 'steps' is a second list; a recipe sweeps one option, and macs"},
        {"sweep: {macs: []}\nstages: [trim]\n", "the list of 'macs' is empty"},
        {"sweep: {macs: [[1]]}\nstages: [trim]\n", "a list of plain values"},
        {"sweep: {macs: [~]}\nstages: [trim]\n", "a list of plain values"},
        {"sweep: {macs: 0.5}\nstages: [trim]\n", "one option with its values"},
        {"sweep: [1]\nstages: [trim]\n", "one option with its values"},
        {"seed: [1, 2]\nstages: [trim]\n", "'seed' takes one value"},
        {"sweep: {max-drop: [a]}\nstages: [trim]\n", "max-drop 'a'"},
    };
    prune_context *ctx = test_context(1);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        prune_recipe *r = parsed(ctx, good[i].text), *point;
        ck_assert_int_eq(r->sweep.stage, good[i].stage);
        ck_assert_str_eq(r->sweep.key, good[i].key);
        for (size_t k = 0; k < recipe_points(r); k++) {
            ck_ok(recipe_at(&point, r, k));
            prune_recipe_free(point);
        }
        prune_recipe_free(r);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) refused(ctx, bad[i].text, bad[i].part);
    prune_context_free(ctx);
}
END_TEST

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(paths_are_relative_to_the_file)
{
    prune_context *ctx = test_context(1);
    prune_recipe *r;
    char path[600], wanted[700], folder[512];
    (void)snprintf(folder, sizeof folder, "%s", test_path(0, "recipes"));
    (void)mkdir(folder, 0777);
    (void)snprintf(path, sizeof path, "%s/a.yaml", folder);
    write_file(path, "model: nets/a.pth\nimages: /abs\nval: ../val\noutput: out\n"
                     "stages: [tune]\n");
    ck_ok(prune_recipe_load(&r, ctx, path));
    (void)snprintf(wanted, sizeof wanted, "%s/nets/a.pth", folder);
    ck_assert_str_eq(r->inputs.model, wanted);
    ck_assert_str_eq(r->inputs.images, "/abs");
    (void)snprintf(wanted, sizeof wanted, "%s/../val", folder);
    ck_assert_str_eq(r->inputs.val, wanted);
    (void)snprintf(wanted, sizeof wanted, "%s/out", folder);
    ck_assert_str_eq(r->loop.output, wanted);
    prune_recipe_free(r);
    write_file(path, "model: bundled\nstages: [tune]\n");
    ck_ok(prune_recipe_load(&r, ctx, path));
    ck_assert_str_eq(r->inputs.model, "bundled");
    prune_recipe_free(r);
    write_file(path, "model: bundled\nstages:\n  tune\n");
    ck_fails(prune_recipe_load(&r, ctx, path), PRUNE_E_FORMAT, "a.yaml:2: 'stages' is a list");
    ck_fails(prune_recipe_load(&r, ctx, folder), PRUNE_E_IO, "cannot read the recipe");
    ck_fails(prune_recipe_load(&r, ctx, "/nowhere/r.yaml"), PRUNE_E_IO, "/nowhere/r.yaml");
    ck_fails(prune_recipe_load(&r, ctx, "/dev/zero"), PRUNE_E_FORMAT, "more than 1 MiB");
    prune_context_free(ctx);
}
END_TEST

/* Whatever the bytes: a recipe that prints and reads again, or a message that names the file. */
static void survive(prune_context *ctx, const char *text, size_t size)
{
    prune_recipe *r = NULL, *again = NULL;
    char *yaml = NULL;
    if (prune_recipe_parse(&r, ctx, "hurt.yaml", text, size) != PRUNE_OK) {
        ck_assert_ptr_null(r);
        ck_assert_msg(strstr(prune_last_error(), "hurt.yaml") != NULL, "%s", prune_last_error());
        return;
    }
    ck_ok(prune_recipe_text(r, &yaml));
    ck_ok(prune_recipe_parse(&again, ctx, "printed", yaml, strlen(yaml)));
    prune_text_free(yaml);
    prune_recipe_free(again);
    prune_recipe_free(r);
}

START_TEST(damaged_recipes_do_no_damage)
{
    prune_context *ctx = test_context(1);
    const size_t size = strlen(whole_recipe);
    for (size_t length = 0; length <= size; length++) {
        char *piece = malloc(length ? length : 1); /* no zero byte: overruns are seen */
        ck_assert_ptr_nonnull(piece);
        memcpy(piece, whole_recipe, length);
        survive(ctx, piece, length);
        free(piece);
    }
    static const char swaps[] = "\0\n:-[}*\"";
    char *copy = malloc(size);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, whole_recipe, size);
    for (size_t i = 0; i < size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            copy[i] = (char)(whole_recipe[i] ^ (1 << bit));
            survive(ctx, copy, size);
        }
        for (size_t k = 0; k < sizeof swaps - 1; k++) {
            copy[i] = swaps[k];
            survive(ctx, copy, size);
        }
        copy[i] = whole_recipe[i];
    }
    free(copy);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("pipelines.recipe.reader", a_recipe_says_the_words_of_the_command_line,
          mistakes_are_named_with_line_key_and_the_nearest_word,
          a_sweep_finds_the_option_that_is_meant, paths_are_relative_to_the_file,
          damaged_recipes_do_no_damage)
