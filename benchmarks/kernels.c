/* Speed of the matrix kernels of every tier that this machine has, against OpenBLAS:
 *   bench_kernels [threads]
 * GOPS count a multiply and an add as two. Best of seven runs. */
#include "libprune/kernels/kernels.h"

#include "libprune/kernels/sgemm.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RUNS = 7 };

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *fresh(size_t bytes)
{
    void *memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (!memory) exit(1);
    return memory;
}

typedef struct data {
    int64_t m, n, k;
    float *a, *w, *c, *scale;
    int8_t *qa, *qw;
} data;

static data make(int64_t m, int64_t n, int64_t k)
{
    data d = {m,
              n,
              k,
              fresh((size_t)(m * k) * 4),
              fresh((size_t)(n * k) * 4),
              fresh((size_t)(m * n) * 4),
              fresh((size_t)n * 4),
              fresh((size_t)(m * k)),
              fresh((size_t)(n * k))};
    for (int64_t i = 0; i < m * k; i++) {
        d.a[i] = (float)(i * 7 % 100) * 0.01f;
        d.qa[i] = (int8_t)(i * 11 % 255 - 127);
    }
    for (int64_t i = 0; i < n * k; i++) {
        d.w[i] = (float)(i * 13 % 100) * 0.01f;
        d.qw[i] = (int8_t)(i * 17 % 255 - 127);
    }
    for (int64_t i = 0; i < n; i++) d.scale[i] = 1e-4f;
    return d;
}

static void release(data *d)
{
    free(d->a), free(d->w), free(d->c), free(d->scale), free(d->qa), free(d->qw);
}

static void bench_tier(prune_context *ctx, const pr_kernels *kernels, const data *d)
{
    pr_packed b, b8;
    double floats = 1e9, integers = 1e9, giga = 2e-9 * (double)(d->m * d->n * d->k);
    if (pr_pack_f32(&b, ctx, kernels, d->n, d->k, d->w, NULL) != PRUNE_OK) exit(1);
    if (pr_pack_i8(&b8, ctx, kernels, d->n, d->k, d->qw, d->scale, NULL) != PRUNE_OK) exit(1);
    pr_gemm g = {.m = d->m, .a = d->a, .lda = d->k, .b = &b};
    g.e.out = d->c;
    g.e.out_stride = d->n;
    pr_gemm g8 = g;
    g8.a = d->qa;
    g8.b = &b8;
    void *scratch = fresh(pr_gemm_i8_scratch(ctx, kernels, &b8));
    for (int i = 0; i < RUNS; i++) {
        double t = now();
        pr_gemm_f32(ctx, kernels, &g);
        double u = now();
        pr_gemm_i8(ctx, kernels, &g8, scratch);
        floats = u - t < floats ? u - t : floats;
        integers = now() - u < integers ? now() - u : integers;
    }
    printf("  %s: fp32 %.1f, int8 %.1f (%.2fx)", kernels->name, giga / floats, giga / integers,
           floats / integers);
    pr_packed_free(ctx, &b);
    pr_packed_free(ctx, &b8);
    free(scratch);
}

static void bench_blas(prune_context *ctx, const data *d)
{
    double best = 1e9;
    for (int i = 0; i < RUNS; i++) {
        double t = now();
        pr_sgemm(ctx, false, true, d->m, d->n, d->k, 1, d->a, d->k, d->w, d->k, 0, d->c, d->n);
        best = now() - t < best ? now() - t : best;
    }
    printf("  openblas fp32 %.1f\n", 2e-9 * (double)(d->m * d->n * d->k) / best);
}

static void bench_attention(prune_context *ctx, const pr_kernels *kernels)
{
    enum { TOKENS = 1370, HEADS = 6, WIDTH = 64, STRIDE = 3 * HEADS * WIDTH };
    float *q = fresh((size_t)TOKENS * STRIDE * 4), *out = fresh((size_t)TOKENS * STRIDE * 4);
    for (int64_t i = 0; i < TOKENS * STRIDE; i++) q[i] = (float)(i * 7 % 100) * 0.01f;
    pr_attention a = {1,
                      TOKENS,
                      HEADS,
                      WIDTH,
                      WIDTH,
                      0.125f,
                      q,
                      q + HEADS * WIDTH,
                      q + 2 * HEADS * WIDTH,
                      STRIDE,
                      STRIDE,
                      STRIDE,
                      out,
                      HEADS * WIDTH,
                      NULL};
    void *scratch = fresh(pr_attention_scratch(ctx, kernels, &a));
    double best = 1e9;
    for (int i = 0; i < RUNS; i++) {
        double t = now();
        pr_attention_f32(ctx, kernels, &a, scratch);
        best = now() - t < best ? now() - t : best;
    }
    printf("attention, 1370 tokens, 6 heads of 64: %s %.2f ms, %.1f GFLOPS\n", kernels->name,
           best * 1e3, 4e-9 * HEADS * TOKENS * TOKENS * WIDTH / best);
    free(q), free(out), free(scratch);
}

int main(int argc, char **argv)
{
    /* qkv and fc2 of DA-V2 S; fusion convolutions; RT-MonoDepth-S body and decoder. */
    static const int64_t sizes[][3] = {{1370, 1152, 384}, {1370, 384, 1536}, {21904, 64, 576},
                                       {87616, 32, 288},  {480, 192, 1728},  {30720, 16, 288}};
    prune_context_options options;
    prune_context *ctx;
    prune_context_options_init(&options);
    options.threads = argc > 1 ? atoi(argv[1]) : 1;
    if (prune_context_create(&ctx, &options) != PRUNE_OK) return 1;
    printf("GOPS, %d threads\n", prune_context_threads(ctx));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        data d = make(sizes[i][0], sizes[i][1], sizes[i][2]);
        printf("%lldx%lldx%lld:", (long long)d.m, (long long)d.n, (long long)d.k);
        for (int isa = PR_ISA_AVX2; isa < PR_ISA_COUNT; isa++) {
            if (pr_cpu_has((pr_isa)isa)) bench_tier(ctx, pr_kernels_get((pr_isa)isa), &d);
        }
        bench_blas(ctx, &d);
        release(&d);
    }
    bench_attention(ctx, pr_kernels_get(pr_cpu_best()));
    prune_context_free(ctx);
    return 0;
}
