/* Speed of the matrix kernels of every tier that this machine has, next to the tier's measured
 * limits and to OpenBLAS:
 *   bench_kernels [threads] [json]
 * GOPS count a multiply and an add as two. The best of many runs: at least nine, and a tenth of a
 * second. Kernels take turns, so that the machine's mood meets all. */
#include "libprune/kernels/kernels.h"

#include "libprune/kernels/sgemm.h"

#include <prune/measure.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void check(prune_status status)
{
    if (status == PRUNE_OK) return;
    (void)fprintf(stderr, "%s\n", prune_last_error());
    exit(1);
}

static void *fresh(size_t bytes)
{
    void *memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (!memory) exit(1);
    return memory;
}

typedef struct shape {
    const char *what;
    int64_t m, n, k;
} shape;

typedef struct data {
    shape s;
    float *a, *w, *c, *scale;
    int8_t *qa, *qw;
} data;

static data make(shape s)
{
    data d = {.s = s,
              .a = fresh((size_t)(s.m * s.k) * 4),
              .w = fresh((size_t)(s.n * s.k) * 4),
              .c = fresh((size_t)(s.m * s.n) * 4),
              .scale = fresh((size_t)s.n * 4),
              .qa = fresh((size_t)(s.m * s.k)),
              .qw = fresh((size_t)(s.n * s.k))};
    for (int64_t i = 0; i < s.m * s.k; i++) {
        d.a[i] = (float)(i * 7 % 100) * 0.01f;
        d.qa[i] = (int8_t)(i * 11 % 255 - 127);
    }
    for (int64_t i = 0; i < s.n * s.k; i++) {
        d.w[i] = (float)(i * 13 % 100) * 0.01f;
        d.qw[i] = (int8_t)(i * 17 % 255 - 127);
    }
    for (int64_t i = 0; i < s.n; i++) d.scale[i] = 1e-4f;
    return d;
}

static void release(data *d)
{
    free(d->a), free(d->w), free(d->c), free(d->scale), free(d->qa), free(d->qw);
}

/* One contender: a tier's kernel on packed weights, or OpenBLAS. */
typedef struct contender {
    prune_context *ctx;
    const pr_kernels *kernels; /* NULL: OpenBLAS */
    const data *d;
    bool integer;
    pr_packed b;
    pr_gemm g;
    void *scratch;
    double best;
} contender;

static void run(contender *c)
{
    const shape s = c->d->s;
    if (!c->kernels)
        pr_sgemm(c->ctx, false, true, s.m, s.n, s.k, 1, c->d->a, s.k, c->d->w, s.k, 0, c->d->c,
                 s.n);
    else if (c->integer)
        pr_gemm_i8(c->ctx, c->kernels, &c->g, c->scratch);
    else
        pr_gemm_f32(c->ctx, c->kernels, &c->g);
}

static void enter(contender *c, prune_context *ctx, const pr_kernels *kernels, const data *d,
                  bool integer)
{
    const shape s = d->s;
    *c = (contender){.ctx = ctx, .kernels = kernels, .d = d, .integer = integer, .best = 1e9};
    if (!kernels) return;
    if (integer)
        check(pr_pack_i8(&c->b, ctx, kernels, NULL, s.n, s.k, d->qw, d->scale, NULL));
    else
        check(pr_pack_f32(&c->b, ctx, kernels, NULL, s.n, s.k, d->w, NULL));
    c->g = (pr_gemm){.m = s.m, .a = integer ? (const void *)d->qa : d->a, .lda = s.k};
    c->g.b = &c->b;
    c->g.e.out = d->c;
    c->g.e.out_stride = s.n;
    if (integer) c->scratch = fresh(pr_gemm_i8_scratch(ctx, kernels, &c->b));
}

/* Everybody once a turn. */
static void take_turns(contender *list, int count)
{
    const double start = now();
    for (int i = 0; i < 1000 && (i < 9 || now() - start < 0.1 * count); i++) {
        for (int j = 0; j < count; j++) {
            const double begin = now();
            run(&list[j]);
            const double taken = now() - begin;
            if (taken < list[j].best) list[j].best = taken;
        }
    }
}

static double giga(const contender *c)
{
    return 2e-9 * (double)(c->d->s.m * c->d->s.n * c->d->s.k) / c->best;
}

enum { MOST = 2 * PR_ISA_COUNT + 1 };

