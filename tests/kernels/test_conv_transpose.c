#include "tests/kernels/halves.h"

enum { MOST = 20000, KH = 2, KW = 3, H = 3, W = 5 };
static float image[MOST], weight[MOST], bias[64], scale[64], out[MOST], row_scale[64];
static int8_t image8[MOST], weight8[MOST];

/* Every tap of every pixel against its plain dot product; integers bit for bit. */
static void check(prune_context *ctx, const pr_kernels *kernels, int64_t channels, int64_t outputs,
                  bool integer, bool bf16)
{
    pr_packed packs[KH * KW];
    pr_conv_transpose t = {.batch = 2, .height = H, .width = W, .channels = channels};
    for (int64_t tap = 0; tap < KH * KW; tap++) {
        int64_t at = tap * outputs * channels;
        if (integer) {
            ck_ok(pr_pack_i8(&packs[tap], ctx, kernels, NULL, outputs, channels, weight8 + at,
                             scale, bias));
        } else {
            ck_ok((bf16 ? pr_pack_bf16 : pr_pack_f32)(&packs[tap], ctx, kernels, NULL, outputs,
                                                      channels, weight + at, bias));
        }
    }
    t.kernel[0] = KH;
    t.kernel[1] = KW;
    t.image = integer ? (const void *)image8 : (const void *)image;
    t.b = packs;
    t.e = (pr_epilogue){.act = PR_ACT_RELU, .out = out, .out_stride = outputs};
    t.e.row_scale = integer ? row_scale : NULL;
    void *scratch = aligned_alloc(64, pr_conv_transpose_scratch(ctx, kernels, &t));
    pr_conv_transpose_run(ctx, kernels, &t, integer, scratch);
    for (int64_t i = 0; i < 2 * H * KH * W * KW; i++) {
        int64_t y = i / (W * KW), x = i % (W * KW), pixel = y / KH * W + x / KW;
        const int64_t tap = y % KH * KW + x % KW;
        for (int64_t o = 0; o < outputs; o++) {
            double sum = 0;
            for (int64_t c = 0; c < channels; c++) {
                int64_t k = (tap * outputs + o) * channels + c, from = pixel * channels + c;
                sum += integer ? (double)(image8[from] * weight8[k])
                               : operand(image[from], bf16) * operand(weight[k], bf16);
            }
            if (integer) {
                float s = row_scale[pixel] * scale[o];
                float wanted = pr_dequantize_acc((int32_t)sum, s, bias[o]);
                ck_assert_float_eq(out[i * outputs + o], wanted > 0.0f ? wanted : 0.0f);
            } else {
                double wanted = fmax(sum + (double)bias[o], 0);
                ck_assert_double_eq_tol((double)out[i * outputs + o], wanted, 2e-5);
            }
        }
    }
    free(scratch);
    for (int tap = 0; tap < KH * KW; tap++) pr_packed_free(ctx, &packs[tap]);
}

START_TEST(every_tap_on_every_tier)
{
    const pr_kernels *list[TIERS];
    int count = tiers(list);
    prune_context *ctx = test_context(2);
    test_fill(image, MOST, 1);
    test_fill(weight, MOST, 2);
    test_fill(bias, 64, 3);
    test_fill(scale, 64, 4);
    test_fill(row_scale, 64, 5);
    fill_bytes(image8, MOST, 6);
    fill_bytes(weight8, MOST, 7);
    for (int t = 0; t < count; t++) {
        for (int kind = 0; kind < 3; kind++) {
            check(ctx, list[t], 8, 8, kind == 1, kind == 2);
            check(ctx, list[t], 19, 21, kind == 1, kind == 2);
            check(ctx, list[t], 3, 1, kind == 1, kind == 2);
        }
    }
    check(ctx, halves_tier(), 19, 21, false, true);
    check(ctx, halves_tier(), 33, 40, false, true);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("kernels/conv_transpose", every_tap_on_every_tier)
