/* Integer products of every tier, forced one by one: every kind of tail, every combination of the
 * epilogue, bit for bit what the portable tier computes. Covers: igemm.c */
#include "tests/kernels/emulated/tiles.h"
#include "tests/kernels/reference.h"

enum { MOST_M = 66, MOST_N = 1100, MOST_K = 2100, GAP = 3 };

static _Alignas(64) int8_t a[MOST_M * (MOST_K + GAP)];
static int8_t w[800 * MOST_K];
static float bias[MOST_N], scale[MOST_N], gain[MOST_N], row_scale[MOST_M], steps[MOST_N];
static float zeros[MOST_N], residual[MOST_M * (MOST_N + GAP)];

typedef struct result {
    float out[MOST_M * (MOST_N + GAP)];
    int8_t out8[MOST_M * (MOST_N + GAP)];
} result;
static result wanted, got;

static void fill_all(void)
{
    fill_bytes(a, (int64_t)sizeof a, 1);
    fill_bytes(w, (int64_t)sizeof w, 2);
    test_fill(bias, MOST_N, 3);
    test_fill(scale, MOST_N, 4);
    test_fill(gain, MOST_N, 5);
    test_fill(row_scale, MOST_M, 6);
    test_fill(steps, MOST_N, 7);
    test_fill(residual, MOST_M * (MOST_N + GAP), 8);
    for (int64_t o = 0; o < MOST_N; o++) {
        scale[o] = (scale[o] + 1.1f) * 1e-5f;
        steps[o] = 90.0f + 80.0f * steps[o];
        zeros[o] = (float)(o * 5 % 200 - 100);
    }
}

typedef struct shape {
    int64_t m, n, k, gap; /* gap: from the end of a row of a to the next */
} shape;

/* What the epilogue does, from the bits of a number. */
typedef struct finish {
    bool dynamic, gain, residual, place, relu8, late, out, out8;
    pr_activation act;
} finish;

static finish finish_from(int code)
{
    static const bool outs[3][2] = {{true, false}, {false, true}, {true, true}};
    finish f = {.dynamic = code & 1, .gain = code & 2, .residual = code & 4, .place = code & 8};
    f.relu8 = code & 16;
    f.late = code & 32;
    f.out = outs[code / 64 % 3][0];
    f.out8 = outs[code / 64 % 3][1];
    f.act = (pr_activation)(code / 192);
    return f;
}
enum { FINISHES = 192 * PR_ACT_COUNT };

static void multiply(prune_context *ctx, const pr_kernels *kernels, const shape *s, const finish *f,
                     result *to)
{
    float *padded[3];
    const float *const columns[3] = {gain, steps, zeros};
    int64_t stride = s->n + GAP;
    int32_t place[MOST_M];
    pr_packed b;
    ck_ok(pr_pack_i8(&b, ctx, kernels, NULL, s->n, s->k, w, scale, bias));
    for (int i = 0; i < 3; i++) ck_ok(pr_pack_columns(&padded[i], ctx, s->n, columns[i]));
    for (int64_t i = 0; i < s->m; i++) place[i] = (int32_t)((i * 7 + 3) % s->m);
    bool permutes = f->place && s->m % 7 != 0;
    pr_gemm g = {.m = s->m, .a = a, .lda = s->k + s->gap, .b = &b};
    g.e = (pr_epilogue){.act = f->act, .alpha = 0.3f, .out_stride = stride, .out8_stride = stride};
    g.e.place = permutes ? place : NULL;
    g.e.row_scale = f->dynamic ? row_scale : NULL;
    g.e.gain = f->gain ? padded[0] : NULL;
    g.e.residual = f->residual ? residual : NULL;
    g.e.residual_stride = stride;
    g.e.late = f->late ? PR_ACT_RELU : PR_ACT_NONE;
    g.e.out = f->out ? to->out : NULL;
    g.e.out8 = f->out8 ? to->out8 : NULL;
    g.e.inv_scale = padded[1];
    g.e.zero = padded[2];
    g.e.relu8 = f->relu8;
    for (int64_t i = 0; i < s->m * stride; i++) {
        to->out[i] = 1234.0f;
        to->out8[i] = 99;
    }
    void *scratch = aligned_alloc(64, pr_gemm_i8_scratch(ctx, kernels, &b));
    pr_gemm_i8(ctx, kernels, &g, scratch);
    free(scratch);
    for (int i = 0; i < 3; i++) pr_free(ctx, padded[i]);
    pr_packed_free(ctx, &b);
}

/* Everything equal, gaps included, or, where the activation is no simple one, nearly so. */
static void compare(const pr_kernels *kernels, const shape *s, const finish *f)
{
    bool exact = f->act <= PR_ACT_LEAKY_RELU;
    for (int64_t i = 0; i < s->m * (s->n + GAP); i++) {
        double tolerance = exact ? 0 : 4e-6 * (1 + fabs((double)wanted.out[i]));
        int step = exact ? 0 : 1;
        bool same = fabs((double)wanted.out[i] - (double)got.out[i]) <= tolerance &&
                    abs(wanted.out8[i] - got.out8[i]) <= step;
        ck_assert_msg(same, "%s, %lld x %lld x %lld, place %lld: %.9g, %d is not %.9g, %d",
                      kernels->name, (long long)s->m, (long long)s->n, (long long)s->k,
                      (long long)i, (double)got.out[i], got.out8[i], (double)wanted.out[i],
                      wanted.out8[i]);
    }
}

