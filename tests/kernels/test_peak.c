/* Limits of every tier (kernels/<isa>/peak.c) that this machine has. */
#include "libprune/measure/runner.h"
#include "tests/kernels/reference.h"

static int real_tiers(const pr_kernels *list[PR_ISA_COUNT])
{
    int count = 0;
    for (int isa = 0; isa < PR_ISA_COUNT; isa++)
        if (pr_cpu_has((pr_isa)isa)) list[count++] = pr_kernels_get((pr_isa)isa);
    return count;
}

/* Nothing is thrown out of the loops: ten times the rounds take about ten times as long. */
static double seconds(uint64_t (*peak)(int64_t), int64_t rounds)
{
    double best = 1e9;
    for (int i = 0; i < 9; i++) {
        const double start = pr_seconds();
        (void)peak(rounds);
        const double taken = pr_seconds() - start;
        best = taken < best ? taken : best;
    }
    return best;
}

static void check_arithmetic(uint64_t (*peak)(int64_t))
{
    if (!peak) return;
    const uint64_t one = peak(1);
    ck_assert_uint_gt(one, 0);
    ck_assert_uint_eq(peak(1000), 1000 * one);
    const double few = seconds(peak, 5000), many = seconds(peak, 50000);
    ck_assert_msg(many > 4 * few, "%g s for 5000 rounds, %g s for 50000", few, many);
}

START_TEST(rounds_are_counted_and_done)
{
    const pr_kernels *list[PR_ISA_COUNT];
    const int count = real_tiers(list);
    for (int t = 0; t < count; t++) {
        ck_assert_ptr_nonnull(list[t]->peak_f32);
        check_arithmetic(list[t]->peak_f32);
        check_arithmetic(list[t]->peak_i8);
        check_arithmetic(list[t]->peak_bf16);
    }
}
END_TEST

/* A kernel of the tier does not beat the tier's limit by more than a clock that moved. */
START_TEST(panels_stay_below)
{
    enum { M = 48, N = 64, K = 256 };
    static float a[M * K], w[N * K], out[M * N];
    const pr_kernels *list[PR_ISA_COUNT];
    const int count = real_tiers(list);
    prune_context *ctx = test_context(1);
    test_fill(a, M * K, 1);
    test_fill(w, N * K, 2);
    for (int t = 0; t < count; t++) {
        pr_packed b;
        ck_ok(pr_pack_f32(&b, ctx, list[t], NULL, N, K, w, NULL));
        pr_gemm g = {.m = M, .a = a, .lda = K, .b = &b};
        g.e.out = out;
        g.e.out_stride = N;
        double best = 1e9;
        for (int i = 0; i < 40; i++) {
            const double start = pr_seconds();
            pr_gemm_f32(ctx, list[t], &g);
            const double taken = pr_seconds() - start;
            best = taken < best ? taken : best;
        }
        const double limit = (double)list[t]->peak_f32(20000) / seconds(list[t]->peak_f32, 20000);
        const double reached = (double)(M * N) * K / best;
        ck_assert_msg(reached < 1.25 * limit, "%s: %g of %g multiply-adds per second",
                      list[t]->name, reached, limit);
        pr_packed_free(ctx, &b);
    }
    prune_context_free(ctx);
}
END_TEST

START_TEST(reading_takes_any_size)
{
    const pr_kernels *list[PR_ISA_COUNT];
    const int count = real_tiers(list);
    char *memory = aligned_alloc(64, 1 << 20);
    ck_assert_ptr_nonnull(memory);
    memset(memory, 1, 1 << 20);
    for (int t = 0; t < count; t++) {
        double best[2] = {1e9, 1e9};
        list[t]->peak_read(memory, 0);
        list[t]->peak_read(memory, 64);
        for (int i = 0; i < 40; i++) {
            double start = pr_seconds();
            list[t]->peak_read(memory, 1 << 17);
            const double middle = pr_seconds();
            list[t]->peak_read(memory, 1 << 20);
            const double end = pr_seconds();
            best[0] = middle - start < best[0] ? middle - start : best[0];
            best[1] = end - middle < best[1] ? end - middle : best[1];
        }
        ck_assert_msg(best[1] > 4 * best[0], "%g s for 128 KiB, %g s for 1 MiB", best[0], best[1]);
    }
    free(memory);
}
END_TEST

TEST_MAIN("kernels.peak", rounds_are_counted_and_done, panels_stay_below, reading_takes_any_size)
