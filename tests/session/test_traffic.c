#include "libprune/session/plan.h"
#include "tests/session/nets.h"

/* 3x3 convolution 3 -> 8 with relu, 1x1 convolution 8 -> 1 with sigmoid, at 4 x 6. */
static prune_model *two_layers(prune_context *ctx)
{
    prune_model *m;
    ck_ok(pr_model_create(&m, ctx));
    pr_attrs a = pr_attrs_default();
    int32_t x = net_node(m, PR_OP_INPUT, "image", NULL, 0, &a, NULL, NULL);
    x = small_conv(m, "first", x, 3, 8, 3, 1, PR_PAD_ZEROS);
    x = small_unary(m, PR_OP_RELU, "first.act", x);
    x = small_conv(m, "second", x, 8, 1, 1, 1, PR_PAD_ZEROS);
    x = small_unary(m, PR_OP_SIGMOID, "depth", x);
    ck_ok(pr_model_add_output(m, "depth", x));
    m->meta.architecture = pr_strdup(ctx, "two_layers");
    m->meta.preprocess.height = 4, m->meta.preprocess.width = 6;
    m->meta.preprocess.multiple = 1;
    return m;
}

static prune_session_step step_of(const prune_session *session, int32_t index)
{
    prune_session_step step = {.struct_size = (uint32_t)sizeof step};
    ck_ok(prune_session_step_info(session, index, &step));
    return step;
}

START_TEST(floats_by_hand)
{
    enum { PIXELS = 4 * 6 };
    prune_context *ctx = test_context(1);
    prune_model *model = two_layers(ctx);
    prune_session *session;
    ck_ok(prune_session_create(&session, model, NULL));
    ck_assert_int_eq(prune_session_steps(session), 2);
    const prune_session_step first = step_of(session, 0), second = step_of(session, 1);
    ck_assert(!first.integer && !second.integer);
    ck_assert_uint_eq(first.macs, PIXELS * 27 * 8);
    ck_assert_uint_eq(first.read_bytes, PIXELS * 3 * 4);
    ck_assert_uint_eq(first.write_bytes, PIXELS * 8 * 4);
    ck_assert_uint_eq(second.macs, PIXELS * 8);
    ck_assert_uint_eq(second.read_bytes, PIXELS * 8 * 4);
    ck_assert_uint_eq(second.write_bytes, PIXELS * 4);
    /* Packed: padded to the kernel's lanes, never less than the weights themselves. */
    ck_assert_uint_ge(first.weight_bytes, 27 * 8 * 4);
    ck_assert_uint_lt(first.weight_bytes, 27 * 8 * 4 * 16);
    /* A caller from before these members keeps his memory. */
    prune_session_step old = {.struct_size = offsetof(prune_session_step, integer),
                              .weight_bytes = 77};
    ck_ok(prune_session_step_info(session, 0, &old));
    ck_assert(old.macs == first.macs && old.weight_bytes == 77);
    prune_session_free(session);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(integers_by_hand)
{
    enum { PIXELS = 4 * 6 };
    static float input[PIXELS * 3];
    prune_context *ctx = test_context(1);
    prune_model *model = two_layers(ctx);
    prune_session *session;
    test_fill(input, PIXELS * 3, 3);
    annotate(model, input, 4, 6, false);
    ck_ok(prune_session_create(&session, model, NULL));
    uint64_t macs = 0;
    ck_assert_int_eq(prune_session_steps(session), 3);
    const prune_session_step quantize = step_of(session, 0), first = step_of(session, 1),
                             second = step_of(session, 2);
    ck_assert_str_eq(quantize.kernel, "quantize");
    ck_assert_uint_eq(quantize.read_bytes, PIXELS * 3 * 4);
    ck_assert_uint_eq(quantize.write_bytes, PIXELS * 3);
    ck_assert_uint_eq(quantize.weight_bytes + quantize.macs, 0);
    ck_assert(first.integer && second.integer);
    ck_assert_uint_eq(first.read_bytes, PIXELS * 3);
    ck_assert_uint_eq(first.write_bytes, PIXELS * 8); /* bytes from layer to layer */
    ck_assert_uint_eq(second.read_bytes, PIXELS * 8);
    ck_assert_uint_eq(second.write_bytes, PIXELS * 4);
    for (int32_t i = 0; i < 3; i++) macs += step_of(session, i).macs;
    ck_assert_uint_eq(macs, PIXELS * (27 * 8 + 8));
    prune_session_free(session);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

/* Every network: all memory that a step names is accounted for, weights of all steps together are
 * what the session packed plus the parameters of nodes that are no matrix products. */
START_TEST(sums_of_whole_networks)
{
    prune_context *ctx = test_context(1);
    prune_model *models[3] = {net_conv(ctx), net_vit(ctx), net_chain(ctx)};
    for (int m = 0; m < 3; m++) {
        pr_lowered low;
        pr_plan plan;
        uint64_t packed = 0;
        ck_ok(pr_lower(&low, models[m]));
        ck_ok(pr_plan_create(&plan, &low, 1, 32, 16));
        for (int32_t i = 0; i < plan.n_steps; i++) {
            const pr_traffic t = pr_plan_traffic(&plan, &plan.steps[i]);
            ck_assert_uint_gt(t.read, 0);
            ck_assert_uint_gt(t.written, 0);
            if (plan.steps[i].unit->kind != PR_UNIT_NODE) packed += t.weights;
            if (plan.steps[i].kind == PR_STEP_EMBED)
                ck_assert_uint_eq(t.weights, t.written); /* one vector for every token */
        }
        ck_assert_uint_eq(packed, low.packed_bytes);
        pr_plan_free(&plan);
        pr_lowered_free(&low);
        pr_model_free(models[m]);
    }
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("session.traffic", floats_by_hand, integers_by_hand, sums_of_whole_networks)
