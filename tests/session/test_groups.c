/* Covers: groups.c, rows.c */
#include "libprune/session/plan.h"
#include "tests/session/nets.h"

static int32_t bilinear(prune_model *m, const char *name, int32_t from, int32_t factor)
{
    pr_attrs a = pr_attrs_default();
    a.factor = factor;
    a.resize_mode = factor == 2 ? PR_RESIZE_BILINEAR_CORNERS : PR_RESIZE_BILINEAR;
    return net_node(m, PR_OP_RESIZE, name, &from, 1, &a, NULL, NULL);
}

/* What ends a depth network: resize, convolution, pointwise layers; with a stride also a second
 * resize whose lines are read two at a time. */
static prune_model *net_tail(prune_context *ctx, int32_t stride)
{
    prune_model *m;
    pr_attrs a = pr_attrs_default();
    ck_ok(pr_model_create(&m, ctx));
    int32_t x = net_node(m, PR_OP_INPUT, "image", NULL, 0, &a, NULL, NULL);
    x = small_conv(m, "stem", x, 3, 20, 3, 2, PR_PAD_ZEROS);
    x = small_unary(m, PR_OP_RELU, "stem.act", x);
    x = bilinear(m, "resize", x, 2 * stride);
    x = small_conv(m, "conv", x, 20, 18, 3, stride, PR_PAD_ZEROS);
    x = small_unary(m, PR_OP_RELU, "conv.act", x);
    x = small_conv(m, "mix", x, 18, 7, 1, 1, PR_PAD_ZEROS);
    x = small_unary(m, PR_OP_GELU, "mix.act", x);
    x = small_conv(m, "head", x, 7, 1, 1, 1, PR_PAD_ZEROS);
    x = small_unary(m, PR_OP_SIGMOID, "depth", x);
    ck_ok(pr_model_add_output(m, "depth", x));
    small_meta(m, "net_tail", 2);
    return m;
}

/* The group that holds the steps of this unit's node. */
static const pr_group *group_of(const pr_plan *plan, const char *node)
{
    for (int32_t i = 0; i < plan->n_groups; i++) {
        const pr_group *g = &plan->groups[i];
        for (int32_t s = g->first; s <= g->last; s++) {
            if (strncmp(plan->steps[s].unit->name, node, strlen(node)) == 0) return g;
        }
    }
    ck_abort_msg("no step of %s", node);
    return NULL;
}

START_TEST(between_attentions_lies_one_group)
{
    prune_context *ctx = test_context(2);
    prune_model *model = net_vit(ctx);
    pr_lowered low;
    pr_plan plan;
    ck_ok(pr_lower(&low, model));
    ck_ok(pr_plan_create(&plan, &low, 1, 32, 32));
    int32_t step = 0, attentions = 0;
    for (int32_t i = 0; i < plan.n_groups; i++) {
        const pr_group *g = &plan.groups[i];
        ck_assert_int_eq(g->first, step);
        step = g->last + 1;
        if (plan.steps[g->first].kind != PR_STEP_ATTENTION) continue;
        attentions++;
        ck_assert_int_eq(g->first, g->last);
        ck_assert(plan.groups[i + 1].by_rows);
        ck_assert_int_gt(plan.groups[i + 1].last, plan.groups[i + 1].first + 2);
    }
    ck_assert_int_eq(step, plan.n_steps);
    ck_assert_int_gt(attentions, 0);
    pr_plan_free(&plan);
    pr_lowered_free(&low);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

START_TEST(the_enlarged_map_is_a_strip)
{
    for (int32_t stride = 1; stride <= 2; stride++) {
        prune_context *ctx = test_context(1);
        prune_model *model = net_tail(ctx, stride);
        pr_lowered low;
        pr_plan plan;
        ck_ok(pr_lower(&low, model));
        ck_ok(pr_plan_create(&plan, &low, 1, 64, 48));
        const pr_group *g = group_of(&plan, "resize");
        ck_assert(g->strip && g->by_rows);
        ck_assert_ptr_eq(g, group_of(&plan, "head"));
        ck_assert_int_eq(g->block % 48, 0);
        const pr_place *map = &plan.floats[plan.steps[g->first].node];
        ck_assert_int_ge(plan.buffers[map->buffer].group, 0);
        pr_plan_free(&plan);
        /* Two pictures do not lie behind each other as lines of one: no strip. */
        ck_ok(pr_plan_create(&plan, &low, 2, 64, 48));
        ck_assert(!group_of(&plan, "resize")->strip);
        pr_plan_free(&plan);
        pr_lowered_free(&low);
        pr_model_free(model);
        prune_context_free(ctx);
    }
}
END_TEST

static void check_tail(prune_context *ctx, int32_t stride, int64_t height, int64_t width)
{
    static float input[80 * 80 * 3];
    prune_session *session;
    prune_model *model = net_tail(ctx, stride);
    ck_ok(prune_session_create(&session, model, NULL));
    compare(session, model, PR_MODE_PLAIN, 1, height, width, 1e-4, 1e-3);
    prune_session_free(session);
    test_fill(input, height * width * 3, 3);
    annotate(model, input, height, width, false);
    ck_ok(prune_session_create(&session, model, NULL));
    compare(session, model, PR_MODE_EXACT, 1, height, width, 0, 0);
    prune_session_free(session);
    pr_model_free(model);
}

/* Many blocks for every lane, few, none; odd numbers of lines. */
START_TEST(strips_compute_what_whole_maps_do)
{
    for (int isa = 0; isa < PR_ISA_COUNT; isa++) {
        for (int32_t threads = 1; threads <= 3; threads++) {
            prune_context *ctx = tier_context((pr_isa)isa, threads);
            if (!ctx) continue;
            for (int32_t stride = 1; stride <= 2; stride++) {
                check_tail(ctx, stride, 64, 22);
                check_tail(ctx, stride, 58, 80);
                check_tail(ctx, stride, 8, 8);
            }
            prune_context_free(ctx);
        }
    }
}
END_TEST

START_TEST(times_of_a_group_add_up)
{
    enum { SIZE = 64 };
    static float input[SIZE * SIZE * 3], output[SIZE * SIZE];
    prune_context *ctx = test_context(2);
    prune_model *model = net_tail(ctx, 1);
    prune_session_options options;
    prune_session *session;
    prune_session_options_init(&options);
    options.profile = true;
    ck_ok(prune_session_create(&session, model, &options));
    test_fill(input, SIZE * SIZE * 3, 3);
    ck_ok(prune_session_run(session, input, SIZE, SIZE, output));
    for (int32_t i = 0; i < prune_session_steps(session); i++) {
        prune_session_step step = {.struct_size = sizeof step};
        ck_ok(prune_session_step_info(session, i, &step));
        ck_assert_msg(step.seconds > 0.0 && step.seconds < 5.0, "%s: %g s", step.name,
                      step.seconds);
    }
    prune_session_free(session);
    pr_model_free(model);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("session/groups", between_attentions_lies_one_group, the_enlarged_map_is_a_strip,
          strips_compute_what_whole_maps_do, times_of_a_group_add_up)
