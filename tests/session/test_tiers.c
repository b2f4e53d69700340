/* Whole sessions on every tier, its instructions emulated: this program's pr_cpu_has and
 * pr_kernels_get take the place of the library's. */
#include "libprune/session/plan.h"
#include "tests/kernels/reference.h"
#include "tests/session/nets.h"

#if defined(PR_TEST_EMULATED)
bool pr_cpu_has(pr_isa isa)
{
    return isa >= 0 && isa < PR_ISA_COUNT;
}

static _Atomic int asked; /* lanes ask too */
const pr_kernels *pr_kernels_get(pr_isa isa)
{
    const pr_kernels *list[TIERS];
    (void)emulated_tiers(list);
    asked++;
    return isa == PR_ISA_PORTABLE ? &pr_kernels_portable : list[isa - PR_ISA_AVX2];
}

static prune_model *(*const nets[])(prune_context *) = {net_conv, net_vit, net_gated, net_chain};
enum { NETS = sizeof nets / sizeof *nets, H = 16, W = 24 };

/* One bit less than equal is too little: integers and floats are computed alike. */
static void check(prune_context *ctx, int net, bool integers, bool tokens)
{
    static float input[H * W * 3];
    prune_model *model = nets[net](ctx);
    prune_session *session;
    test_fill(input, H * W * 3, 3);
    if (integers) {
        annotate(model, input, H, W, tokens);
    } else {
        ck_ok(prune_model_set_floats(model, 2));
    }
    ck_ok(prune_session_create(&session, model, NULL));
    compare(session, model, PR_MODE_EXACT, 1, H, W, 0, 0);
    prune_session_free(session);
    pr_model_free(model);
}

START_TEST(sessions_agree_with_the_exact_mode)
{
    prune_context_options options;
    prune_context *ctx;
    prune_context_options_init(&options);
    options.threads = 2;
    options.isa = pr_isa_name((pr_isa)_i);
    ck_ok(prune_context_create(&ctx, &options));
    ck_assert_str_eq(prune_context_isa(ctx), options.isa);
    for (int net = 0; net < NETS; net++) {
        check(ctx, net, true, false);
        check(ctx, net, true, true);
        check(ctx, net, false, false);
    }
    ck_assert_int_gt(asked, 0);
    prune_context_free(ctx);
}
END_TEST

/* Rows that go together through what follows an attention, and bytes of its weights. */
static int64_t block_of_mlp(const char *isa, bool wide, size_t *weights)
{
    prune_context_options options;
    prune_context *ctx;
    prune_new_options o;
    prune_model *model;
    pr_lowered low;
    pr_plan plan;
    int64_t block = 0;
    prune_context_options_init(&options);
    options.isa = isa;
    ck_ok(prune_context_create(&ctx, &options));
    prune_new_options_init(&o);
    o.width = wide ? 384 : 64, o.hidden = wide ? 1536 : 128, o.blocks = 4, o.heads = 1;
    ck_ok(prune_model_new(&model, ctx, &o));
    ck_ok(prune_model_set_floats(model, 2));
    ck_ok(pr_lower(&low, model));
    ck_ok(pr_plan_create(&plan, &low, 1, 196, 196));
    *weights = 0;
    for (int32_t i = 0; i < plan.n_groups; i++) {
        const pr_group *g = &plan.groups[i];
        if (plan.steps[g->first].kind != PR_STEP_ATTENTION) continue;
        block = g[1].block;
        for (int32_t s = g[1].first; s <= g[1].last; s++) {
            if (plan.steps[s].kind == PR_STEP_GEMM) *weights += plan.steps[s].unit->packs->bytes;
        }
    }
    pr_plan_free(&plan);
    pr_lowered_free(&low);
    pr_model_free(model);
    prune_context_free(ctx);
    return block;
}

/* Blocks are large enough that weights, which no cache keeps from one to the next, are worth
 * reading; small weights stay, and blocks are as large as their values allow. */
START_TEST(blocks_make_good_for_their_weights)
{
    size_t weights;
    ck_assert_int_ge(block_of_mlp("amx", true, &weights), 96);
    ck_assert_uint_gt(weights, 1 << 20);
    ck_assert_int_ge(block_of_mlp("avx512", true, &weights), 96);
    const int64_t avx2 = block_of_mlp("avx2", true, &weights);
    ck_assert_int_ge(avx2, 48);
    ck_assert_int_lt(avx2, 96);
    ck_assert_int_lt(block_of_mlp("portable", true, &weights), 48);
    ck_assert_int_eq(block_of_mlp("amx", false, &weights) % 32, 0);
    ck_assert_uint_lt(weights, 1 << 18);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("session/tiers");
    TCase *cases = tcase_create("all");
    tcase_add_loop_test(cases, sessions_agree_with_the_exact_mode, 0, PR_ISA_COUNT);
    tcase_add_test(cases, blocks_make_good_for_their_weights);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
#else
int main(void)
{
    (void)fprintf(stderr, "SKIP: libsimde-dev is missing, no session ran on emulated tiers\n");
    return 0;
}
#endif
