/* Covers: attention_bf16.c, amx/attention.c */
#include "tests/kernels/halves.h"

enum { MOST = 2 * 600 * 200 };
static float q[MOST], k[MOST], v[MOST], out[MOST], scores[700];

static double reference(const pr_attention *a, int64_t image, int64_t head, int64_t t, int64_t c)
{
    double largest = -1e300, sum = 0, value = 0;
    for (int64_t j = 0; j < a->tokens; j++) {
        double s = 0;
        for (int64_t d = 0; d < a->qk_width; d++) {
            s += (double)a->q[(image * a->tokens + t) * a->q_stride + head * a->qk_width + d] *
                 (double)a->k[(image * a->tokens + j) * a->k_stride + head * a->qk_width + d];
        }
        scores[j] = (float)(s * (double)a->scale);
        largest = fmax(largest, (double)scores[j]);
    }
    for (int64_t j = 0; j < a->tokens; j++) {
        double p = exp((double)scores[j] - largest);
        sum += p;
        value += p * (double)a->v[(image * a->tokens + j) * a->v_stride + head * a->v_width + c];
    }
    return value / sum;
}

START_TEST(matches_softmax)
{
    /* batch, tokens, heads, qk width, v width; more than one chunk of keys, odd widths. */
    static const int64_t sizes[][5] = {{1, 1, 1, 4, 4},     {2, 50, 3, 16, 16}, {1, 257, 2, 20, 12},
                                       {1, 300, 1, 64, 64}, {1, 515, 2, 33, 7}, {1, 16, 2, 8, 3}};
    const pr_kernels *list[TIERS];
    int count = tiers(list);
    prune_context *ctx = test_context(2);
    test_fill(q, MOST, 1);
    test_fill(k, MOST, 2);
    test_fill(v, MOST, 3);
    /* Growing keys: later chunks have larger scores than the earlier ones, with the large scale by
     * so much that these are corrected. */
    for (int64_t i = 0; i < MOST; i++) k[i] *= 1.0f + (float)i / 20000.0f;
    for (int t = 0; t < count; t++) {
        for (size_t s = 0; s < 2 * (sizeof sizes / sizeof *sizes); s++) {
            const int64_t *z = sizes[s / 2];
            pr_attention a = {.batch = z[0], .tokens = z[1], .heads = z[2], .qk_width = z[3]};
            a.scale = s % 2 ? 8.0f : 0.5f;
            a.v_width = z[4];
            a.q = q;
            a.k = k;
            a.v = v;
            a.out = out;
            a.q_stride = a.k_stride = z[2] * z[3] + 5;
            a.v_stride = a.out_stride = z[2] * z[4];
            void *scratch = aligned_alloc(64, pr_attention_scratch(ctx, list[t], &a));
            pr_attention_f32(ctx, list[t], &a, scratch);
            for (int64_t i = 0; i < z[0] * z[1]; i += 1 + z[1] / 40) {
                for (int64_t h = 0; h < z[2]; h++) {
                    for (int64_t c = 0; c < z[4]; c += 3) {
                        double wanted = reference(&a, i / z[1], h, i % z[1], c);
                        float got = out[i * a.out_stride + h * z[4] + c];
                        ck_assert_double_eq_tol(wanted, (double)got, 2e-5 * (double)a.scale);
                    }
                }
            }
            free(scratch);
        }
    }
    prune_context_free(ctx);
}
END_TEST

/* The same on rounded operands; probabilities are rounded too, relative to some larger score than
 * the largest of all or to that: each by at most 2^-9 of itself, so the weighted mean of v moves by
 * at most twice that much of the largest |v|, and in practice, errors being of either sign, by far
 * less. */
