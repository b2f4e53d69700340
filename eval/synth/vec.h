/* Small arithmetic for the renderer. Only + - * / and square roots are used on floats, which IEEE
 * 754 defines to the last bit, so that a seed gives the same picture on every machine. */
#ifndef EVAL_SYNTH_VEC_H
#define EVAL_SYNTH_VEC_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct v3 {
    float x, y, z;
} v3;

static inline v3 v3_make(float x, float y, float z)
{
    return (v3){x, y, z};
}

static inline v3 v3_add(v3 a, v3 b)
{
    return (v3){a.x + b.x, a.y + b.y, a.z + b.z};
}

static inline v3 v3_sub(v3 a, v3 b)
{
    return (v3){a.x - b.x, a.y - b.y, a.z - b.z};
}

static inline v3 v3_mul(v3 a, v3 b)
{
    return (v3){a.x * b.x, a.y * b.y, a.z * b.z};
}

static inline v3 v3_scale(v3 a, float k)
{
    return (v3){a.x * k, a.y * k, a.z * k};
}

/* a + b * k */
static inline v3 v3_along(v3 a, v3 b, float k)
{
    return (v3){a.x + b.x * k, a.y + b.y * k, a.z + b.z * k};
}

static inline float v3_dot(v3 a, v3 b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static inline v3 v3_cross(v3 a, v3 b)
{
    return (v3){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

static inline v3 v3_unit(v3 a)
{
    return v3_scale(a, 1.0f / sqrtf(v3_dot(a, a)));
}

static inline v3 v3_mix(v3 a, v3 b, float k)
{
    return (v3){a.x + (b.x - a.x) * k, a.y + (b.y - a.y) * k, a.z + (b.z - a.z) * k};
}

static inline v3 v3_grey(float k)
{
    return (v3){k, k, k};
}

static inline float f_min(float a, float b)
{
    return a < b ? a : b;
}

static inline float f_max(float a, float b)
{
    return a > b ? a : b;
}

static inline float f_abs(float a)
{
    return a < 0 ? -a : a;
}

static inline float f_clamp(float a, float low, float high)
{
    return a < low ? low : a > high ? high : a;
}

static inline float f_mix(float a, float b, float k)
{
    return a + (b - a) * k;
}

/* 0 below a, 1 above b, smooth between. */
static inline float f_step(float a, float b, float x)
{
    float k = f_clamp((x - a) / (b - a), 0.0f, 1.0f);
    return k * k * (3.0f - 2.0f * k);
}

/* Largest integer not above x, |x| < 2^31. */
static inline int32_t f_floor(float x)
{
    int32_t i = (int32_t)x;
    return i - ((float)i > x);
}

/* Position of x in a cell of this size, and the cell's number. */
static inline float f_cell(float x, float size, int32_t *cell)
{
    *cell = f_floor(x / size);
    return x - (float)*cell * size;
}

/* Share of a stripe of half width `half` around 0 that a pixel of this footprint sees when its
 * centre lies at distance x from the stripe's centre. */
static inline float f_stripe(float x, float half, float footprint)
{
    float foot = f_max(footprint, 0.004f);
    float low = f_max(f_abs(x) - foot * 0.5f, -half);
    float high = f_min(f_abs(x) + foot * 0.5f, half);
    return high > low ? (high - low) / foot : 0.0f;
}

/* Sine and cosine for |x| <= 8, error below 1e-5 (Taylor polynomials around 0 after folding). */
static inline void f_sincos(float x, float *sine, float *cosine)
{
    int32_t quarter = f_floor(x * 0.63661977f + 0.5f);
    float r = x - (float)quarter * 1.57079633f, r2 = r * r;
    float s = r * (1.0f - r2 * (0.16666667f - r2 * (0.0083333333f - r2 * 0.00019841270f)));
    float c = 1.0f - r2 * (0.5f - r2 * (0.041666667f - r2 * (0.0013888889f - r2 * 0.0000248016f)));
    switch (quarter & 3) {
    case 0:
        *sine = s, *cosine = c;
        break;
    case 1:
        *sine = c, *cosine = -s;
        break;
    case 2:
        *sine = -s, *cosine = -c;
        break;
    default:
        *sine = -c, *cosine = s;
        break;
    }
}

/* exp(-x) for x >= 0, error below 1e-4: (1 + x/16 + ...)^-16. */
static inline float f_decay(float x)
{
    float y = x * 0.0625f;
    float e = 1.0f / (1.0f + y * (1.0f + y * (0.5f + y * 0.16666667f)));
    e *= e, e *= e, e *= e;
    return e * e;
}

/* Random numbers (SplitMix64, Steele et al. 2014): stateless hash and stream. */
static inline uint64_t rnd_hash(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* A cheap 32-bit hash of two integers, for texture cells. */
static inline uint32_t rnd_cell(int32_t x, int32_t y, uint32_t seed)
{
    uint32_t h = (uint32_t)x * 0x85EBCA6Bu ^ (uint32_t)y * 0xC2B2AE35u ^ seed * 0x27D4EB2Fu;
    h = (h ^ (h >> 15)) * 0x2C1B3C6Du;
    h = (h ^ (h >> 12)) * 0x297A2D39u;
    return h ^ (h >> 15);
}

/* A hash as a float in [0, 1). */
static inline float rnd_float(uint32_t hash)
{
    return (float)(hash >> 8) * (1.0f / 16777216.0f);
}

/* C leaves the order of arguments open: draw at most once per expression. */
typedef struct rnd {
    uint64_t state;
} rnd;

static inline uint32_t rnd_u32(rnd *r)
{
    r->state += 0x9E3779B97F4A7C15u;
    return (uint32_t)(rnd_hash(r->state) >> 32);
}

static inline float rnd_unit(rnd *r)
{
    return rnd_float(rnd_u32(r));
}

static inline float rnd_range(rnd *r, float low, float high)
{
    return low + (high - low) * rnd_unit(r);
}

static inline int32_t rnd_below(rnd *r, int32_t n)
{
    return (int32_t)(((uint64_t)rnd_u32(r) * (uint32_t)n) >> 32);
}

static inline bool rnd_chance(rnd *r, float probability)
{
    return rnd_unit(r) < probability;
}

/* Bell-shaped around 0, deviation about 1, never beyond 3: the sum of four uniforms. */
static inline float rnd_bell(rnd *r)
{
    float sum = -2.0f;
    for (int i = 0; i < 4; i++) sum += rnd_unit(r);
    return sum * 1.7320508f;
}

#endif
