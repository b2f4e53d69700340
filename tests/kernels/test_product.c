#include "libprune/kernels/product.h"
#include "tests/kernels/reference.h"

enum { MOST = 2200 * 40 };
static float a[MOST], b[MOST], out[MOST], sums[128];

static void rows_of_b(void *user, int64_t begin, int64_t end, float *to)
{
    const pr_product *p = user;
    for (int64_t r = begin; r < end; r++, to += p->n)
        memcpy(to, b + r * p->ldb, (size_t)p->n * sizeof *to);
}

/* out starts at 1 and the sums at 2: both are added to. */
static void check(prune_context *ctx, pr_product p, bool gathered)
{
    for (int64_t i = 0; i < p.m * p.ldo; i++) out[i] = 1.0f;
    for (int64_t i = 0; i < p.m; i++) sums[i] = 2.0f;
    p.a = a;
    p.out = out;
    if (p.a_transposed) p.a_sums = sums;
    if (gathered) {
        p.rows_of_b = rows_of_b;
        p.user = &p;
    } else {
        p.b = b;
    }
    ck_ok(pr_product_f32(ctx, &p));
    for (int64_t i = 0; i < p.m; i++) {
        double row = 2;
        for (int64_t j = 0; j < p.n; j++) {
            double sum = 1;
            for (int64_t k = 0; k < p.k; k++)
                sum += (double)(p.a_transposed ? a[k * p.lda + i] : a[i * p.lda + k]) *
                       (double)b[k * p.ldb + j];
            ck_assert_double_eq_tol(sum, (double)out[i * p.ldo + j], 2e-5 + 5e-8 * (double)p.k);
        }
        for (int64_t k = 0; p.a_transposed && k < p.k; k++) row += (double)a[k * p.lda + i];
        if (p.a_transposed)
            ck_assert_double_eq_tol(row, (double)sums[i], 2e-5 + 5e-8 * (double)p.k);
        for (int64_t j = p.n; j < p.ldo; j++) ck_assert_float_eq(out[i * p.ldo + j], 1.0f);
    }
}

START_TEST(matches_the_sum)
{
    static const int64_t sizes[][3] = {{1, 1, 1},
                                       {7, 5, 3},
                                       {12, 16, 8},
                                       {33, 47, 65},
                                       {70, 9, 31},
                                       {13, 70, 14},
                                       {5, 33, 700} /* blocks of k */,
                                       {100, 5, 700},
                                       {14, 19, 2111} /* slices of k */};
    test_fill(a, MOST, 1);
    test_fill(b, MOST, 2);
    for (int isa = 0; isa < PR_ISA_COUNT; isa++) {
        if (!pr_cpu_has((pr_isa)isa)) continue;
        for (int threads = 1; threads <= 3; threads += 2) {
            prune_context *ctx = test_context(threads);
            ctx->isa = (pr_isa)isa;
            for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
                pr_product p = {.m = sizes[s][0], .n = sizes[s][1], .k = sizes[s][2]};
                for (int way = 0; way < 4; way++) {
                    p.a_transposed = way & 1;
                    p.lda = (p.a_transposed ? p.m : p.k) + 2;
                    p.ldb = p.n + 1;
                    p.ldo = p.n + 3;
                    check(ctx, p, way & 2);
                }
            }
            prune_context_free(ctx);
        }
    }
}
END_TEST

/* Whatever the number of threads, the same bytes. */
START_TEST(threads_do_not_matter)
{
    static const int64_t sizes[2][3] = {{40, 33, 650}, {20, 33, 2100}};
    static float first[40 * 33];
    test_fill(a, MOST, 3);
    test_fill(b, MOST, 4);
    for (int i = 0; i < 8; i++) {
        const int64_t *size = sizes[i / 4];
        prune_context *ctx = test_context(i % 4 + 1);
        memset(out, 0, sizeof out);
        const pr_product p = {.m = size[0],
                              .n = size[1],
                              .k = size[2],
                              .a = a,
                              .lda = 40,
                              .a_transposed = true,
                              .b = b,
                              .ldb = 34,
                              .out = out,
                              .ldo = 33};
        ck_ok(pr_product_f32(ctx, &p));
        if (i % 4 == 0) memcpy(first, out, sizeof first);
        ck_assert(memcmp(first, out, sizeof first) == 0);
        prune_context_free(ctx);
    }
}
END_TEST

START_TEST(sums_alone)
{
    prune_context *ctx = test_context(2);
    test_fill(a, MOST, 5);
    memset(sums, 0, sizeof sums);
    const pr_product p = {
        .m = 3, .n = 4, .k = 500, .a = a, .lda = 3, .a_transposed = true, .a_sums = sums};
    ck_ok(pr_product_f32(ctx, &p));
    for (int i = 0; i < 3; i++) {
        double wanted = 0;
        for (int k = 0; k < 500; k++) wanted += (double)a[k * 3 + i];
        ck_assert_double_eq_tol(wanted, (double)sums[i], 2e-5);
    }
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("kernels/product", matches_the_sum, threads_do_not_matter, sums_alone)
