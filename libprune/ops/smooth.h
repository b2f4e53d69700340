/* Smooth functions without branches or calls, so that loops over them become vector code. */
#ifndef PR_OPS_SMOOTH_H
#define PR_OPS_SMOOTH_H

#include <stdint.h>
#include <string.h>

/* exp(x) = 2^i exp(r), r = x - i ln2 in [-ln2/2, ln2/2], Taylor to degree 6 (relative error 1e-7).
 * x is clamped to [-87, 88], so that 2^i is a normal number. */
static inline float pr_smooth_exp(float x)
{
    x = x < 88.0f ? x : 88.0f;
    x = x > -87.0f ? x : -87.0f;
    /* Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits. */
    float shifted = x * 1.44269504f + 12582912.0f;
    float i = shifted - 12582912.0f;
    float r = (x - i * 0.693359375f) + i * 2.12194440e-4f; /* ln2 in two parts */
    float p = 1.0f / 720.0f;
    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    int32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (int32_t)((uint32_t)(bits - 0x4B400000 + 127) << 23);
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

/* The normal distribution: density phi and Phi(x) = P(X < x). Abramowitz and Stegun 26.2.17,
 * absolute error 7.5e-8. */
static inline float pr_smooth_normal(float x, float *density)
{
    float t = x < 0.0f ? -x : x;
    float k = 1.0f / (1.0f + 0.2316419f * t);
    float p = 1.330274429f;
    p = p * k - 1.821255978f;
    p = p * k + 1.781477937f;
    p = p * k - 0.356563782f;
    p = p * k + 0.319381530f;
    *density = 0.39894228f * pr_smooth_exp(-0.5f * t * t);
    float tail = *density * p * k;
    return x < 0.0f ? tail : 1.0f - tail;
}

#endif
