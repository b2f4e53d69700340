#include "libprune/quant/assign.h"
#include "tests/quant/fixture.h"

static scene world;

START_TEST(patterns_and_defaults_keep_floats)
{
    prune_context *ctx = test_context(1);
    prune_model *model = fixture_model(ctx);
    prune_quant_options options;
    bool candidate[64];
    prune_quant_options_init(&options);
    ck_ok(pr_assign_candidates(model, &options, candidate));
    ck_assert(candidate[pr_model_find_node(model, "conv1")]); /* an eighth of the work or more */
    ck_assert(!candidate[pr_model_find_node(model, "head")]);
    ck_assert(candidate[pr_model_find_node(model, "convs.0.0")]);
    ck_assert(!candidate[pr_model_find_node(model, "relu1")]);
    options.default_float = false;
    options.keep_float = "conv1,convs.*,decoder.1";
    model->nodes[pr_model_find_node(model, "decoder.2")].precision.keep_float = true;
    ck_ok(pr_assign_candidates(model, &options, candidate));
    ck_assert(candidate[pr_model_find_node(model, "head")]);
    ck_assert(!candidate[pr_model_find_node(model, "conv1")]);
    ck_assert(!candidate[pr_model_find_node(model, "convs.0.0")]);
    ck_assert(!candidate[pr_model_find_node(model, "decoder.1")]);
    ck_assert(!candidate[pr_model_find_node(model, "decoder.2")]);
    options.keep_float = "convs.*,nothing";
    ck_fails(pr_assign_candidates(model, &options, candidate), PRUNE_E_ARGUMENT, "'nothing'");
    prune_model_free(model);
    prune_context_free(ctx);
}
END_TEST

/* q, k and v read one value: per channel they share one scale tensor; per token they need none. */
START_TEST(readers_of_a_value_share_its_scales)
{
    prune_context *ctx = test_context(1);
    scene_make(&world, 2, false);
    prune_samples *samples = scene_samples(ctx, &world);
    for (int scheme = 0; scheme < 4; scheme++) {
        prune_model *model = tiny_model(ctx, 80, 3);
        prune_quant_options options;
        bool candidate[512];
        pr_watch watch[512];
        pr_calibration calibration;
        prune_quant_options_init(&options);
        options.scheme = scheme;
        ck_ok(pr_assign_candidates(model, &options, candidate));
        pr_assign_watch(model, candidate, (pr_scheme)scheme, watch);
        ck_ok(pr_calibration_create(&calibration, model, watch, PR_OBSERVER_MIN_MAX));
        ck_ok(pr_calibration_run(&calibration, samples, 2, 1));
        ck_ok(pr_assign_records(model, candidate, &calibration, &options));
        int linear = 0;
        for (int32_t i = 0; i < model->n_nodes; i++) {
            const pr_precision *p = &model->nodes[i].precision;
            const pr_op_kind op = model->nodes[i].op;
            if (!candidate[i]) continue;
            linear += op == PR_OP_LINEAR;
            if (op == PR_OP_ATTENTION)
                ck_assert_int_eq(p->input, PR_INPUT_TOKEN);
            else if (scheme == PR_SCHEME_TENSOR)
                ck_assert_int_eq(p->input, PR_INPUT_TENSOR);
            else if (scheme == PR_SCHEME_CHANNEL || op != PR_OP_LINEAR)
                ck_assert_int_eq(p->input, PR_INPUT_CHANNEL);
            else
                ck_assert_int_eq(p->input, PR_INPUT_TOKEN);
            ck_assert_int_eq(p->input_scale.data != NULL, p->input != PR_INPUT_TOKEN);
            for (int32_t k = 0; k < i && p->input_scale.data; k++)
                if (candidate[k] && model->nodes[k].inputs[0] == model->nodes[i].inputs[0])
                    ck_assert_ptr_eq(model->nodes[k].precision.input_scale.data,
                                     p->input_scale.data);
        }
        ck_assert_int_ge(linear, 24);
        pr_calibration_free(&calibration);
        prune_model_free(model);
    }
    prune_samples_free(samples);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("quant/assign", patterns_and_defaults_keep_floats, readers_of_a_value_share_its_scales)
