/* Integer attention on every tier: its products bit for bit, the whole against double precision,
 * once with the integers that it makes and once with the floats that they stand for. */
#include "tests/kernels/reference.h"

enum { MOST = 2 * 600 * 200, N = 70, K = 150, M = 14, COLUMNS = 256 };
static float q[MOST], k[MOST], v[MOST], out[MOST], scores[1200];
static int8_t bytes[3][MOST];
static float steps[3][MOST];

/* --- parts ------------------------------------------------------------------------------------*/

/* By scales of rows and columns, or by those of columns alone and added to what is there. */
static void check_panel(const pr_kernels *kernels, int64_t n, int64_t depth, bool wide, bool add)
{
    static int16_t weights[M * (K + 1)];
    static char panel[M * (K + 8) * 2];
    static int32_t offset[COLUMNS];
    static float scale[COLUMNS], row_scale[M];
    int64_t k_padded =
        wide ? (depth + 1) / PR_I16_DEPTH * PR_I16_DEPTH : pr_pack_i8_depth(kernels, depth);
    int64_t size = wide ? pr_pack_i16_size(kernels, n, depth) : pr_pack_i8_size(kernels, n, depth);
    void *data = aligned_alloc(64, (size_t)(size + 63) / 64 * 64);
    memset(data, 85, (size_t)size); /* whatever panels read must have been written */
    memset(panel, 0, sizeof panel);
    memset(weights, 0, sizeof weights);
    for (int64_t i = 0; i < M; i++) {
        row_scale[i] = 1.0f + (float)i;
        for (int64_t p = 0; wide && p < depth; p++) {
            weights[i * k_padded + p] = (int16_t)(bytes[0][i * K + p] * 258 + (p % 2));
        }
        kernels->i8_widen(panel + i * k_padded * kernels->i8_bytes, bytes[0] + i * K, depth);
    }
    for (int64_t c = 0; c < COLUMNS; c++) scale[c] = c < n ? 0.5f + (float)c : 0.0f;
    pr_packed b = {.n = n, .k = depth, .k_padded = k_padded, .data = data, .offset = offset};
    pr_epilogue e = {.out = out, .out_stride = N + 3, .scale = scale, .row_scale = row_scale};
    b.shorts = wide || kernels->i8_bytes == 2;
    if (add) {
        for (int64_t i = 0; i < M * (N + 3); i++) out[i] = (float)i;
        e.row_scale = NULL;
        e.residual = out;
        e.residual_stride = e.out_stride;
    }
    if (wide) {
        pr_pack_i16_transposed(kernels, n, depth, bytes[1], N, data);
        kernels->i16_panel(M, weights, k_padded, &b, &e, 0);
    } else {
        pr_pack_i8_rows(kernels, n, depth, bytes[1], K, data, offset);
        kernels->i8_panel(M, panel, k_padded, &b, &e, 0);
    }
    for (int64_t i = 0; i < M * n; i++) {
        int32_t sum = 0;
        for (int64_t p = 0; p < depth; p++) {
            sum += wide ? weights[i / n * k_padded + p] * bytes[1][p * N + i % n]
                        : bytes[0][i / n * K + p] * bytes[1][i % n * K + p];
        }
        int64_t at = i / n * (N + 3) + i % n;
        float wanted = add ? pr_dequantize_acc(sum, scale[i % n], 0.0f) + (float)at
                           : pr_dequantize_acc(sum, row_scale[i / n] * scale[i % n], 0.0f);
        ck_assert_msg(wanted == out[at], "%s: n %lld, k %lld, row %lld", kernels->name,
                      (long long)n, (long long)depth, (long long)(i / n));
    }
    free(data);
}

START_TEST(products_are_exact)
{
    const pr_kernels *list[TIERS];
    int count = tiers(list);
    fill_bytes(bytes[0], MOST, 1);
    fill_bytes(bytes[1], MOST, 2);
    for (int t = 0; t < count; t++) {
        for (int64_t n = 1; n <= N; n += 23) {
            for (int64_t depth = 1; depth <= K; depth += 37) {
                for (int i = 0; i < 4; i++) check_panel(list[t], n, depth, i & 1, i & 2);
            }
        }
    }
}
END_TEST

