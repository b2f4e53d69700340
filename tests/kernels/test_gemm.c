/* Covers: pack.c, table.c, kernels.c, row.c */
#include "tests/kernels/halves.h"
#include "tests/kernels/reference.h"

enum { MAX_M = 61, MAX_N = 70, MAX_K = 150, GAP = 3 };

static float a[MAX_M * (MAX_K + GAP)], w[MAX_N * MAX_K], bias[MAX_N], scale[MAX_N];
static float residual[MAX_M * MAX_N], out[MAX_M * (MAX_N + GAP)], row_scale[MAX_M];
static int8_t qa[MAX_M * (MAX_K + GAP)], qw[MAX_N * MAX_K], out8[MAX_M * (MAX_N + GAP)];

static const int64_t sizes[][3] = {{1, 1, 1},    {1, 16, 7},    {5, 3, 33},   {6, 8, 16},
                                   {7, 9, 17},   {12, 17, 2},   {13, 24, 31}, {61, 33, 64},
                                   {60, 70, 99}, {25, 48, 150}, {18, 2, 144}, {11, 5, 3}};

static void run_floats(prune_context *ctx, const pr_kernels *kernels, const pr_gemm *g)
{
    if (!g->b->bf16) {
        pr_gemm_f32(ctx, kernels, g);
        return;
    }
    void *scratch = aligned_alloc(64, pr_gemm_bf16_scratch(ctx, kernels, g->b));
    pr_gemm_bf16(ctx, kernels, g, scratch);
    free(scratch);
}

/* Room for exactly one matrix. */
static pr_pack_room room_for(const pr_kernels *kernels, pr_operands operands, int64_t n, int64_t k)
{
    const size_t bytes = pr_pack_bytes(kernels, operands, PR_PACK_DIRECT, n, k);
    char *memory = aligned_alloc(64, bytes);
    ck_assert_ptr_nonnull(memory);
    memset(memory, 0x7f, bytes);
    return (pr_pack_room){memory, memory + bytes};
}

static void close_room(prune_context *ctx, const pr_pack_room *room, pr_packed *b)
{
    void *memory = b->data;
    ck_assert(b->borrowed);
    ck_assert_ptr_eq(room->at, room->end);
    pr_packed_free(ctx, b);
    free(memory);
}

static void check_f32(prune_context *ctx, const pr_kernels *kernels, const int64_t size[3],
                      pr_activation act, bool bf16)
{
    int64_t m = size[0], n = size[1], k = size[2], lda = k + GAP, stride = n + GAP;
    pr_packed b;
    pr_pack_room room = room_for(kernels, bf16 ? PR_OPERANDS_BF16 : PR_OPERANDS_F32, n, k);
    ck_ok((bf16 ? pr_pack_bf16 : pr_pack_f32)(&b, ctx, kernels, &room, n, k, w, bias));
    pr_gemm g = {.m = m, .a = a, .lda = lda, .b = &b};
    g.e = (pr_epilogue){.act = act, .alpha = 0.7f, .residual = residual, .residual_stride = n};
    g.e.out = out;
    g.e.out_stride = stride;
    for (int64_t i = 0; i < m * stride; i++) out[i] = 1234.0f;
    run_floats(ctx, kernels, &g);
    for (int64_t i = 0; i < m; i++) {
        for (int64_t o = 0; o < n; o++) {
            double sum = (double)bias[o];
            for (int64_t p = 0; p < k; p++)
                sum += operand(a[i * lda + p], bf16) * operand(w[o * k + p], bf16);
            double y = reference_activation(act, 0.7, sum) + (double)residual[i * n + o];
            ck_assert_double_eq_tol(y, (double)out[i * stride + o], 2e-5);
        }
        for (int64_t o = n; o < stride; o++) ck_assert_float_eq(out[i * stride + o], 1234.0f);
    }
    close_room(ctx, &room, &b);
}

START_TEST(floats_match_the_sum)
{
    const pr_kernels *list[TIERS];
    int count = tiers(list);
    prune_context *ctx = test_context(2);
    test_fill(a, MAX_M * (MAX_K + GAP), 1);
    test_fill(w, MAX_N * MAX_K, 2);
    test_fill(bias, MAX_N, 3);
    test_fill(residual, MAX_M * MAX_N, 4);
    for (int t = 0; t < count; t++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            for (int act = 0; act < PR_ACT_COUNT; act++) {
                check_f32(ctx, list[t], sizes[s], (pr_activation)act, false);
                check_f32(ctx, list[t], sizes[s], (pr_activation)act, true);
                check_f32(ctx, halves_tier(), sizes[s], (pr_activation)act, true);
            }
        }
    }
    prune_context_free(ctx);
}
END_TEST

