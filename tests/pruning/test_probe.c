#include "libprune/pruning/probe.h"
#include "tests/support/support.h"

#include <math.h>

enum { H = 96, W = 160 };

START_TEST(noise_has_variance_two_and_follows_the_slope)
{
    static float output[H * W], gradient[H * W];
    prune_context *ctx = test_context(1);
    const pr_decode metric = {PR_OUTPUT_METRIC, 1, 0, 80};
    const pr_decode disparity = {PR_OUTPUT_DISPARITY, 9.99F, 0.01F, 0};
    for (int i = 0; i < H * W; i++) output[i] = i % 2 ? 0.5F : 0.125F;
    for (int kind = 0; kind < 2; kind++) {
        double sum = 0, squares[2] = {0, 0}, neighbours = 0;
        pr_random random;
        pr_random_seed(&random, 1, 2);
        ck_ok(pr_probe_fill(ctx, kind ? &disparity : &metric, output, H, W, &random, gradient));
        for (int i = 0; i < H * W; i++) {
            const double value = (double)output[i];
            const double slope = kind ? -9.99 / (0.01 + 9.99 * value) : 1 / value;
            const double noise = (double)gradient[i] / slope;
            sum += noise;
            squares[i % 2] += noise * noise;
            if (i > 0) neighbours += noise * (double)gradient[i - 1];
        }
        ck_assert(fabs(sum / (H * W)) < 0.3);
        for (int k = 0; k < 2; k++) ck_assert(fabs(squares[k] / (H * W / 2) - 2) < 0.4);
        /* The smooth half makes neighbours agree. */
        ck_assert(kind ? neighbours < 0 : neighbours > 0);
    }
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("probe", noise_has_variance_two_and_follows_the_slope)
