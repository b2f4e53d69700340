#include "tests/kernels/reference.h"

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
    /* Growing keys make later chunks correct the earlier ones. */
    for (int64_t i = 0; i < MOST; i++) k[i] *= 1.0f + (float)i / 20000.0f;
    for (int t = 0; t < count; t++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            const int64_t *z = sizes[s];
            pr_attention a = {z[0], z[1], z[2], z[3], z[4], 0.5f, q, k, v, 0, 0, 0, out, 0, NULL};
            a.q_stride = a.k_stride = z[2] * z[3] + 5;
            a.v_stride = a.out_stride = z[2] * z[4];
            void *scratch = aligned_alloc(64, pr_attention_scratch(ctx, list[t], &a));
            pr_attention_f32(ctx, list[t], &a, scratch);
            for (int64_t i = 0; i < z[0] * z[1]; i += 1 + z[1] / 40) {
                for (int64_t h = 0; h < z[2]; h++) {
                    for (int64_t c = 0; c < z[4]; c += 3) {
                        double wanted = reference(&a, i / z[1], h, i % z[1], c);
                        float got = out[i * a.out_stride + h * z[4] + c];
                        ck_assert_double_eq_tol(wanted, (double)got, 1e-5);
                    }
                }
            }
            free(scratch);
        }
    }
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("kernels/attention", matches_softmax)
