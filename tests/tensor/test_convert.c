#include "libprune/tensor/tensor.h"
#include "tests/support/support.h"

#include <math.h>

static bool half_survives(uint16_t h)
{
    float wide = pr_f16_to_f32(h);
    bool nan = (h & 0x7fff) > 0x7c00;
    if ((isnan(wide) != 0) != nan) return false;
    return nan ? isnan(pr_f16_to_f32(pr_f32_to_f16(wide))) : pr_f32_to_f16(wide) == h;
}

static bool brain_half_survives(uint16_t h)
{
    float wide = pr_bf16_to_f32(h);
    if (isnan(wide)) return isnan(pr_bf16_to_f32(pr_f32_to_bf16(wide)));
    return pr_f32_to_bf16(wide) == h;
}

START_TEST(every_half_survives_the_way_through_float)
{
    for (uint32_t h = 0; h < 65536; h++)
        if (!half_survives((uint16_t)h) || !brain_half_survives((uint16_t)h))
            ck_abort_msg("half 0x%04x changed", h);
}
END_TEST

/* The nearest half of x by trying its neighbours; ties to the even one. */
static uint16_t nearest_half(float x)
{
    uint16_t best = 0;
    double smallest = INFINITY;
    for (uint32_t h = 0; h < 0x7c00; h++) {
        double d = fabs((double)pr_f16_to_f32((uint16_t)h) - (double)x);
        if (d < smallest || (d == smallest && (h & 1) == 0)) {
            smallest = d;
            best = (uint16_t)h;
        }
    }
    return best;
}

START_TEST(rounding_to_nearest_even)
{
    static const float values[] = {
        0x1p-25f,   0x1.000002p-25f, 0x1.8p-24f, 0x1p-14f, 0x1.ffcp-15f, 0x1.ffep-15f, 0x1.ffdp-15f,
        0x1.001p0f, 0x1.003p0f,      0.1f,       65503.9f, 3.14159265f,  1e-7f,        0x1.5p-20f};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        ck_assert_uint_eq(pr_f32_to_f16(values[i]), nearest_half(values[i]));
        ck_assert_uint_eq(pr_f32_to_f16(-values[i]), nearest_half(values[i]) | 0x8000);
    }
    ck_assert_uint_eq(pr_f32_to_f16(65519.996f), 0x7bff); /* last below the halfway point */
    ck_assert_uint_eq(pr_f32_to_f16(65520.0f), 0x7c00);
    ck_assert_uint_eq(pr_f32_to_f16(-INFINITY), 0xfc00);
    ck_assert_uint_eq(pr_f32_to_bf16(0x1.01p0f), 0x3f80); /* tie: even below */
    ck_assert_uint_eq(pr_f32_to_bf16(0x1.03p0f), 0x3f82); /* tie: even above */
    ck_assert_uint_eq(pr_f32_to_bf16(0x1.0100002p0f), 0x3f80 + (0x1.0100002p0f > 0x1.01p0f));
}
END_TEST

START_TEST(tensors)
{
    prune_context *ctx = test_context(2);
    pr_shape shape = pr_shape1(200000); /* enough for two pieces */
    pr_tensor f32, f16, back, f64, bf16;
    ck_ok(pr_tensor_create(&f32, ctx, PR_F32, &shape));
    test_fill(pr_f32(&f32), 200000, 3);
    ck_ok(pr_tensor_convert(&f16, ctx, &f32, PR_F16));
    ck_ok(pr_tensor_convert(&back, ctx, &f16, PR_F32));
    int wrong = 0;
    for (int i = 0; i < 200000; i++) {
        wrong += ((uint16_t *)f16.data)[i] != pr_f32_to_f16(pr_f32(&f32)[i]);
        wrong += !(fabsf(pr_f32(&back)[i] - pr_f32(&f32)[i]) <= 0x1p-12f);
    }
    ck_ok(pr_tensor_convert(&f64, ctx, &f16, PR_F64));
    ck_ok(pr_tensor_convert(&bf16, ctx, &f64, PR_BF16));
    for (int i = 0; i < 200000; i++)
        wrong += ((uint16_t *)bf16.data)[i] != pr_f32_to_bf16(pr_f32(&back)[i]);
    ck_assert_int_eq(wrong, 0);
    pr_tensor_release(&f32);
    pr_tensor_release(&f16);
    pr_tensor_release(&back);
    pr_tensor_release(&f64);
    pr_tensor_release(&bf16);
    prune_context_free(ctx);
}
END_TEST

START_TEST(integers)
{
    prune_context *ctx = test_context(1);
    static const int64_t wide[] = {-5, 0, 1LL << 24, -(1LL << 40)};
    static const int8_t narrow[] = {-128, -1, 0, 127};
    static const uint8_t truth[] = {0, 1, 2, 255};
    pr_tensor in = {PR_I64, pr_shape1(4), (void *)(uintptr_t)wide, NULL}, out;
    ck_ok(pr_tensor_convert(&out, ctx, &in, PR_F32));
    for (int i = 0; i < 4; i++) ck_assert(pr_f32(&out)[i] == (float)wide[i]);
    pr_tensor_release(&out);
    in = (pr_tensor){PR_I8, pr_shape1(4), (void *)(uintptr_t)narrow, NULL};
    ck_ok(pr_tensor_convert(&out, ctx, &in, PR_F32));
    for (int i = 0; i < 4; i++) ck_assert(pr_f32(&out)[i] == (float)narrow[i]);
    pr_tensor_release(&out);
    ck_fails(pr_tensor_convert(&out, ctx, &in, PR_F16), PRUNE_E_UNSUPPORTED, "I8 to F16");
    in = (pr_tensor){PR_BOOL, pr_shape1(4), (void *)(uintptr_t)truth, NULL};
    ck_ok(pr_tensor_convert(&out, ctx, &in, PR_F32));
    for (int i = 0; i < 4; i++) ck_assert(pr_f32(&out)[i] == (i ? 1 : 0));
    ck_fails(pr_tensor_convert(&in, ctx, &out, PR_I32), PRUNE_E_UNSUPPORTED, "F32 to I32");
    pr_tensor_release(&out);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("convert", every_half_survives_the_way_through_float, rounding_to_nearest_even, tensors,
          integers)
