/* Whole sessions on every tier, its instructions emulated: this program's pr_cpu_has and
 * pr_kernels_get take the place of the library's. */
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

int main(void)
{
    Suite *suite = suite_create("session/tiers");
    TCase *cases = tcase_create("all");
    tcase_add_loop_test(cases, sessions_agree_with_the_exact_mode, 0, PR_ISA_COUNT);
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
