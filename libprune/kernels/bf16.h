/* What BF16 arithmetic means: both operands of a product are rounded to bfloat16 (the upper half of
 * a float: 8 exponent and 7 fraction bits), sums are FP32 in any order. Rounding is to the nearest,
 * ties to even; a NaN stays one. Every vector kernel that rounds reproduces this bit for bit,
 * except that AMX and AVX512-BF16 treat subnormal numbers as zero. */
#ifndef PR_KERNELS_BF16_H
#define PR_KERNELS_BF16_H

#include <stdint.h>
#include <string.h>

static inline uint16_t pr_bf16_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float pr_float_of_bf16(uint16_t half)
{
    const uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
