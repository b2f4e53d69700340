#include "libprune/kernels/attention_train.h"
#include "tests/kernels/reference.h"

enum { TOKENS = 300, MOST = 2 * TOKENS * 3 * 40 };
static float q[MOST], k[MOST], v[MOST], out[MOST], d_out[MOST], dq[MOST], dk[MOST], dv[MOST];
static float log_sum[2 * 3 * TOKENS];
static double p[TOKENS * TOKENS], ds[TOKENS * TOKENS];

/* The definition, one head at a time: P and dS as whole matrices of doubles. */
static void check_head(const pr_attention_gradient *g, int64_t image, int64_t head)
{
    const int64_t t = g->tokens, sq = g->heads * g->qk_width, sv = g->heads * g->v_width;
    const int64_t at_q = image * t * sq + head * g->qk_width;
    const int64_t at_v = image * t * sv + head * g->v_width;
    for (int64_t i = 0; i < t; i++) {
        double sum = 0, dot = 0;
        for (int64_t j = 0; j < t; j++) {
            double s = 0, dp = 0;
            for (int64_t c = 0; c < g->qk_width; c++)
                s += (double)q[at_q + i * sq + c] * (double)k[at_q + j * sq + c];
            for (int64_t c = 0; c < g->v_width; c++)
                dp += (double)d_out[at_v + i * sv + c] * (double)v[at_v + j * sv + c];
            sum += p[i * t + j] = exp(s * (double)g->scale);
            ds[i * t + j] = dp;
        }
        for (int64_t j = 0; j < t; j++) dot += (p[i * t + j] /= sum) * ds[i * t + j];
        for (int64_t j = 0; j < t; j++) ds[i * t + j] = p[i * t + j] * (ds[i * t + j] - dot);
        ck_assert_double_eq_tol(log(sum), (double)g->log_sum[(image * g->heads + head) * t + i],
                                1e-5);
    }
    for (int64_t i = 0; i < t; i += 7) {
        for (int64_t c = 0; c < g->qk_width; c++) {
            double wanted_q = 1, wanted_k = 1;
            for (int64_t j = 0; j < t; j++) {
                wanted_q += (double)g->scale * ds[i * t + j] * (double)k[at_q + j * sq + c];
                wanted_k += (double)g->scale * ds[j * t + i] * (double)q[at_q + j * sq + c];
            }
            ck_assert_double_eq_tol(wanted_q, (double)dq[at_q + i * sq + c], 2e-5);
            ck_assert_double_eq_tol(wanted_k, (double)dk[at_q + i * sq + c], 2e-5);
        }
        for (int64_t c = 0; c < g->v_width; c++) {
            double wanted = 1;
            for (int64_t j = 0; j < t; j++)
                wanted += p[j * t + i] * (double)d_out[at_v + j * sv + c];
            ck_assert_double_eq_tol(wanted, (double)dv[at_v + i * sv + c], 2e-5);
        }
    }
}

static void run(prune_context *ctx, pr_attention_gradient *g)
{
    const pr_kernels *kernels = pr_kernels_get(ctx->isa);
    pr_attention a = {.batch = g->batch, .tokens = g->tokens, .heads = g->heads};
    a.qk_width = g->qk_width;
    a.v_width = g->v_width;
    a.scale = g->scale;
    a.q = q, a.k = k, a.v = v, a.out = out;
    a.q_stride = a.k_stride = g->heads * g->qk_width;
    a.v_stride = a.out_stride = g->heads * g->v_width;
    a.log_sum = log_sum;
    void *scratch = aligned_alloc(64, pr_attention_scratch(ctx, kernels, &a));
    pr_attention_f32(ctx, kernels, &a, scratch);
    free(scratch);
    /* Gradients are added to what is there. */
    for (int64_t i = 0; i < MOST; i++) dq[i] = dk[i] = dv[i] = 1.0f;
    g->q = q, g->k = k, g->v = v, g->out = out, g->d_out = d_out, g->log_sum = log_sum;
    g->dq = dq, g->dk = dk, g->dv = dv;
    ck_ok(pr_attention_backward(ctx, g));
}

START_TEST(matches_the_definition)
{
    /* batch, tokens, heads, qk width, v width: more than a tile of keys, odd widths. */
    static const int64_t sizes[][5] = {
        {1, 1, 1, 4, 4}, {2, 50, 3, 16, 16}, {1, TOKENS, 2, 20, 12}, {1, 97, 1, 33, 7}};
    test_fill(q, MOST, 1);
    test_fill(k, MOST, 2);
    test_fill(v, MOST, 3);
    test_fill(d_out, MOST, 4);
    for (int isa = 0; isa < PR_ISA_COUNT; isa++) {
        if (!pr_cpu_has((pr_isa)isa)) continue;
        prune_context *ctx = test_context(2);
        ctx->isa = (pr_isa)isa;
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            const int64_t *z = sizes[s];
            pr_attention_gradient g = {.batch = z[0], .tokens = z[1], .heads = z[2]};
            g.qk_width = z[3];
            g.v_width = z[4];
            g.scale = 0.5f;
            run(ctx, &g);
            for (int64_t item = 0; item < z[0] * z[2]; item++)
                check_head(&g, item / z[2], item % z[2]);
        }
        prune_context_free(ctx);
    }
}
END_TEST

START_TEST(threads_do_not_matter)
{
    static float first[3][MOST];
    test_fill(q, MOST, 5);
    test_fill(k, MOST, 6);
    test_fill(v, MOST, 7);
    test_fill(d_out, MOST, 8);
    for (int threads = 1; threads <= 4; threads++) {
        prune_context *ctx = test_context(threads);
        pr_attention_gradient g = {1,    200,  3,    8,    8,    0.3f, NULL, NULL,
                                   NULL, NULL, NULL, NULL, NULL, NULL, NULL};
        run(ctx, &g);
        if (threads == 1) {
            memcpy(first[0], dq, sizeof dq);
            memcpy(first[1], dk, sizeof dk);
            memcpy(first[2], dv, sizeof dv);
        }
        ck_assert(memcmp(first[0], dq, sizeof dq) == 0);
        ck_assert(memcmp(first[1], dk, sizeof dk) == 0);
        ck_assert(memcmp(first[2], dv, sizeof dv) == 0);
        prune_context_free(ctx);
    }
}
END_TEST

TEST_MAIN("kernels/attention_train", matches_the_definition, threads_do_not_matter)