START_TEST(weights_are_exact_to_a_unit)
{
    const pr_kernels *list[TIERS];
    int count = tiers(list);
    test_fill(q, 600, 5);
    for (int i = 0; i < 600; i++) q[i] *= i % 3 ? 8.0f : i % 2 ? 900.0f : 0.001f;
    for (int t = 0; t < count; t++) {
        int16_t p[601];
        for (int64_t n = 1; n <= 600; n += 13) {
            const float factor = n % 2 ? 1.0f : 0.37f;
            float largest = list[t]->max_row(q, n) * factor;
            largest += fabsf(largest) * 0x1p-22f; /* products are not rounded */
            int32_t sum = 0;
            p[n] = -7;
            int32_t total = list[t]->weigh_row(q, n, factor, largest, p);
            ck_assert_int_eq(p[n], -7);
            for (int64_t j = 0; j < n; j++) {
                double wanted = exp2((double)q[j] * (double)factor - (double)largest) * 32767;
                ck_assert_double_eq_tol(wanted, p[j], 1.0);
                ck_assert_int_ge(p[j], 0);
                sum += p[j];
            }
            ck_assert_int_eq(sum, total);
        }
    }
}
END_TEST

/* --- the whole --------------------------------------------------------------------------------*/

typedef struct oracle {
    const float *q, *k, *v; /* of one head, `stride` floats apart */
    int64_t tokens, width, v_width, q_stride, v_stride;
    double scale;
} oracle;

/* Channel c of token t; *slack receives what a unit in each weight may change, for |v| <= 1. */
static double attend(const oracle *o, int64_t t, int64_t c, double *slack)
{
    double largest = -1e300, sum = 0, value = 0;
    for (int64_t j = 0; j < o->tokens; j++) {
        double s = 0;
        for (int64_t d = 0; d < o->width; d++) {
            s += (double)o->q[t * o->q_stride + d] * (double)o->k[j * o->q_stride + d];
        }
        scores[j] = (float)(s * o->scale);
        largest = fmax(largest, (double)scores[j]);
    }
    for (int64_t j = 0; j < o->tokens; j++) {
        double p = exp((double)scores[j] - largest);
        sum += p;
        value += p * (double)o->v[j * o->v_stride + c];
    }
    *slack = 2.0 * (double)o->tokens / (32767.0 * sum);
    return value / sum;
}

/* What the integers stand for: rows of one head of q and k, columns of chunks of v. */
static void round_rows(const float *x, int64_t stride, int64_t rows, int64_t n, float *to)
{
    for (int64_t r = 0; r < rows; r++) {
        pr_row_scale step = pr_row_scale_from(pr_row_largest(x + r * stride, n));
        for (int64_t c = 0; c < n; c++) {
            to[r * stride + c] =
                step.scale * (float)pr_quantize_s8(x[r * stride + c], step.inv_scale, 0);
        }
    }
}

static void round_columns(const float *x, int64_t stride, int64_t rows, int64_t n, float *to)
{
    for (int64_t first = 0; first < rows; first += PR_ATTENTION_KEYS) {
        int64_t last = first + PR_ATTENTION_KEYS < rows ? first + PR_ATTENTION_KEYS : rows;
        for (int64_t c = 0; c < n; c++) {
            float largest = 0;
            for (int64_t r = first; r < last; r++)
                largest = fmaxf(largest, fabsf(x[r * stride + c]));
            pr_row_scale step = pr_row_scale_from(largest);
            for (int64_t r = first; r < last; r++) {
                to[r * stride + c] =
                    step.scale * (float)pr_quantize_s8(x[r * stride + c], step.inv_scale, 0);
            }
        }
    }
}

typedef struct errors {
    double square, power;
    int64_t count;
} errors;

/* Every few tokens of one head: the integers' own result closely, the floats' on average. */
static void check_head(const pr_kernels *kernels, const pr_attention *a, int64_t image,
                       int64_t head, errors *sum)
{
    int64_t at = image * a->tokens * a->q_stride + head * a->qk_width;
    int64_t at_v = image * a->tokens * a->v_stride + head * a->v_width;
    oracle real = {a->q + at,  a->k + at,   a->v + at_v, a->tokens,       a->qk_width,
                   a->v_width, a->q_stride, a->v_stride, (double)a->scale};
    oracle rounded = real;
    round_rows(real.q, a->q_stride, a->tokens, a->qk_width, steps[0] + at);
    round_rows(real.k, a->q_stride, a->tokens, a->qk_width, steps[1] + at);
    round_columns(real.v, a->v_stride, a->tokens, a->v_width, steps[2] + at_v);
    rounded.q = steps[0] + at;
    rounded.k = steps[1] + at;
    rounded.v = steps[2] + at_v;
    for (int64_t t = 0; t < a->tokens; t += 1 + a->tokens / 40) {
        for (int64_t c = 0; c < a->v_width; c += 3) {
            double slack, unused, wanted = attend(&rounded, t, c, &slack);
            double exact = attend(&real, t, c, &unused);
            double got =
                (double)a->out[(image * a->tokens + t) * a->out_stride + head * a->v_width + c];
            ck_assert_msg(fabs(wanted - got) <= 2e-5 + slack, "%s: %g, not %g", kernels->name, got,
                          wanted);
            sum->square += (got - exact) * (got - exact);
            sum->power += exact * exact;
            sum->count++;
        }
    }
}

