#include "tests/session/nets.h"

static prune_model *(*const nets[])(prune_context *) = {net_conv, net_vit, net_gated, net_chain};
enum { NETS = sizeof nets / sizeof *nets };

START_TEST(floats_agree_with_the_interpreter)
{
    for (int isa = 0; isa < PR_ISA_COUNT; isa++) {
        prune_context *ctx = tier_context((pr_isa)isa, 2);
        if (!ctx) continue;
        for (int i = 0; i < NETS; i++) {
            prune_model *model = nets[i](ctx);
            prune_session *session;
            ck_ok(prune_session_create(&session, model, NULL));
            compare(session, model, PR_MODE_PLAIN, 1, 16, 16, 1e-4, 1e-3);
            compare(session, model, PR_MODE_PLAIN, 1, 24, 32, 1e-4, 1e-3);
            prune_session_free(session);
            prune_session_options options;
            prune_session_options_init(&options);
            options.batch = 2;
            options.profile = true;
            ck_ok(prune_session_create(&session, model, &options));
            compare(session, model, PR_MODE_PLAIN, 2, 16, 24, 1e-4, 1e-3);
            prune_session_free(session);
            pr_model_free(model);
        }
        prune_context_free(ctx);
    }
}
END_TEST

static void check_integers(prune_context *ctx, int net, bool tokens)
{
    enum { H = 16, W = 24 };
    static float input[H * W * 3];
    prune_model *model = nets[net](ctx);
    prune_session *session;
    test_fill(input, H * W * 3, 3);
    annotate(model, input, H, W, tokens);
    ck_ok(prune_session_create(&session, model, NULL));
    /* Integers and floats are computed alike: not one bit differs. */
    compare(session, model, PR_MODE_EXACT, 1, H, W, 0, 0);
    prune_session_free(session);
    prune_session_options options;
    prune_session_options_init(&options);
    options.batch = 2;
    ck_ok(prune_session_create(&session, model, &options));
    compare(session, model, PR_MODE_EXACT, 2, W, H, 0, 0);
    prune_session_free(session);
    pr_model_free(model);
}

START_TEST(integers_agree_with_the_exact_mode)
{
    for (int isa = 0; isa < PR_ISA_COUNT; isa++) {
        prune_context *ctx = tier_context((pr_isa)isa, 2);
        if (!ctx) continue;
        for (int i = 0; i < NETS; i++) {
            check_integers(ctx, i, false);
            check_integers(ctx, i, true);
        }
        prune_context_free(ctx);
    }
}
END_TEST

/* Rounded operands: the session agrees with the exact mode bit for bit, beside INT8 layers too, and
 * with FP32 as bfloat16's 8 bits let it: each product is off by at most 2^-8 of itself. */
static void check_bf16(prune_context *ctx, int net, bool integers)
{
    enum { H = 16, W = 24 };
    static float input[H * W * 3];
    prune_model *model = nets[net](ctx);
    prune_session *session;
    test_fill(input, H * W * 3, 3);
    if (integers) annotate(model, input, H, W, true);
    for (int32_t i = 0; integers && i < model->n_nodes; i += 3) {
        pr_precision *p = &model->nodes[i].precision;
        pr_tensor_release(&p->input_scale);
        pr_tensor_release(&p->input_zero);
        *p = (pr_precision){0};
    }
    ck_ok(prune_model_set_floats(model, 2));
    int32_t marked = 0;
    for (int32_t i = 0; i < model->n_nodes; i++)
        marked += model->nodes[i].precision.compute == PR_COMPUTE_BF16;
    ck_assert_int_gt(marked, 0);
    ck_ok(prune_session_create(&session, model, NULL));
    compare(session, model, PR_MODE_EXACT, 1, H, W, 0, 0);
    if (!integers) compare(session, model, PR_MODE_PLAIN, 1, H, W, 3e-2, 0.3);
    prune_session_free(session);
    pr_model_free(model);
}

