#include "eval/synth/noise.h"

void synth_noise_build(synth_noise *noise)
{
    for (int32_t i = 0; i < NOISE_SIZE * NOISE_SIZE; i++)
        noise->texels[i] = (uint8_t)(rnd_cell(i, 77, 1) >> 24);
    noise->start[0] = 0;
    for (int32_t level = 1; level < NOISE_LEVELS; level++) {
        int32_t size = NOISE_SIZE >> level;
        noise->start[level] = noise->start[level - 1] + 4 * size * size;
        const uint8_t *fine = noise->texels + noise->start[level - 1];
        uint8_t *coarse = noise->texels + noise->start[level];
        for (int32_t y = 0; y < size; y++) {
            for (int32_t x = 0; x < size; x++) {
                const uint8_t *p = fine + 4 * y * size + 2 * x;
                coarse[y * size + x] = (uint8_t)((p[0] + p[1] + p[2 * size] + p[2 * size + 1]) / 4);
            }
        }
    }
}

float synth_noise_at(const synth_noise *noise, float x, float y, float footprint)
{
    /* 1 / 2^level, and the coarse texels' middles seen from the finest level. */
    static const float scale[NOISE_LEVELS] = {1.0f,      1.0f / 2,  1.0f / 4,  1.0f / 8,
                                              1.0f / 16, 1.0f / 32, 1.0f / 64, 1.0f / 128};
    int32_t level = 0;
    if (footprint > 1.4f) { /* level = 1 + floor(log2(footprint / 1.4)), from the exponent's bits */
        float ratio = footprint * (1.0f / 1.4f);
        uint32_t bits;
        memcpy(&bits, &ratio, sizeof bits);
        level = (int32_t)(bits >> 23) - 126;
        if (level > NOISE_LEVELS - 1) level = NOISE_LEVELS - 1;
        x = (x + 0.5f) * scale[level] - 0.5f;
        y = (y + 0.5f) * scale[level] - 0.5f;
    }
    int32_t shift = 7 - level, mask = (1 << shift) - 1;
    int32_t ix = f_floor(x), iy = f_floor(y);
    float fx = x - (float)ix, fy = y - (float)iy;
    const uint8_t *texels = noise->texels + noise->start[level];
    const uint8_t *row = texels + ((iy & mask) << shift);
    const uint8_t *next = texels + (((iy + 1) & mask) << shift);
    int32_t left = ix & mask, right = (ix + 1) & mask;
    float top = (float)row[left] + (float)(row[right] - row[left]) * fx;
    float bottom = (float)next[left] + (float)(next[right] - next[left]) * fx;
    return (top + (bottom - top) * fy) * (2.0f / 255.0f) - 1.0f;
}

float synth_noise_two(const synth_noise *noise, float x, float y, float footprint, float f)
{
    return 0.6667f * synth_noise_at(noise, x * f, y * f, footprint * f) +
           0.3333f * synth_noise_at(noise, x * f * 4.1f + 31.0f, y * f * 4.1f + 7.0f,
                                    footprint * f * 4.1f);
}

float synth_noise_three(const synth_noise *noise, float x, float y, float footprint, float f)
{
    return 0.85f * synth_noise_two(noise, x, y, footprint, f) +
           0.15f * synth_noise_at(noise, x * f * 17.0f + 3.0f, y * f * 17.0f + 57.0f,
                                  footprint * f * 17.0f);
}
