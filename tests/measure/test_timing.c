#include "tests/support/nets.h"
#include "tests/support/support.h"

#include <jansson.h>
#include <prune/measure.h>
#include <stdlib.h>

static prune_latency latency_of(const prune_timing *timing, int32_t model)
{
    prune_latency latency = {.struct_size = (uint32_t)sizeof latency};
    ck_ok(prune_timing_latency(timing, model, &latency));
    return latency;
}

static void check_order(const prune_latency *l)
{
    ck_assert_double_gt(l->minimum, 0);
    ck_assert_double_le(l->minimum, l->median_low);
    ck_assert_double_le(l->median_low, l->median);
    ck_assert_double_le(l->median, l->median_high);
    ck_assert_double_ge(l->p95, l->median);
    ck_assert_double_ge(l->mean, l->minimum);
    ck_assert_double_eq_tol(l->throughput, 1000 / l->mean, 1e-6 * l->throughput);
    ck_assert_double_ge(l->coverage, 0.95);
    ck_assert_uint_gt(l->memory, 0);
}

START_TEST(models_take_turns)
{
    prune_context *ctx = test_context(2);
    prune_model *vit = net_vit(ctx), *conv = net_conv(ctx);
    const prune_model *models[] = {vit, conv};
    prune_timing_options options;
    prune_timing *timing;
    prune_timing_options_init(&options);
    options.seconds = 0.02;
    options.warm_up = 1;
    options.height = 16, options.width = 24;
    ck_ok(prune_timing_run(&timing, ctx, models, 2, &options));
    for (int32_t i = 0; i < 2; i++) {
        const prune_latency l = latency_of(timing, i);
        check_order(&l);
        ck_assert_int_ge(l.runs, 7);
        ck_assert_int_eq(l.runs, latency_of(timing, 0).runs);
        ck_assert_int_eq(l.warm_up, 1);
        ck_assert_int_eq(l.threads, 2);
        ck_assert_str_eq(l.isa, prune_context_isa(ctx));
        ck_assert_int_eq(l.height, 16);
        ck_assert_int_eq(l.width, 24);
    }
    prune_timing_free(timing);
    prune_model_free(vit), prune_model_free(conv);
    prune_context_free(ctx);
}
END_TEST

START_TEST(ratios_turn_round)
{
    prune_context *ctx = test_context(1);
    prune_model *vit = net_vit(ctx), *conv = net_conv(ctx);
    const prune_model *models[] = {vit, conv};
    prune_timing_options options;
    prune_timing *timing;
    prune_timing_options_init(&options);
    options.seconds = 0.02;
    ck_ok(prune_timing_run(&timing, ctx, models, 2, &options));
    prune_ratio there = {.struct_size = (uint32_t)sizeof there}, back = there, same = there;
    ck_ok(prune_timing_ratio(timing, 1, 0, &there));
    ck_ok(prune_timing_ratio(timing, 0, 1, &back));
    ck_ok(prune_timing_ratio(timing, 1, 1, &same));
    ck_assert_double_eq_tol(there.ratio * back.ratio, 1, 1e-12);
    ck_assert_double_eq_tol(there.low * back.high, 1, 1e-12);
    ck_assert_double_eq_tol(there.minimum * back.minimum, 1, 1e-12);
    ck_assert(there.low <= there.ratio && there.ratio <= there.high);
    ck_assert_double_ge(there.coverage, 0.95);
    ck_assert_int_eq(there.turns, latency_of(timing, 0).runs);
    ck_assert(same.ratio == 1 && same.low == 1 && same.high == 1 && same.minimum == 1);
    ck_assert_int_eq(prune_timing_ratio(timing, 0, 2, &there), PRUNE_E_ARGUMENT);
    /* A caller from before the newer members gets what he knows and no more. */
    prune_ratio old = {.struct_size = offsetof(prune_ratio, low), .low = -1};
    ck_ok(prune_timing_ratio(timing, 0, 1, &old));
    ck_assert(old.ratio == back.ratio && old.low == -1);
    prune_timing_free(timing);
    prune_model_free(vit), prune_model_free(conv);
    prune_context_free(ctx);
}
END_TEST