START_TEST(matches_softmax)
{
    /* batch, tokens, heads, qk width, v width: one token, several chunks of keys, odd widths. */
    static const int64_t sizes[][5] = {{1, 1, 1, 4, 4},     {2, 50, 3, 16, 16}, {1, 257, 2, 20, 12},
                                       {1, 300, 1, 64, 64}, {1, 515, 2, 33, 7}, {1, 900, 1, 24, 40},
                                       {1, 16, 2, 8, 3},    {1, 25, 1, 63, 17}};
    const pr_kernels *list[TIERS];
    int count = tiers(list);
    prune_context *ctx = test_context(2);
    test_fill(q, MOST, 1);
    test_fill(k, MOST, 2);
    test_fill(v, MOST, 3);
    /* Growing keys make later chunks correct the earlier ones. */
    for (int64_t i = 0; i < MOST; i++) k[i] *= 1.0f + (float)i / 20000.0f;
    for (int t = 0; t < count; t++) {
        for (size_t s = 0; s < 2 * (sizeof sizes / sizeof *sizes); s++) {
            const int64_t *z = sizes[s / 2];
            pr_attention a = {.batch = z[0], .tokens = z[1], .heads = z[2], .qk_width = z[3]};
            a.v_width = z[4];
            a.scale = s % 2 ? -0.25f : 0.25f;
            a.q = q;
            a.k = k;
            a.v = v;
            a.out = out;
            errors sum = {0};
            a.q_stride = a.k_stride = z[2] * z[3] + 5;
            a.v_stride = a.out_stride = z[2] * z[4];
            void *scratch = aligned_alloc(64, pr_attention_i8_scratch(ctx, list[t], &a));
            memset(scratch, 85, pr_attention_i8_scratch(ctx, list[t], &a));
            pr_attention_i8(ctx, list[t], &a, scratch);
            for (int64_t h = 0; h < z[0] * z[2]; h++) {
                check_head(list[t], &a, h / z[2], h % z[2], &sum);
            }
            ck_assert_double_le(sqrt(sum.square / sum.power), 0.02);
            free(scratch);
        }
    }
    prune_context_free(ctx);
}
END_TEST

START_TEST(nothing_gives_nothing)
{
    /* Tokens of zeros have no scale: every weight is the same, and what is summed is v. */
    enum { TOKENS = 40, WIDTH = 16 };
    const pr_kernels *list[TIERS];
    int count = tiers(list);
    prune_context *ctx = test_context(1);
    memset(q, 0, sizeof q);
    memset(k, 0, sizeof k);
    test_fill(v, MOST, 3);
    pr_attention a = {.batch = 1, .tokens = TOKENS, .heads = 1, .qk_width = WIDTH, .scale = 1.0f};
    a.v_width = a.q_stride = a.k_stride = a.v_stride = a.out_stride = WIDTH;
    a.q = q;
    a.k = k;
    a.v = v;
    a.out = out;
    for (int t = 0; t < count; t++) {
        void *scratch = aligned_alloc(64, pr_attention_i8_scratch(ctx, list[t], &a));
        pr_attention_i8(ctx, list[t], &a, scratch);
        for (int64_t c = 0; c < WIDTH; c++) {
            double mean = 0;
            for (int64_t j = 0; j < TOKENS; j++) mean += (double)v[j * WIDTH + c] / TOKENS;
            ck_assert_double_eq_tol(mean, (double)out[7 * WIDTH + c], 0.005);
        }
        free(scratch);
    }
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("kernels/attention_i8", products_are_exact, weights_are_exact_to_a_unit, matches_softmax,
          nothing_gives_nothing)