/* What integer.h says, with nothing but its functions. */
static float reference_i8(const int64_t size[3], const pr_epilogue *e, int64_t i, int64_t o)
{
    int64_t k = size[2];
    int32_t sum = 0;
    for (int64_t p = 0; p < k; p++) sum += qa[i * (k + GAP) + p] * qw[o * k + p];
    float s = e->row_scale ? e->row_scale[i] * scale[o] : scale[o];
    float y = pr_dequantize_acc(sum, s, bias[o]);
    if (e->act == PR_ACT_RELU) y = y > 0.0f ? y : 0.0f;
    if (e->act == PR_ACT_LEAKY_RELU) y = y > 0.0f ? y : y * e->alpha;
    return e->residual ? y + e->residual[i * size[1] + o] : y;
}

/* Floats and requantized bytes must be equal, bit for bit. */
static void check_i8(prune_context *ctx, const pr_kernels *kernels, const int64_t size[3],
                     pr_activation act, bool dynamic)
{
    int64_t m = size[0], n = size[1], k = size[2], stride = n + GAP;
    float *inv_scale, *zero, zeros[MAX_N];
    for (int64_t o = 0; o < n; o++) zeros[o] = (float)(o * 5 % 200 - 100);
    pr_packed b;
    pr_pack_room room = room_for(kernels, PR_OPERANDS_I8, n, k);
    ck_ok(pr_pack_i8(&b, ctx, kernels, &room, n, k, qw, scale, bias));
    ck_ok(pr_pack_columns(&inv_scale, ctx, n, residual));
    ck_ok(pr_pack_columns(&zero, ctx, n, zeros));
    for (int64_t o = 0; o < n; o++) inv_scale[o] = 90.0f + 100.0f * inv_scale[o];
    pr_gemm g = {.m = m, .a = qa, .lda = k + GAP, .b = &b};
    g.e = (pr_epilogue){.act = act, .alpha = 0.1f, .out = out, .out_stride = stride};
    g.e.row_scale = dynamic ? row_scale : NULL;
    g.e.residual = dynamic ? residual : NULL;
    g.e.residual_stride = n;
    g.e.out8 = out8;
    g.e.out8_stride = stride;
    g.e.inv_scale = inv_scale;
    g.e.zero = zero;
    g.e.relu8 = !dynamic;
    void *scratch = malloc(pr_gemm_i8_scratch(ctx, kernels, &b));
    memset(out8, 99, sizeof out8);
    pr_gemm_i8(ctx, kernels, &g, scratch);
    for (int64_t i = 0; i < m; i++) {
        for (int64_t o = 0; o < n; o++) {
            float y = reference_i8(size, &g.e, i, o);
            float r = g.e.relu8 && !(y > 0.0f) ? 0.0f : y;
            ck_assert_msg(memcmp(&y, &out[i * stride + o], sizeof y) == 0, "%s: %g is not %g",
                          kernels->name, (double)out[i * stride + o], (double)y);
            ck_assert_int_eq(out8[i * stride + o],
                             pr_quantize_s8(r, inv_scale[o], (int8_t)zeros[o]));
        }
        for (int64_t o = n; o < stride; o++) ck_assert_int_eq(out8[i * stride + o], 99);
    }
    free(scratch);
    pr_free(ctx, inv_scale);
    pr_free(ctx, zero);
    close_room(ctx, &room, &b);
}

START_TEST(integers_are_bit_identical)
{
    const pr_kernels *list[TIERS];
    int count = tiers(list);
    prune_context *ctx = test_context(2);
    fill_bytes(qa, MAX_M * (MAX_K + GAP), 1);
    fill_bytes(qw, MAX_N * MAX_K, 2);
    test_fill(bias, MAX_N, 3);
    test_fill(scale, MAX_N, 5);
    test_fill(row_scale, MAX_M, 6);
    test_fill(residual, MAX_M * MAX_N, 4);
    for (int64_t o = 0; o < MAX_N; o++) scale[o] = (scale[o] + 1.1f) * 1e-5f;
    for (int t = 0; t < count; t++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            check_i8(ctx, list[t], sizes[s], PR_ACT_NONE, true);
            check_i8(ctx, list[t], sizes[s], PR_ACT_RELU, true);
            check_i8(ctx, list[t], sizes[s], PR_ACT_LEAKY_RELU, false);
        }
    }
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("kernels/gemm", floats_match_the_sum, integers_are_bit_identical)