START_TEST(precision_ends_it_early)
{
    prune_context *ctx = test_context(1);
    prune_model *model = net_conv(ctx);
    const prune_model *models[] = {model};
    prune_timing_options options;
    prune_timing *timing;
    prune_timing_options_init(&options);
    options.seconds = 60;
    options.precision = 1; /* the interval may be as wide as twice the median */
    ck_ok(prune_timing_run(&timing, ctx, models, 1, &options));
    prune_latency l = latency_of(timing, 0);
    ck_assert(l.precise);
    ck_assert_double_le(0.5 * (l.median_high - l.median_low), l.median);
    prune_timing_free(timing);
    options.seconds = 0.001; /* nothing is known without any error */
    options.precision = 0;
    ck_ok(prune_timing_run(&timing, ctx, models, 1, &options));
    l = latency_of(timing, 0);
    ck_assert(!l.precise || l.median_low == l.median_high);
    prune_timing_free(timing);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(json_has_the_same_numbers)
{
    prune_context *ctx = test_context(1);
    prune_model *model = net_conv(ctx);
    prune_timing_options options;
    prune_timing *timing;
    char *text = NULL;
    prune_timing_options_init(&options);
    options.seconds = 0.001;
    options.confidence = 0.9;
    ck_ok(prune_timing_run(&timing, ctx, (const prune_model *const[]){model}, 1, &options));
    ck_ok(prune_timing_json(timing, 0, &text));
    json_t *root = json_loads(text, 0, NULL);
    const prune_latency l = latency_of(timing, 0);
    const json_t *interval = json_object_get(root, "median_ci90");
    ck_assert_double_eq_tol(json_number_value(json_object_get(root, "median")), l.median, 1e-12);
    ck_assert_double_eq_tol(json_number_value(json_array_get(interval, 0)), l.median_low, 1e-12);
    ck_assert_double_eq_tol(json_number_value(json_array_get(interval, 1)), l.median_high, 1e-12);
    ck_assert_int_eq(json_integer_value(json_object_get(root, "runs")), l.runs);
    ck_assert_int_eq(json_is_true(json_object_get(root, "precise")), l.precise);
    json_decref(root);
    prune_text_free(text);
    prune_timing_free(timing);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

static bool after_five(void *user)
{
    int *asked = user;
    return ++*asked > 5;
}

START_TEST(cancel_and_bad_options)
{
    prune_context_options context_options;
    prune_context *ctx;
    int asked = 0;
    prune_context_options_init(&context_options);
    context_options.threads = 1;
    context_options.user = &asked;
    context_options.cancel = after_five;
    ck_ok(prune_context_create(&ctx, &context_options));
    prune_model *model = net_conv(ctx);
    const prune_model *models[] = {model};
    prune_timing *timing = NULL;
    ck_assert_int_eq(prune_timing_run(&timing, ctx, models, 1, NULL), PRUNE_E_CANCELLED);
    ck_assert_ptr_null(timing);
    ck_assert_int_eq(asked, 6); /* once a turn */
    prune_timing_options options;
    prune_timing_options_init(&options);
    options.confidence = 1;
    ck_assert_int_eq(prune_timing_run(&timing, ctx, models, 1, &options), PRUNE_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(prune_last_error(), "confidence"));
    ck_assert_int_eq(prune_timing_run(&timing, ctx, models, 0, NULL), PRUNE_E_ARGUMENT);
    ck_assert_ptr_null(timing);
    prune_timing_free(NULL);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("measure.timing", models_take_turns, ratios_turn_round, precision_ends_it_early,
          json_has_the_same_numbers, cancel_and_bad_options)
