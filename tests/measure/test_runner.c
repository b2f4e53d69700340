#include "libprune/measure/runner.h"
#include "tests/support/nets.h"
#include "tests/support/support.h"

#include <math.h>

START_TEST(runs_at_the_models_size_or_another)
{
    prune_context *ctx = test_context(2);
    prune_model *model = net_vit(ctx);
    prune_model_info info = {.struct_size = (uint32_t)sizeof info};
    pr_runner runner;
    ck_ok(prune_model_describe(model, 0, 0, &info));
    ck_ok(pr_runner_open(&runner, ctx, model, 0, 0));
    ck_assert_int_eq(runner.height, info.input_height);
    ck_assert_int_eq(runner.width, info.input_width);
    pr_runner_close(&runner);
    ck_ok(pr_runner_open(&runner, ctx, model, 16, 24));
    for (int i = 0; i < 16 * 24; i++) runner.output[i] = NAN;
    ck_ok(pr_runner_run(&runner));
    for (int i = 0; i < 16 * 24; i++) ck_assert(isfinite(runner.output[i]));
    for (int i = 0; i < 16 * 24 * 3; i++) ck_assert(runner.input[i] >= -1 && runner.input[i] < 1);
    pr_runner_close(&runner);
    ck_assert_int_ne(pr_runner_open(&runner, ctx, model, -4, 24), PRUNE_OK);
    pr_runner_close(&runner);
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(the_clock_goes_forward)
{
    const double start = pr_seconds();
    ck_assert_double_ge(pr_seconds(), start);
}
END_TEST

TEST_MAIN("measure.runner", runs_at_the_models_size_or_another, the_clock_goes_forward)
