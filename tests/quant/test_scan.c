#include "libprune/quant/assign.h"
#include "libprune/quant/scan.h"
#include "tests/quant/fixture.h"

#include <math.h>

static scene world;

typedef struct setting {
    prune_context *ctx;
    prune_model *original, *work;
    prune_samples *samples;
    bool candidate[512];
    pr_quant_judge judge;
    pr_scan scan;
} setting;

static void open_setting(setting *s, prune_model *original, bool by_input)
{
    prune_quant_options options;
    pr_watch watch[512];
    pr_calibration calibration;
    *s = (setting){.ctx = original->ctx, .original = original};
    scene_make(&world, 6, false);
    s->samples = scene_samples(s->ctx, &world);
    ck_ok(pr_model_clone(&s->work, original));
    prune_quant_options_init(&options);
    options.scheme = PR_SCHEME_TENSOR;
    ck_ok(pr_assign_candidates(s->work, &options, s->candidate));
    pr_assign_watch(s->work, s->candidate, PR_SCHEME_TENSOR, watch);
    ck_ok(pr_calibration_create(&calibration, s->work, watch, PR_OBSERVER_MIN_MAX));
    ck_ok(pr_calibration_run(&calibration, s->samples, 6, 1));
    ck_ok(pr_assign_records(s->work, s->candidate, &calibration, &options));
    pr_calibration_free(&calibration);
    ck_ok(pr_quant_judge_create(&s->judge, original, s->samples, 4, NULL));
    ck_ok(pr_scan_create(&s->scan, s->work, s->candidate, by_input));
}

static void close_setting(setting *s)
{
    prune_context *ctx = s->ctx;
    pr_scan_free(&s->scan);
    pr_quant_judge_free(&s->judge);
    prune_samples_free(s->samples);
    prune_model_free(s->work);
    prune_model_free(s->original);
    prune_context_free(ctx);
}

/* Partial runs in the clever order say what whole runs with one quantized unit say. */
static void compare_with_whole_runs(setting *s)
{
    ck_ok(pr_scan_run(&s->scan, s->work, &s->judge, 4));
    for (int32_t u = 0; u < s->scan.count; u++) {
        double alone;
        pr_scan_set(&s->scan, s->work, u, true);
        ck_ok(pr_quant_judge_measure(&s->judge, s->work, &alone));
        pr_scan_set(&s->scan, s->work, u, false);
        ck_assert_double_eq_tol(s->scan.units[u].error, alone, 1e-9 + 1e-6 * alone);
    }
    for (int32_t i = 1; i < s->scan.count; i++)
        ck_assert_double_ge(s->scan.units[s->scan.order[i - 1]].error,
                            s->scan.units[s->scan.order[i]].error);
}

START_TEST(partial_runs_equal_whole_runs)
{
    setting s;
    open_setting(&s, fixture_model(test_context(2)), false);
    ck_assert_int_eq(s.scan.count, 6);
    compare_with_whole_runs(&s);
    close_setting(&s);
}
END_TEST

START_TEST(units_of_one_input_go_together)
{
    setting s;
    open_setting(&s, tiny_model(test_context(2), 80, 4), true);
    const int32_t q = pr_model_find_node(s.work, "blocks.1.attn.q");
    const int32_t v = pr_model_find_node(s.work, "blocks.1.attn.v");
    const int32_t at = q == PR_NONE ? pr_model_find_node(s.work, "pretrained.blocks.1.attn.q") : q;
    ck_assert_int_ne(at, PR_NONE);
    ck_assert_int_eq(s.scan.unit_of[at], s.scan.unit_of[v == PR_NONE ? at + 2 : v]);
    ck_assert_int_eq(s.scan.units[s.scan.unit_of[at]].layers, 3);
    ck_assert_uint_gt(s.scan.units[s.scan.unit_of[at]].macs, 0);
    compare_with_whole_runs(&s);
    close_setting(&s);
}
END_TEST

START_TEST(the_hostile_layer_goes_back_to_floats)
{
    setting s;
    prune_model *model = fixture_model(test_context(1));
    double all, drop;
    make_hostile(model);
    open_setting(&s, model, false);
    ck_ok(pr_scan_run(&s.scan, s.work, &s.judge, 4));
    const int32_t hostile = s.scan.unit_of[pr_model_find_node(s.work, hostile_name)];
    ck_assert_int_eq(s.scan.order[0], hostile);
    ck_ok(pr_scan_fall_back(&s.scan, s.work, &s.judge, 0, 0, &all)); /* no layer may return */
    ck_assert(!s.scan.units[hostile].keep);
    ck_ok(pr_scan_fall_back(&s.scan, s.work, &s.judge, all * 0.5, 3, &drop));
    ck_assert_double_le(drop, all * 0.5);
    for (int32_t u = 0; u < s.scan.count; u++) ck_assert_int_eq(s.scan.units[u].keep, u == hostile);
    for (int32_t i = 0; i < s.work->n_nodes; i++)
        if (s.candidate[i])
            ck_assert_int_eq(s.work->nodes[i].precision.compute,
                             s.scan.unit_of[i] == hostile ? PR_COMPUTE_F32 : PR_COMPUTE_I8);
    close_setting(&s);
}
END_TEST

TEST_MAIN("quant/scan", partial_runs_equal_whole_runs, units_of_one_input_go_together,
          the_hostile_layer_goes_back_to_floats)