static int bench_shape(prune_context *ctx, const prune_peaks *peaks, shape s, bool json, bool first)
{
    data d = make(s);
    contender list[MOST];
    int count = 0;
    for (int isa = PR_ISA_AVX2; isa < PR_ISA_COUNT; isa++) {
        if (!pr_cpu_has((pr_isa)isa)) continue;
        enter(&list[count++], ctx, pr_kernels_get((pr_isa)isa), &d, false);
        enter(&list[count++], ctx, pr_kernels_get((pr_isa)isa), &d, true);
    }
    enter(&list[count++], ctx, NULL, &d, false);
    take_turns(list, count);
    if (!json)
        printf("%-34s %6lld x %4lld x %4lld:", s.what, (long long)s.m, (long long)s.n,
               (long long)s.k);
    for (int i = 0; i < count; i++) {
        const contender *c = &list[i];
        const char *name = c->kernels ? c->kernels->name : "openblas";
        double limit = 0;
        for (int isa = 0; c->kernels && isa < PR_ISA_COUNT; isa++)
            if (pr_kernels_get((pr_isa)isa) == c->kernels)
                limit = 1e-9 * (c->integer ? peaks[isa].int8 : peaks[isa].fp32);
        if (json)
            printf("%s\n  {\"what\": \"%s\", \"m\": %lld, \"n\": %lld, \"k\": %lld, \"kernel\": "
                   "\"%s\", \"precision\": \"%s\", \"gops\": %.2f, \"limit_gops\": %.2f}",
                   first && i == 0 ? "" : ",", s.what, (long long)s.m, (long long)s.n,
                   (long long)s.k, name, c->integer ? "int8" : "fp32", giga(c), limit);
        else
            printf("  %s %s %.1f", name, c->integer ? "int8" : "fp32", giga(c));
        if (!json && limit > 0) printf(" (%.0f %%)", 100 * giga(c) / limit);
        if (c->kernels) pr_packed_free(ctx, &list[i].b);
        free(list[i].scratch);
    }
    if (!json) printf("\n");
    release(&d);
    return count;
}

static void print_peaks(const prune_peaks *peaks, bool json)
{
    bool first = true;
    for (int isa = 0; isa < PR_ISA_COUNT; isa++) {
        const prune_peaks *p = &peaks[isa];
        if (!p->isa) continue;
        if (json)
            printf(
                "%s\n  {\"isa\": \"%s\", \"fp32_gops\": %.2f, \"int8_gops\": %.2f, \"bf16_gops\": "
                "%.2f, \"read\": [",
                first ? "" : ",", p->isa, 1e-9 * p->fp32, 1e-9 * p->int8, 1e-9 * p->bf16);
        else
            printf("limits of %-10s fp32 %.1f, int8 %.1f, bf16 %.1f GOPS; reading", p->isa,
                   1e-9 * p->fp32, 1e-9 * p->int8, 1e-9 * p->bf16);
        for (int i = 0; i < 4; i++) {
            const char *form =
                json ? "%s{\"bytes\": %llu, \"gb_per_second\": %.2f}" : "%s %.2g MB: %.1f GB/s";
            if (json)
                printf(form, i ? ", " : "", (unsigned long long)p->set[i], 1e-9 * p->read[i]);
            else
                printf(form, i ? "," : "", 1e-6 * (double)p->set[i], 1e-9 * p->read[i]);
        }
        printf(json ? "]}" : "\n");
        first = false;
    }
}

int main(int argc, char **argv)
{
    static const shape shapes[] = {{"S: q, k, v", 1370, 1152, 384},
                                   {"S: fc1", 1370, 1536, 384},
                                   {"S: fc2", 1370, 384, 1536},
                                   {"S: 3x3 at 148x148, gathered", 21904, 64, 576},
                                   {"S: 3x3 at 296x296, gathered", 87616, 32, 576},
                                   {"RT-MonoDepth-S: body, gathered", 480, 192, 1728},
                                   {"RT-MonoDepth-S: decoder, gathered", 30720, 16, 288}};
    const bool json = argc > 2 && strcmp(argv[2], "json") == 0;
    prune_context_options options;
    prune_peaks peaks[PR_ISA_COUNT] = {0};
    prune_context *ctx;
    prune_context_options_init(&options);
    options.threads = argc > 1 ? atoi(argv[1]) : 1;
    for (int isa = 0; isa < PR_ISA_COUNT; isa++) {
        if (!pr_cpu_has((pr_isa)isa)) continue;
        options.isa = pr_isa_name((pr_isa)isa);
        check(prune_context_create(&ctx, &options));
        peaks[isa].struct_size = (uint32_t)sizeof peaks[isa];
        check(prune_peaks_measure(&peaks[isa], ctx));
        prune_context_free(ctx);
    }
    options.isa = NULL;
    check(prune_context_create(&ctx, &options));
    printf(json ? "{\"threads\": %d, \"peaks\": [" : "GOPS, %d threads\n",
           prune_context_threads(ctx));
    print_peaks(peaks, json);
    if (json) printf("],\n \"kernels\": [");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        (void)bench_shape(ctx, peaks, shapes[i], json, i == 0);
    if (json) printf("]}\n");
    prune_context_free(ctx);
    return 0;
}
