/* Covers: winograd.c, swinograd.c */
#include "tests/kernels/halves.h"

typedef enum number { FLOATS, BF16, INTEGERS } number;

typedef struct shape {
    int64_t batch, height, width, channels, outputs, kernel[2], stride[2], pad[4], groups, upsample;
    bool reflect;
} shape;

static const shape shapes[] = {
    {1, 9, 11, 3, 8, {7, 7}, {2, 2}, {3, 3, 3, 3}, 1, 1, false},
    {2, 6, 7, 5, 17, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1, 1, false},
    {1, 6, 8, 16, 1, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1, 1, true},
    {2, 7, 9, 13, 1, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1, 1, false},
    {1, 9, 40, 6, 1, {3, 5}, {2, 2}, {0, 1, 1, 0}, 1, 1, false},
    {1, 8, 6, 20, 24, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1, 2, true},
    {1, 5, 5, 32, 40, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, 1, false},
    {1, 8, 8, 6, 4, {1, 1}, {2, 2}, {0, 0, 0, 0}, 1, 1, false},
    {1, 7, 9, 12, 18, {3, 3}, {2, 1}, {0, 1, 1, 2}, 3, 1, false},
    {1, 7, 9, 10, 10, {3, 3}, {1, 1}, {1, 1, 1, 1}, 10, 1, true},
    {2, 28, 14, 3, 20, {14, 14}, {14, 14}, {0, 0, 0, 0}, 1, 1, false},
    {2, 9, 7, 19, 24, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1, 1, false},
    {1, 8, 10, 48, 37, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1, 1, true},
    {2, 6, 10, 33, 21, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1, 2, false},
    {1, 1, 2, 9, 8, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1, 1, false},
    {1, 13, 18, 17, 26, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1, 1, false},
    {1, 18, 26, 16, 18, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1, 2, false},
    {1, 18, 26, 16, 18, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1, 2, true},
    {1, 6, 5, 240, 9, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1, 1, false},
    {1, 6, 4, 240, 9, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1, 2, false},
    {1, 5, 6, 2, 70, {2, 3}, {1, 1}, {1, 0, 0, 2}, 1, 1, false},
};

enum { MOST = 28 * 28 * 40 * 2 };
static float image[MOST], weight[MOST], bias[200], scale[200], out[MOST];
static int8_t image8[MOST], weight8[MOST], fill[256];

static pr_conv describe(const shape *s, const pr_packed *packs)
{
    pr_conv c = {.batch = s->batch, .height = s->height, .width = s->width};
    c.channels = s->channels;
    c.upsample = s->upsample;
    c.out_height = (s->height + s->pad[0] + s->pad[2] - s->kernel[0]) / s->stride[0] + 1;
    c.out_width = (s->width + s->pad[1] + s->pad[3] - s->kernel[1]) / s->stride[1] + 1;
    for (int i = 0; i < 2; i++) {
        c.kernel[i] = s->kernel[i];
        c.stride[i] = s->stride[i];
        c.pad[i] = s->pad[i];
    }
    c.reflect = s->reflect;
    c.groups = s->groups;
    c.b = packs;
    c.e.out = out;
    c.e.out_stride = s->outputs;
    return c;
}

/* Sum over the taps of one output (integers: exact in double). */
static double reference(const shape *s, int64_t n, int64_t y, int64_t x, int64_t o, number kind)
{
    int64_t per_in = s->channels / s->groups, first = o / (s->outputs / s->groups) * per_in;
    int64_t f = s->upsample;
    double sum = 0;
    for (int64_t ky = 0; ky < s->kernel[0]; ky++) {
        for (int64_t kx = 0; kx < s->kernel[1]; kx++) {
            int64_t iy = reference_tap(y * s->stride[0] + ky - s->pad[0], s->height, s->reflect);
            int64_t ix = reference_tap(x * s->stride[1] + kx - s->pad[1], s->width, s->reflect);
            int64_t pixel = (n * (s->height / f) + iy / f) * (s->width / f) + ix / f;
            for (int64_t c = 0; c < per_in; c++) {
                int64_t at = pixel * s->channels + first + c;
                int64_t k = ((o * s->kernel[0] + ky) * s->kernel[1] + kx) * per_in + c;
                bool outside = iy < 0 || ix < 0;
                if (kind == INTEGERS) {
                    sum += (outside ? fill[first + c] : image8[at]) * weight8[k];
                } else if (!outside) {
                    sum += operand(image[at], kind == BF16) * operand(weight[k], kind == BF16);
                }
            }
        }
    }
    return sum;
}

/* Packs one of the rewrites where the tier has one; false: the shape is not for it. */
static bool pack_rewritten(prune_context *ctx, const pr_kernels *kernels, const shape *s,
                           number kind, pr_packed *packs)
{
    pr_conv c = describe(s, packs);
    if (kind == FLOATS) {
        const pr_pack_kind form = pr_pack_kind_f32(kernels, &c, s->outputs);
        if (!pr_winograd_tile(form)) return false;
        ck_ok(pr_pack_winograd_f32(packs, ctx, kernels, NULL, form, s->outputs, s->channels, weight,
                                   bias));
        return true;
    }
    const pr_pack_kind form = pr_pack_kind_for(kernels, &c, s->outputs);
    switch (form) {
    case PR_PACK_WINOGRAD2:
    case PR_PACK_WINOGRAD4:
    case PR_PACK_PHASES4:
        ck_ok(pr_pack_winograd(packs, ctx, kernels, NULL, form, s->outputs, s->channels, weight8,
                               scale, bias));
        return true;
    case PR_PACK_PHASES:
        ck_ok(pr_pack_phases(packs, ctx, kernels, NULL, s->outputs, s->channels, weight8, scale,
                             bias));
        return true;
    default:
        return false;
    }
}

