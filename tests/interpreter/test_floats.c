#include "libprune/interpreter/interpreter.h"
#include "tests/support/nets.h"
#include "tests/support/support.h"

#include <stdio.h>

/* The FLOAT and the PLAIN mode share nothing and mean the same; without annotated nodes the EXACT
 * mode is the FLOAT mode. */
START_TEST(kernels_agree_with_the_operators)
{
    enum { H = 16, W = 24, BATCH = 2 };
    static float input[BATCH * H * W * 3];
    test_fill(input, BATCH * H * W * 3, 3);
    for (int isa = 0; isa < PR_ISA_COUNT; isa++) {
        prune_context_options options;
        prune_context *ctx;
        if (!pr_cpu_has((pr_isa)isa)) {
            (void)fprintf(stderr, "SKIP: this machine has no %s\n", pr_isa_name((pr_isa)isa));
            continue;
        }
        prune_context_options_init(&options);
        options.threads = 2;
        options.isa = pr_isa_name((pr_isa)isa);
        ck_ok(prune_context_create(&ctx, &options));
        prune_model *models[2] = {net_conv(ctx), net_vit(ctx)};
        for (int i = 0; i < 2; i++) {
            static const pr_mode modes[3] = {PR_MODE_PLAIN, PR_MODE_FLOAT, PR_MODE_EXACT};
            pr_run *runs[3];
            for (int m = 0; m < 3; m++) {
                const pr_run_options how = {.mode = modes[m]};
                ck_ok(pr_run_create(&runs[m], models[i], BATCH, H, W, &how));
                ck_ok(pr_run_forward(runs[m], input));
            }
            const pr_tensor *wanted = pr_run_output(runs[0]), *got = pr_run_output(runs[1]);
            const int64_t count = pr_tensor_count(wanted);
            ck_assert_double_lt(test_rms(pr_f32(got), pr_f32(wanted), count), 1e-4);
            ck_assert_double_lt(test_max(pr_f32(got), pr_f32(wanted), count), 1e-3);
            ck_assert(memcmp(pr_f32(got), pr_f32(pr_run_output(runs[2])), pr_tensor_bytes(got)) ==
                      0);
            for (int m = 0; m < 3; m++) pr_run_free(runs[m]);
            pr_model_free(models[i]);
        }
        prune_context_free(ctx);
    }
}
END_TEST

TEST_MAIN("interpreter/floats", kernels_agree_with_the_operators)
