#include "eval/synth/lidar.h"

/* Velodyne HDL-64E: beams 0..31 from +2 degrees in steps of 1/3, beams 32..63 from -8.83 in steps
 * of 1/2 degree. */
static float beam_elevation(float beam)
{
    float degrees = beam < 32.0f ? 2.0f - beam / 3.0f : -8.83f - (beam - 32.0f) * 0.5f;
    return degrees * 0.017453293f;
}

void synth_lidar_sample(const synth_camera *camera, const float *dense, int32_t width,
                        int32_t height, uint64_t seed, float *sparse)
{
    memset(sparse, 0, (size_t)width * (size_t)height * sizeof *sparse);
    rnd random = {rnd_hash(seed ^ 0x11DA12u)};
    rnd *r = &random;
    /* At 1242 pixels: every beam, 0.14 degrees from shot to shot. */
    float thin = f_max(1242.0f / (float)width, 1.0f), step = 0.0024f * thin;
    float phase = rnd_unit(r);
    for (float beam = 0.0f; beam < 64.0f; beam += thin) {
        float sine, cosine;
        f_sincos(beam_elevation(beam) + 0.0004f * rnd_bell(r), &sine, &cosine);
        for (float azimuth = -0.8f + phase * step; azimuth < 0.8f; azimuth += step) {
            float sa, ca;
            bool lost = rnd_chance(r, 0.08f);
            float luck = rnd_unit(r);
            f_sincos(azimuth, &sa, &ca);
            v3 d = v3_make(cosine * sa, sine, cosine * ca); /* camera axes */
            float x = camera->cx + camera->focal * d.x / d.z;
            float y = camera->cy - camera->focal * d.y / d.z;
            int32_t column = f_floor(x + 0.5f), row = f_floor(y + 0.5f);
            if (column < 0 || row < 0 || column >= width || row >= height) continue;
            int64_t at = (int64_t)row * width + column;
            /* Far surfaces return less often. */
            if (lost || dense[at] <= 0 || luck < dense[at] * dense[at] * (0.5f / 6400.0f)) continue;
            sparse[at] = dense[at];
        }
    }
}