START_TEST(bf16_agrees_with_the_exact_mode)
{
    for (int isa = 0; isa < PR_ISA_COUNT; isa++) {
        prune_context *ctx = tier_context((pr_isa)isa, 2);
        if (!ctx) continue;
        for (int i = 0; i < NETS; i++) {
            check_bf16(ctx, i, false);
            check_bf16(ctx, i, true);
        }
        prune_context_free(ctx);
    }
}
END_TEST

/* The option does to a session what prune_model_set_floats does to a model. */
START_TEST(precision_is_an_option_of_the_session)
{
    enum { H = 16, W = 24 };
    static float input[H * W * 3], recorded[H * W], marked[H * W], asked[H * W], back[H * W];
    prune_context *ctx = test_context(2);
    prune_model *model = net_vit(ctx);
    prune_session_options options;
    float *outputs[] = {recorded, asked, marked, back};
    const int32_t precisions[] = {0, 2, 0, 1};
    test_fill(input, H * W * 3, 3);
    for (int i = 0; i < 4; i++) {
        prune_session *session;
        prune_session_options_init(&options);
        options.precision = precisions[i];
        if (i == 2) ck_ok(prune_model_set_floats(model, 2));
        ck_ok(prune_session_create(&session, model, &options));
        ck_ok(prune_session_run(session, input, H, W, outputs[i]));
        prune_session_step step = {.struct_size = sizeof step};
        int32_t at = 0; /* the picture's own convolution stays FP32 */
        do ck_ok(prune_session_step_info(session, at++, &step));
        while (strcmp(step.kernel + 1, "gemm") != 0);
        ck_assert_str_eq(step.kernel, i % 3 == 0 ? "sgemm" : "bgemm");
        prune_session_free(session);
    }
    ck_assert_mem_eq(asked, marked, sizeof asked);
    ck_assert_mem_eq(recorded, back, sizeof back);
    ck_assert(memcmp(recorded, asked, sizeof asked) != 0);
    prune_session *session;
    options.precision = 3;
    ck_fails(prune_session_create(&session, model, &options), PRUNE_E_ARGUMENT, "precision 3");
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(chains_of_integers_never_become_floats)
{
    enum { H = 32, W = 32 };
    static float input[H * W * 3];
    prune_context *ctx = test_context(1);
    prune_model *model = net_chain(ctx);
    prune_session *session;
    test_fill(input, H * W * 3, 3);
    annotate(model, input, H, W, false);
    ck_ok(prune_session_create(&session, model, NULL));
    int32_t quantized = 0, activations = 0;
    for (int32_t i = 0; i < prune_session_steps(session); i++) {
        prune_session_step step = {.struct_size = sizeof step};
        ck_ok(prune_session_step_info(session, i, &step));
        quantized += strcmp(step.kernel, "quantize") == 0;
        activations += strcmp(step.kernel, "activate") == 0;
    }
    ck_assert_int_eq(quantized, 1); /* the picture */
    ck_assert_int_eq(activations, 0);
    /* stem, down, body, two of the unit, five of the decoder, and the quantization. */
    ck_assert_int_eq(prune_session_steps(session), 10);
    ck_assert_uint_gt(prune_session_memory(session), 0);
    prune_session_step step = {.struct_size = sizeof step};
    ck_fails(prune_session_step_info(session, 999, &step), PRUNE_E_ARGUMENT, "999");
    prune_session_free(session);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

/* Sizes in turns, more of them than are kept: the same bytes as a session of one size writes. */
START_TEST(sizes_in_turns_do_not_disturb_each_other)
{
    enum { SIZES = 6, MOST = 48 };
    static float input[MOST * MOST * 3], first[SIZES][MOST * MOST], again[MOST * MOST];
    prune_context *ctx = test_context(2);
    prune_model *model = net_vit(ctx);
    prune_session *session;
    test_fill(input, MOST * MOST * 3, 3);
    for (int i = 0; i < SIZES; i++) {
        ck_ok(prune_session_create(&session, model, NULL));
        ck_ok(prune_session_run(session, input, 48 - 8 * i, 16 + 4 * i, first[i]));
        prune_session_free(session);
    }
    ck_ok(prune_session_create(&session, model, NULL));
    for (int turn = 0; turn < 3 * SIZES; turn++) {
        int i = turn * 5 % SIZES, height = 48 - 8 * i, width = 16 + 4 * i;
        ck_ok(prune_session_run(session, input, height, width, again));
        ck_assert_mem_eq(again, first[i], (size_t)(height * width) * sizeof *again);
    }
    ck_fails(prune_session_run(session, input, 0, 8, again), PRUNE_E_SHAPE, "");
    ck_ok(prune_session_run(session, input, 48, 16, again));
    ck_assert_mem_eq(again, first[0], 48 * 16 * sizeof *again);
    prune_session_free(session);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(pictures_come_back_at_their_own_size)
{
    prune_context *ctx = test_context(2);
    prune_model *model = net_chain(ctx);
    prune_session *session;
    static uint8_t pixels[20 * 30 * 3];
    static float values[20 * 30 + 1], network[64 * 64];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * 7);
    prune_pixels picture = {.data = pixels, .width = 30, .height = 20};
    ck_ok(prune_session_create(&session, model, NULL));
    int32_t height, width;
    ck_ok(prune_session_network_size(session, 20, 30, &height, &width));
    ck_assert_int_eq(height, 32);
    ck_assert_int_eq(width, 32);
    values[20 * 30] = 77.0f;
    ck_ok(prune_session_predict(session, &picture, values));
    ck_ok(prune_session_predict_network(session, &picture, network));
    for (int i = 0; i < 20 * 30; i++) ck_assert(values[i] > 0.0f && values[i] < 1.0f);
    /* The same in two steps: prepared tensor, then the network. */
    static float input[32 * 32 * 3], output[32 * 32];
    ck_ok(prune_session_prepare(session, &picture, input));
    ck_ok(prune_session_run(session, input, height, width, output));
    ck_assert_mem_eq(output, network, sizeof output);
    ck_assert_float_eq(values[20 * 30], 77.0f);
    prune_prediction prediction = {0};
    prune_session_describe(session, &prediction);
    ck_assert_int_eq(prediction.output_kind, PR_OUTPUT_DISPARITY);
    prune_session_free(session);
    prune_session_options options;
    prune_session_options_init(&options);
    options.batch = 0;
    ck_fails(prune_session_create(&session, model, &options), PRUNE_E_ARGUMENT, "batch");
    options.batch = 1;
    options.height = 32;
    ck_fails(prune_session_create(&session, model, &options), PRUNE_E_ARGUMENT, "both");
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(half_precision_parameters_are_read_as_such)
{
    prune_context *ctx = test_context(2);
    for (int i = 0; i < NETS; i++) {
        prune_model *model = nets[i](ctx);
        prune_session *session;
        for (int32_t p = 0; p < model->n_params; p++) {
            pr_tensor *tensor = &model->params[p].tensor, half;
            ck_ok(pr_tensor_convert(&half, ctx, tensor, p % 2 ? PR_F16 : PR_BF16));
            pr_tensor_release(tensor);
            *tensor = half;
        }
        ck_ok(prune_session_create(&session, model, NULL));
        compare(session, model, PR_MODE_PLAIN, 1, 16, 24, 1e-4, 1e-3);
        prune_session_free(session);
        pr_model_free(model);
    }
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("session/session", half_precision_parameters_are_read_as_such,
          floats_agree_with_the_interpreter, bf16_agrees_with_the_exact_mode,
          precision_is_an_option_of_the_session, integers_agree_with_the_exact_mode,
          chains_of_integers_never_become_floats, sizes_in_turns_do_not_disturb_each_other,
          pictures_come_back_at_their_own_size)