/* What a room would have to hold is what was packed, but for alignment. */
static void check_bytes(const pr_kernels *kernels, const shape *s, number kind,
                        const pr_packed *packs)
{
    const pr_operands operands = kind == FLOATS ? PR_OPERANDS_F32 : PR_OPERANDS_I8;
    size_t bytes = 0;
    for (int i = 0; i < 4; i++) bytes += (packs[i].bytes + 63) / 64 * 64;
    ck_assert_uint_eq(bytes,
                      pr_pack_bytes(kernels, operands, packs->kind, s->outputs, s->channels));
}

static void check(prune_context *ctx, const pr_kernels *kernels, const shape *s, number kind,
                  bool rewritten)
{
    const bool integer = kind == INTEGERS;
    pr_packed packs[16] = {{0}};
    int64_t per_out = s->outputs / s->groups;
    int64_t k = s->kernel[0] * s->kernel[1] * s->channels / s->groups;
    /* Of sums of products of numbers in [-1, 1]. */
    const double tolerance = 2e-6 * sqrt((double)k);
    if (rewritten && !pack_rewritten(ctx, kernels, s, kind, packs)) return;
    if (rewritten) check_bytes(kernels, s, kind, packs);
    for (int64_t g = 0; g < s->groups && !rewritten; g++) {
        int64_t o = g * per_out;
        if (integer) {
            ck_ok(pr_pack_i8(&packs[g], ctx, kernels, NULL, per_out, k, weight8 + o * k, scale + o,
                             bias + o));
        } else {
            ck_ok((kind == BF16 ? pr_pack_bf16 : pr_pack_f32)(
                &packs[g], ctx, kernels, NULL, per_out, k, weight + o * k, bias + o));
        }
    }
    pr_conv c = describe(s, packs);
    c.image = integer ? (const void *)image8 : (const void *)image;
    c.fill = fill;
    void *scratch = aligned_alloc(64, pr_conv_scratch(ctx, kernels, &c, integer) / 64 * 64 + 64);
    if (integer) {
        pr_conv_i8(ctx, kernels, &c, scratch);
    } else {
        pr_conv_f32(ctx, kernels, &c, scratch);
    }
    int64_t at = 0;
    for (int64_t i = 0; i < s->batch * c.out_height * c.out_width; i++) {
        int64_t n = i / (c.out_height * c.out_width), y = i / c.out_width % c.out_height;
        for (int64_t o = 0; o < s->outputs; o++, at++) {
            double sum = reference(s, n, y, i % c.out_width, o, kind);
            if (integer) {
                float wanted = pr_dequantize_acc((int32_t)sum, scale[o], bias[o]);
                ck_assert_msg(memcmp(&wanted, &out[at], sizeof wanted) == 0,
                              "%s: output %lld: %g, wanted %g", kernels->name, (long long)at,
                              (double)out[at], (double)wanted);
            } else {
                ck_assert_double_eq_tol((double)out[at], sum + (double)bias[o], tolerance);
            }
        }
    }
    free(scratch);
    for (int64_t g = 0; g < 16; g++) pr_packed_free(ctx, &packs[g]);
}

START_TEST(every_shape_on_every_tier)
{
    const pr_kernels *list[TIERS];
    int count = tiers(list);
    prune_context *ctx = test_context(2);
    test_fill(image, MOST, 1);
    test_fill(weight, MOST, 2);
    test_fill(bias, 200, 3);
    test_fill(scale, 200, 4);
    fill_bytes(image8, MOST, 5);
    fill_bytes(weight8, MOST, 6);
    fill_bytes(fill, 256, 7);
    for (int t = 0; t < count; t++) {
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            check(ctx, list[t], &shapes[s], FLOATS, false);
            check(ctx, list[t], &shapes[s], FLOATS, true);
            check(ctx, list[t], &shapes[s], BF16, false);
            check(ctx, list[t], &shapes[s], INTEGERS, false);
            check(ctx, list[t], &shapes[s], INTEGERS, true);
        }
    }
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        check(ctx, halves_tier(), &shapes[s], BF16, false);
    prune_context_free(ctx);
}
END_TEST

/* As many channels as exact sums allow, with the largest values of both signs. */
START_TEST(largest_sums)
{
    const pr_kernels *list[TIERS];
    int count = tiers(list);
    prune_context *ctx = test_context(2);
    const shape most[] = {{1, 6, 7, 231, 8, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1, 1, false},
                          {1, 6, 8, 231, 8, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1, 2, false}};
    test_fill(bias, 200, 3);
    test_fill(scale, 200, 4);
    for (int sign = -1; sign <= 1; sign += 2) {
        memset(image8, 127, sizeof image8);
        memset(weight8, sign * 127, sizeof weight8);
        memset(fill, 127, sizeof fill);
        for (int t = 0; t < count; t++)
            for (size_t s = 0; s < sizeof most / sizeof *most; s++)
                check(ctx, list[t], &most[s], INTEGERS, true);
    }
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("kernels/conv", every_shape_on_every_tier, largest_sums)
