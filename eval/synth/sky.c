#include "eval/synth/sky.h"

/* The skyline of trees and hills beyond everything that is drawn; false above it. */
static bool far_hills(const synth_light *light, const synth_noise *noise, v3 u, v3 *colour)
{
    float flat = u.x / f_max(f_abs(u.z), 0.05f) * 40.0f + light->cloud_x;
    float line = light->hills * (0.6f + 0.35f * synth_noise_two(noise, flat, 11.0f, 0.1f, 0.25f) +
                                 0.12f * synth_noise_at(noise, flat * 2.7f, 5.0f, 0.3f));
    if (u.y >= line) return false;
    float tufts = synth_noise_two(noise, flat * 3.0f, u.y * 400.0f, 0.4f, 1.0f);
    v3 c = v3_mul(v3_scale(light->hill_colour, 1.0f + 0.5f * tufts),
                  v3_along(light->ambient, light->sun, 0.35f));
    *colour = v3_mix(c, light->haze, 1.0f - f_decay(light->haze_rate * 220.0f));
    return true;
}

v3 synth_sky_light(const synth_light *light, const synth_noise *noise, v3 d)
{
    v3 u = v3_unit(d);
    v3 c;
    if (u.y < light->hills * 1.1f && far_hills(light, noise, u, &c)) return c;
    float up = f_max(u.y, 0.0f);
    c = v3_mix(light->horizon, light->zenith, 1.0f - f_decay(3.2f * up));
    float near_sun = f_max(v3_dot(u, light->sun_direction), 0.0f);
    float glow = near_sun * near_sun;
    glow *= glow, glow *= glow;
    c = v3_along(c, light->sun, 0.12f * glow + 0.9f * glow * glow * glow * glow);
    float k = 9.0f / (up + 0.12f);
    float x = u.x * k + light->cloud_x, z = u.z * k + light->cloud_z;
    float n = synth_noise_three(noise, x, z, 0.02f * k, 0.22f);
    float cover = f_step(0.55f - 1.1f * light->clouds, 0.95f - 0.9f * light->clouds, n + 0.1f);
    if (cover <= 0) return c;
    float lit = 0.85f + 0.3f * synth_noise_two(noise, x + 2.0f, z + 2.0f, 0.02f * k, 0.3f);
    v3 cloud = v3_scale(v3_along(v3_scale(light->horizon, 0.8f), light->sun, 0.1f), lit);
    return v3_mix(c, cloud, cover * 0.85f);
}

v3 synth_sky_mirrored(const synth_light *light, v3 d)
{
    float up = d.y / sqrtf(v3_dot(d, d));
    v3 around = v3_scale(v3_along(light->ambient, light->sun, 0.2f), 0.16f);
    v3 sky = v3_mix(light->horizon, light->zenith, 1.0f - f_decay(3.2f * f_max(up, 0.0f)));
    return v3_mix(around, sky, f_step(-0.02f, 0.3f, up));
}
