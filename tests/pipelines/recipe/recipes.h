/* Recipes as texts, for the tests of this room. */
#ifndef TESTS_PIPELINES_RECIPE_RECIPES_H
#define TESTS_PIPELINES_RECIPE_RECIPES_H

#include "pipelines/recipe/recipe.h"
#include "tests/support/support.h"

#include <string.h>

/* Everything that a recipe can say, once. */
static const char *const whole_recipe =
    "# comment\n"
    "model: nets/a.pth\n"
    "images: \"pictures \\u00FC/x\"\n"
    "val: /data/val\n"
    "output: out\n"
    "protocol: eigen-benchmark\n"
    "align: median\n"
    "bench-seconds: 0.5\n"
    "seed: 4\n"
    "goals: {max-drop: abs_rel=0.01, latency-ms: 5, packed-bytes: 3.5MB}\n"
    "load: {output-kind: metric, max-depth: 80}\n"
    "save: {storage: fp16}\n"
    "stages:\n"
    "  - trim: {macs: 0.8, rounds: 3, kinds: \"head,qk\", tune: {steps: 20}}\n"
    "  - tune: {steps: 200}\n"
    "  - trim:\n"
    "      macs: [0.6, 0.4]\n"
    "      rounds: 1\n"
    "      tune: no\n"
    "  - quantize\n"
    "  - tune:\n"
    "      minutes: 5\n";

static inline prune_recipe *parsed(prune_context *ctx, const char *text)
{
    prune_recipe *r = NULL;
    ck_ok(prune_recipe_parse(&r, ctx, "demo.yaml", text, strlen(text)));
    return r;
}

/* The text is refused with a message that has this part. */
static inline void refused(prune_context *ctx, const char *text, const char *part)
{
    prune_recipe *r = NULL;
    const prune_status status = prune_recipe_parse(&r, ctx, "demo.yaml", text, strlen(text));
    ck_assert_msg(status != PRUNE_OK, "taken: %s", text);
    ck_assert_msg(strstr(prune_last_error(), part) != NULL, "\"%s\" lacks \"%s\"",
                  prune_last_error(), part);
    ck_assert_ptr_null(r);
}

#endif