static double reference_bf16(const pr_attention *a, int64_t image, int64_t head, int64_t t,
                             int64_t c, double *log_sum)
{
    double largest = -1e300, sum = 0, value = 0;
    const float scale = a->scale * 1.44269504f;
    for (int64_t j = 0; j < a->tokens; j++) {
        double s = 0;
        for (int64_t d = 0; d < a->qk_width; d++) {
            const int64_t at = head * a->qk_width + d;
            s += operand(a->q[(image * a->tokens + t) * a->q_stride + at] * scale, true) *
                 operand(a->k[(image * a->tokens + j) * a->k_stride + at], true);
        }
        scores[j] = (float)s;
        largest = fmax(largest, s);
    }
    for (int64_t j = 0; j < a->tokens; j++) {
        const double p = exp2((double)scores[j] - largest);
        const int64_t at = (image * a->tokens + j) * a->v_stride + head * a->v_width + c;
        sum += p;
        value += operand((float)p, true) * operand(a->v[at], true);
    }
    *log_sum = (largest + log2(sum)) * log(2.0);
    return value / sum;
}

static void check_bf16(prune_context *ctx, const pr_kernels *kernels, const int64_t z[5])
{
    static float log_sums[2 * 3 * 1100];
    pr_attention a = {.batch = z[0], .tokens = z[1], .heads = z[2], .scale = 0.5f};
    double error = 0, worst = 0;
    int64_t count = 0;
    a.qk_width = z[3];
    a.v_width = z[4];
    a.q = q;
    a.k = k;
    a.v = v;
    a.out = out;
    a.q_stride = a.k_stride = z[2] * z[3] + 5;
    a.v_stride = z[2] * z[4];
    a.out_stride = a.v_stride + 2;
    a.log_sum = log_sums;
    for (int64_t i = 0; i < z[0] * z[1] * a.out_stride; i++) out[i] = 1234.0f;
    void *scratch = aligned_alloc(64, pr_attention_bf16_scratch(ctx, kernels, &a));
    pr_attention_bf16(ctx, kernels, &a, scratch);
    for (int64_t i = 0; i < z[0] * z[1]; i += 1 + z[1] / 40) {
        for (int64_t h = 0; h < z[2]; h++) {
            double log_sum;
            for (int64_t c = 0; c < z[4]; c += 3, count++) {
                const double wanted = reference_bf16(&a, i / z[1], h, i % z[1], c, &log_sum);
                const double off = (double)out[i * a.out_stride + h * z[4] + c] - wanted;
                error += off * off;
                worst = fmax(worst, fabs(off));
            }
            const int64_t at = (i / z[1] * z[2] + h) * z[1] + i % z[1];
            ck_assert_double_eq_tol((double)log_sums[at], log_sum, 2e-4);
        }
        ck_assert_float_eq(out[i * a.out_stride + a.v_stride], 1234.0f);
    }
    ck_assert_msg(worst <= 4e-3 && sqrt(error / (double)count) <= 1e-3,
                  "%s, %lld tokens: off by %g, on average %g", kernels->name, (long long)z[1],
                  worst, sqrt(error / (double)count));
    free(scratch);
}

START_TEST(rounded_operands_match_softmax)
{
    /* Chunks of 192 keys in the AMX kernel: one, several, with a rest of one, odd widths. */
    static const int64_t sizes[][5] = {{1, 1, 1, 4, 4},     {2, 50, 3, 16, 16}, {1, 193, 2, 20, 12},
                                       {1, 300, 1, 64, 64}, {1, 515, 2, 33, 7}, {1, 192, 2, 64, 33},
                                       {1, 31, 2, 96, 80},  {1, 577, 1, 64, 64}};
    const pr_kernels *list[TIERS];
    const int count = tiers(list);
    prune_context *ctx = test_context(2);
    test_fill(q, MOST, 1);
    test_fill(k, MOST, 2);
    test_fill(v, MOST, 3);
    for (int64_t i = 0; i < MOST; i++) k[i] *= 1.0f + (float)i / 20000.0f;
    for (int t = 0; t < count; t++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            check_bf16(ctx, list[t], sizes[s]);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("kernels/attention", matches_softmax, rounded_operands_match_softmax)
