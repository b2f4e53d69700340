/* The VNNI kernel's own source with SIMDe's plain C in place of the instructions: its sums are
 * checked on machines without them. Where the CPU has them, kernels/gemm checks the real ones. */
#include "tests/kernels/reference.h"

#if __has_include(<simde/x86/avx512/dpbusd.h>) && defined(__x86_64__)
#define PR_SIMDE
#define pr_avx512vnni_i8_widen simde_i8_widen
#define pr_avx512vnni_i8_gather simde_i8_gather
#define pr_avx512vnni_i8_panel simde_i8_panel
#define pr_avx2_finish_i32 plain_finish
#include "libprune/kernels/avx512vnni/igemm.c"

/* AVX2's epilogue, in plain C. */
void pr_avx2_finish_i32(const pr_epilogue *e, int64_t r, int64_t rows, int64_t c, int64_t columns,
                        const int32_t *sums, int64_t stride)
{
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) {
            e->out[(r + i) * e->out_stride + c + j] =
                pr_dequantize_acc(sums[i * stride + j], e->scale[c + j], e->bias[c + j]);
        }
    }
}

enum { M = 14, N = 70, K = 150 };
static int8_t a[M * K], w[N * K];
static float out[M * N], bias[N], scale[N];

START_TEST(sums_are_exact)
{
    pr_kernels kernels = pr_kernels_avx512vnni;
    kernels.i8_widen = simde_i8_widen;
    kernels.i8_panel = simde_i8_panel;
    prune_context *ctx = test_context(1);
    fill_bytes(a, M * K, 1);
    fill_bytes(w, N * K, 2);
    test_fill(bias, N, 3);
    for (int64_t o = 0; o < N; o++) scale[o] = 1.0f;
    for (int64_t n = 1; n <= N; n += 23) {
        for (int64_t k = 1; k <= K; k += 37) {
            for (int64_t m = 1; m <= M; m += 13) {
                pr_packed b;
                ck_ok(pr_pack_i8(&b, ctx, &kernels, n, k, w, scale, bias));
                pr_gemm g = {.m = m, .a = a, .lda = k, .b = &b};
                g.e.out = out;
                g.e.out_stride = n;
                void *scratch = malloc(pr_gemm_i8_scratch(ctx, &kernels, &b));
                pr_gemm_i8(ctx, &kernels, &g, scratch);
                for (int64_t i = 0; i < m * n; i++) {
                    int32_t sum = 0;
                    for (int64_t p = 0; p < k; p++) sum += a[i / n * k + p] * w[i % n * k + p];
                    ck_assert_float_eq(out[i], pr_dequantize_acc(sum, 1.0f, bias[i % n]));
                }
                free(scratch);
                pr_packed_free(ctx, &b);
            }
        }
    }
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("kernels/avx512vnni/igemm", sums_are_exact)
#else
int main(void)
{
    (void)fprintf(stderr, "SKIP: libsimde-dev is missing, the VNNI kernel was not emulated\n");
    return 0;
}
#endif
