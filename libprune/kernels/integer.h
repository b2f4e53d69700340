/* What INT8 arithmetic means, scalar by scalar. The interpreter's exact mode calls these functions;
 * every vector kernel reproduces them bit for bit (tests/kernels/test_igemm.c):
 *
 *   quantize    q = clamp(rne(x * inv_scale) + zero, -127, 127)       x real, q integer
 *   accumulate  acc = sum_k q[k] * w[k]                               exact int32, any order
 *   epilogue    y = fma(float(acc), scale, bias)                      one rounding for the product
 *                                                                     and sum, one for float(acc)
 *   activation  none, relu: max(y, 0), leaky: y > 0 ? y : y * alpha   (others: a stated tolerance)
 *   residual    y + r
 *   requantize  = quantize, with the consumer's inv_scale and zero
 *
 * Attention in integers, for every head (attention_i8.c), tokens in chunks of PR_ATTENTION_KEYS:
 *
 *   q, k       s8, one scale per token, from its largest magnitude (pr_row_scale_from)
 *   v          s8, one scale per channel and chunk, likewise
 *   scores     s = (float(acc) * k_scale) * (q_scale * scale * log2 e)     acc exact int32
 *   weights    p = rne(2^(s - m) * 32767), m the largest score so far, rounded up: 15 bits, to one
 *              unit
 *   out        sum over chunks of float(acc) * v_scale, acc = sum p * v exact int32; earlier
 *              chunks' sums (and those of p) shrink by 2^(m' - m) when m grows; divided by sum p
 *
 * inv_scale is the float 1.0f / scale. The zero point of the input is not subtracted in the sum:
 * bias already holds - scale * sum_k zero[k] * w[k] (passes/integer.h), and padding writes the zero
 * point, so that it contributes nothing. With dynamic (per token) inputs scale is
 * row_scale * weight_scale[o], rounded to float before the fma. */
#ifndef PR_KERNELS_INTEGER_H
#define PR_KERNELS_INTEGER_H

#include <math.h>
#include <stdint.h>

/* Round to nearest even for |x| < 2^22: adding 1.5 * 2^23 leaves no bits for the fraction. The
 * callers have clamped x; the same two additions are what vector code does with an instruction. */
static inline float pr_round_even(float x)
{
    float shifted = x + 12582912.0f;
    return shifted - 12582912.0f;
}

/* The bounds are integers, so clamping before rounding equals clamping after it, and no
 * conversion can overflow. The comparisons are those of maxps/minps: a NaN gives -127. */
static inline int8_t pr_quantize_s8(float x, float inv_scale, int8_t zero)
{
    float low = (float)(-127 - (int)zero), high = (float)(127 - (int)zero);
    float v = x * inv_scale;
    v = v > low ? v : low;
    v = v < high ? v : high;
    return (int8_t)((int)pr_round_even(v) + (int)zero);
}

/* A row's dynamic scale from its largest magnitude: 127 steps cover it. Rows of (nearly) nothing
 * get scale 0, so that they quantize to 0 and contribute 0. */
typedef struct pr_row_scale {
    float scale, inv_scale;
} pr_row_scale;

static inline pr_row_scale pr_row_scale_from(float largest)
{
    pr_row_scale row = {0.0f, 0.0f};
    if (largest > 1e-30f) {
        row.scale = largest / 127.0f;
        row.inv_scale = 127.0f / largest;
    }
    return row;
}

static inline float pr_row_largest(const float *x, int64_t n)
{
    float largest = 0.0f;
    for (int64_t i = 0; i < n; i++) {
        float magnitude = fabsf(x[i]);
        largest = magnitude > largest ? magnitude : largest;
    }
    return largest;
}

static inline float pr_dequantize_acc(int32_t acc, float scale, float bias)
{
    return fmaf((float)acc, scale, bias);
}

#endif
