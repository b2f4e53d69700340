/* The AVX-512 kernel's own source with SIMDe's plain C in place of the instructions. Where the CPU
 * has them, kernels/gemm and kernels/attention check the real ones. */
#include "tests/kernels/reference.h"

#if __has_include(<simde/x86/avx512/fmadd.h>) && defined(__x86_64__)
#define PR_SIMDE
#define pr_avx512vnni_f32_panel simde_f32_panel
#define pr_avx2_finish_f32 plain_finish
#define pr_avx2_f32_panel plain_panel
#include "libprune/kernels/avx512vnni/sgemm.c"

/* AVX2's epilogue, in plain C: bias only. */
void pr_avx2_finish_f32(const pr_epilogue *e, int64_t r, int64_t rows, int64_t c, int64_t columns,
                        const float *sums, int64_t stride)
{
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) {
            e->out[(r + i) * e->out_stride + c + j] =
                sums[i * stride + j] + (e->bias ? e->bias[c + j] : 0.0f);
        }
    }
}

static int thin_calls;
void pr_avx2_f32_panel(int64_t m, const float *a, int64_t lda, const pr_packed *b,
                       const pr_epilogue *e, int64_t row)
{
    (void)m, (void)a, (void)lda, (void)b, (void)e, (void)row;
    thin_calls++;
}

enum { M = 26, N = 70, K = 50 };
static float a[M * K], w[N * K], bias[N], out[M * N];

static void check(prune_context *ctx, const pr_kernels *kernels, int64_t m, int64_t n, int64_t k)
{
    pr_packed b;
    ck_ok(pr_pack_f32(&b, ctx, kernels, n, k, w, bias));
    pr_gemm g = {.m = m, .a = a, .lda = k, .b = &b};
    g.e.out = out;
    g.e.out_stride = n;
    pr_gemm_f32(ctx, kernels, &g);
    /* Once more on top of it, through the path without a buffer. */
    pr_epilogue plain = {.out = out, .out_stride = n, .residual = out, .residual_stride = n};
    bool twice = n % 32 == 0 && m % 12 == 0;
    if (twice) kernels->f32_panel(m, a, k, &b, &plain, 0);
    for (int64_t i = 0; i < m * n; i++) {
        double sum = 0;
        for (int64_t p = 0; p < k; p++) {
            sum += (double)a[i / n * k + p] * (double)w[i % n * k + p];
        }
        double wanted = (twice ? 2 * sum : sum) + (double)bias[i % n];
        ck_assert_double_eq_tol(wanted, (double)out[i], 2e-5);
    }
    pr_packed_free(ctx, &b);
}

START_TEST(tiles_match_the_sum)
{
    pr_kernels kernels = pr_kernels_avx512vnni;
    kernels.f32_panel = simde_f32_panel;
    prune_context *ctx = test_context(1);
    test_fill(a, M * K, 1);
    test_fill(w, N * K, 2);
    test_fill(bias, N, 3);
    check(ctx, &kernels, 1, 5, 1);
    check(ctx, &kernels, 24, 64, 50);
    check(ctx, &kernels, 26, 70, 49);
    check(ctx, &kernels, 13, 33, 7);
    check(ctx, &kernels, 12, 16, 20);
    pr_packed thin;
    ck_ok(pr_pack_f32(&thin, ctx, &kernels, 1, 8, w, bias));
    pr_gemm g = {.m = 3, .a = a, .lda = 8, .b = &thin};
    pr_gemm_f32(ctx, &kernels, &g);
    ck_assert_int_eq(thin_calls, 1);
    pr_packed_free(ctx, &thin);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("kernels/avx512vnni/sgemm", tiles_match_the_sum)
#else
int main(void)
{
    (void)fprintf(stderr, "SKIP: libsimde-dev is missing, the AVX-512 kernel was not emulated\n");
    return 0;
}
#endif
