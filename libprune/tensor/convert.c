/* Conversions between dtypes. Half formats: IEEE 754 binary16 and bfloat16. */
#include "libprune/kernels/bf16.h"
#include "libprune/tensor/tensor.h"

#include <string.h>

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Three ways to read the bits and no branches between them: loops over weights become vectors. */
static inline float widen_half(uint16_t half)
{
    const int32_t rest = (half & 0x7fff) << 13;
    const uint32_t normal = (uint32_t)rest + ((127 - 15) << 23);
    const uint32_t infinite = (uint32_t)rest + ((255 - 31) << 23);
    /* 2^-14 more than a zero or subnormal, whose unit is 2^-24: exact. */
    const uint32_t small = bits_of(float_of((uint32_t)rest + (113 << 23)) - 0x1p-14f);
    uint32_t bits = rest >= 0x7c00 << 13 ? infinite : normal;
    bits = rest < 0x0400 << 13 ? small : bits;
    return float_of((uint32_t)(half & 0x8000) << 16 | bits);
}

float pr_f16_to_f32(uint16_t half)
{
    return widen_half(half);
}

uint16_t pr_f32_to_f16(float value)
{
    uint32_t bits = bits_of(value);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) /* NaN stays one: keep the payload's top, set the quiet bit */
        return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
    if (magnitude >= 0x477ff000) return (uint16_t)(sign | 0x7c00); /* rounds to 65520 or above */
    if (magnitude < 0x38800000) {
        /* Below 2^-14 the half's unit is 2^-24; adding 0.5 puts that unit at the float's last bit,
         * so the addition itself rounds to nearest even. */
        float shifted = float_of(magnitude) + 0.5f;
        return (uint16_t)(sign | (bits_of(shifted) - bits_of(0.5f)));
    }
    uint32_t odd = magnitude >> 13 & 1;
    uint32_t rounded = magnitude - ((127 - 15) << 23) + 0xfff + odd;
    return (uint16_t)(sign | rounded >> 13);
}

float pr_bf16_to_f32(uint16_t bits)
{
    return pr_float_of_bf16(bits);
}

uint16_t pr_f32_to_bf16(float value)
{
    return pr_bf16_of(value);
}

typedef struct conversion {
    pr_dtype from, to;
    const void *source;
    void *target;
} conversion;

#define CONVERT(source_type, target_type, expression)                                              \
    do {                                                                                           \
        const source_type *from = c->source;                                                       \
        target_type *to = c->target;                                                               \
        for (int64_t i = begin; i < end; i++) {                                                    \
            const source_type x = from[i];                                                         \
            to[i] = (target_type)(expression);                                                     \
        }                                                                                          \
    } while (0)

static void to_f32(void *arg, int64_t begin, int64_t end, int lane)
{
    (void)lane;
    const conversion *c = arg;
    switch (c->from) {
    case PR_F32:
        CONVERT(float, float, x);
        break;
    case PR_F16:
        CONVERT(uint16_t, float, widen_half(x));
        break;
    case PR_BF16:
        CONVERT(uint16_t, float, pr_bf16_to_f32(x));
        break;
    case PR_F64:
        CONVERT(double, float, x);
        break;
    case PR_I8:
        CONVERT(int8_t, float, x);
        break;
    case PR_U8:
        CONVERT(uint8_t, float, x);
        break;
    case PR_BOOL:
        CONVERT(uint8_t, float, x != 0);
        break;
    case PR_I16:
        CONVERT(int16_t, float, x);
        break;
    case PR_U16:
        CONVERT(uint16_t, float, x);
        break;
    case PR_I32:
        CONVERT(int32_t, float, x);
        break;
    case PR_U32:
        CONVERT(uint32_t, float, x);
        break;
    case PR_I64:
        CONVERT(int64_t, float, x);
        break;
    case PR_U64:
        CONVERT(uint64_t, float, x);
        break;
    case PR_DTYPE_COUNT:
        break;
    }
}

static void from_f32(void *arg, int64_t begin, int64_t end, int lane)
{
    (void)lane;
    const conversion *c = arg;
    switch (c->to) {
    case PR_F16:
        CONVERT(float, uint16_t, pr_f32_to_f16(x));
        break;
    case PR_BF16:
        CONVERT(float, uint16_t, pr_f32_to_bf16(x));
        break;
    case PR_F64:
        CONVERT(float, double, x);
        break;
    default:
        break;
    }
}

static bool is_float(pr_dtype dtype)
{
    return dtype == PR_F32 || dtype == PR_F16 || dtype == PR_BF16 || dtype == PR_F64;
}

enum { GRAIN = 1 << 16 };

void pr_widen(prune_context *ctx, pr_dtype from, const uint16_t *source, float *target,
              int64_t count)
{
    conversion c = {from, PR_F32, source, target};
    pr_parallel(ctx, count, GRAIN, to_f32, &c);
}

prune_status pr_tensor_convert(pr_tensor *out, prune_context *ctx, const pr_tensor *tensor,
                               pr_dtype dtype)
{
    if (tensor->dtype == dtype) return pr_tensor_copy(out, ctx, tensor);
    if (!is_float(dtype) || (!is_float(tensor->dtype) && dtype != PR_F32))
        return pr_fail(PRUNE_E_UNSUPPORTED, "conversion from %s to %s is not defined",
                       pr_dtype_name(tensor->dtype), pr_dtype_name(dtype));
    pr_tensor result;
    PR_TRY(pr_tensor_create(&result, ctx, dtype, &tensor->shape));
    conversion c = {tensor->dtype, dtype, tensor->data, result.data};
    int64_t count = pr_tensor_count(tensor);
    if (dtype == PR_F32) {
        pr_parallel(ctx, count, GRAIN, to_f32, &c);
    } else if (tensor->dtype == PR_F32) {
        pr_parallel(ctx, count, GRAIN, from_f32, &c);
    } else {
        /* F16, BF16 and F64 among themselves go through F32, which holds both halves exactly. */
        pr_tensor middle;
        prune_status status = pr_tensor_convert(&middle, ctx, tensor, PR_F32);
        if (status != PRUNE_OK) {
            pr_tensor_release(&result);
            return status;
        }
        c.source = middle.data;
        pr_parallel(ctx, count, GRAIN, from_f32, &c);
        pr_tensor_release(&middle);
    }
    *out = result;
    return PRUNE_OK;
}