static void check(prune_context *ctx, const shape *s, const finish *f)
{
    static const pr_kernels *list[TIERS];
    static int count = 0;
    if (count == 0) count = tiers(list);
    multiply(ctx, &pr_kernels_portable, s, f, &wanted);
    for (int t = 0; t < count; t++) {
        multiply(ctx, list[t], s, f, &got);
        compare(list[t], s, f);
#if defined(PR_TEST_EMULATED)
        ck_assert(!emulated_tiles_in_use());
#endif
    }
}

/* The portable tier itself, against 64-bit sums and integer.h. */
START_TEST(portable_is_the_definition)
{
    prune_context *ctx = test_context(1);
    const finish f = finish_from(64 * 2 + 1);
    const shape s = {13, 21, 77, GAP};
    fill_all();
    multiply(ctx, &pr_kernels_portable, &s, &f, &wanted);
    for (int64_t i = 0; i < s.m; i++) {
        for (int64_t o = 0; o < s.n; o++) {
            int64_t sum = 0;
            for (int64_t p = 0; p < s.k; p++) sum += a[i * (s.k + GAP) + p] * w[o * s.k + p];
            float y = pr_dequantize_acc((int32_t)sum, row_scale[i] * scale[o], bias[o]);
            ck_assert_float_eq(wanted.out[i * (s.n + GAP) + o], y);
            ck_assert_int_eq(wanted.out8[i * (s.n + GAP) + o],
                             pr_quantize_s8(y, steps[o], (int8_t)zeros[o]));
        }
    }
    prune_context_free(ctx);
}
END_TEST

START_TEST(all_tails)
{
    static const int64_t ms[] = {1, 2, 5, 6, 7, 12, 13, 16, 17, 31, 32, 33, 66};
    static const int64_t ns[] = {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 49, 65, 70};
    static const int64_t ks[] = {1, 2, 3, 4, 5, 31, 63, 64, 65, 128, 130};
    enum { M = sizeof ms / sizeof *ms, N = sizeof ns / sizeof *ns, K = sizeof ks / sizeof *ks };
    prune_context *ctx = test_context(1);
    fill_all();
    for (int i = 0; i < M * N; i++) {
        /* Two of the depths for every pair; rows next to each other and apart. */
        for (int j = 0; j < 2; j++) {
            const shape s = {ms[i / N], ns[i % N], ks[(i + j * 4) % K], j == 1 ? 0 : GAP};
            const finish f = finish_from(64 * 2 + (i & 1));
            check(ctx, &s, &f);
        }
    }
    prune_context_free(ctx);
}
END_TEST

START_TEST(all_epilogues)
{
    const shape s = {9, 37, 6, GAP};
    prune_context *ctx = test_context(1);
    fill_all();
    for (int code = 0; code < FINISHES; code++) {
        const finish f = finish_from(code);
        check(ctx, &s, &f);
    }
    prune_context_free(ctx);
}
END_TEST

/* Where a tier cuts k, columns or rows: more values than a part, weights beyond the caches, rows
 * multiplied where they lie, two threads. */
START_TEST(large_products)
{
    static const shape shapes[] = {{37, 70, 1025, GAP}, {33, 40, 1536, 0}, {34, 300, 1088, 64},
                                   {20, 50, 2048, 0},   {5, 530, 2099, 1}, {66, 1100, 1000, 24},
                                   {66, 64, 128, 0},    {40, 32, 64, 64}};
    prune_context *ctx = test_context(2);
    fill_all();
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const finish f = finish_from(64 * 2 + 5);
        ck_assert_int_le(shapes[i].n * shapes[i].k, (int64_t)sizeof w);
        check(ctx, &shapes[i], &f);
    }
    prune_context_free(ctx);
}
END_TEST

/* An activation in the epilogue is the row's own activation of the sums, to the last bit: the
 * interpreter's exact mode computes it apart. */
START_TEST(activations_are_the_rows_own)
{
    const pr_kernels *list[TIERS];
    int count = tiers(list);
    const shape s = {21, 45, 33, GAP};
    prune_context *ctx = test_context(1);
    fill_all();
    for (int t = 0; t < count; t++) {
        const finish none = finish_from(1);
        multiply(ctx, list[t], &s, &none, &wanted);
        for (int act = 0; act < PR_ACT_COUNT; act++) {
            const finish f = finish_from(192 * act + 1);
            float *y = got.out;
            multiply(ctx, list[t], &s, &f, &got);
            for (int64_t i = 0; i < s.m; i++) {
                float line[MOST_N], *x = wanted.out + i * (s.n + GAP);
                list[t]->activate((pr_activation)act, 0.3f, x, line, s.n);
                ck_assert_msg(memcmp(line, y + i * (s.n + GAP), (size_t)s.n * sizeof *y) == 0,
                              "%s: activation %d", list[t]->name, act);
            }
        }
    }
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("kernels/igemm", portable_is_the_definition, all_tails, all_epilogues, large_products,
          activations_are_the_rows_own)
