#include "eval/synth/ground.h"

/* Road coordinates of a point on the ground. */
typedef struct spot {
    float u, z;   /* right of the centre line, way along it */
    float behind; /* metres behind the kerb line; negative on the road */
    int32_t side;
} spot;

static spot locate(const synth_road *road, float x, float z)
{
    float slope = synth_road_slope(road, z), k = 1.0f / sqrtf(1.0f + slope * slope);
    spot s;
    s.u = (x - synth_road_centre(road, z)) * k;
    s.z = z + s.u * slope * k; /* foot of the perpendicular, first order */
    s.side = s.u > 0;
    s.behind = f_abs(s.u) - road->kerb[s.side];
    if (road->side_half[s.side] > 0) {
        float beside = f_abs(s.z - road->side_z[s.side]) - road->side_half[s.side];
        float round = 3.0f;
        if (s.behind < round && beside < round && s.behind > 0 && beside > 0) {
            float a = round - s.behind, b = round - beside;
            s.behind = round - sqrtf(a * a + b * b);
        } else if (beside < s.behind) {
            s.behind = beside;
        }
    }
    return s;
}

bool synth_ground_find(const synth_road *road, v3 origin, v3 direction, float far,
                       synth_ground_hit *hit)
{
    if (direction.y > -1e-6f) return false;
    float t0 = -origin.y / direction.y;
    float tr = (road->raised - origin.y) / direction.y;
    if (tr > far) return false;
    hit->normal = v3_make(0, 1, 0);
    hit->raised = hit->kerb = false;
    hit->t = t0;
    if (road->raised > 0) {
        v3 high = v3_along(origin, direction, tr);
        spot a = locate(road, high.x, high.z);
        if (a.behind > 0) {
            hit->t = tr, hit->raised = true, hit->point = high;
            return true;
        }
        if (a.behind > -0.2f - road->raised * 12.0f) { /* may run into the kerb's face */
            v3 low = v3_along(origin, direction, t0);
            spot b = locate(road, low.x, low.z);
            if (b.behind > 0) {
                hit->t = tr + (t0 - tr) * a.behind / (a.behind - b.behind);
                hit->kerb = true;
                v3 flat = v3_make(high.x - low.x, 0, high.z - low.z);
                float sign = b.side ? -1.0f : 1.0f, slope = synth_road_slope(road, low.z);
                float k = 1.0f / sqrtf(1.0f + slope * slope);
                hit->normal = v3_make(sign * k, 0, -sign * slope * k);
                if (v3_dot(hit->normal, flat) < 0) hit->normal = v3_unit(flat);
                hit->point = v3_along(origin, direction, hit->t);
                return true;
            }
        }
    }
    if (t0 > far) return false;
    hit->point = v3_along(origin, direction, t0);
    return true;
}

/* Cover of a dashed line: `on` metres painted of every `period`. */
static float dashes(float z, float on, float period, float along)
{
    int32_t cell;
    float at = f_cell(z, period, &cell) - on * 0.5f;
    if (at > period * 0.5f) at -= period;
    if (along > period) return on / period;
    return f_stripe(at, on * 0.5f, along);
}

/* Share of the pixel that is painted white. */
static float markings(const synth_road *road, const spot *s, float across, float along)
{
    float paint = 0, lane = road->lane, edge = (float)road->lanes[s->side] * lane;
    if (f_abs(s->u) > road->kerb[s->side] - 0.05f) return 0;
    if (road->zebra_z > 0 && f_abs(s->z - road->zebra_z) < 4.0f) {
        int32_t bar;
        float near = f_stripe(s->z - road->zebra_z, 1.6f, along);
        if (f_abs(s->u) > edge + 0.2f) return 0;
        return near * f_stripe(f_cell(s->u, 1.0f, &bar) - 0.5f, 0.25f, across);
    }
    if (road->side_half[s->side] > 0 &&
        f_abs(s->z - road->side_z[s->side]) < road->side_half[s->side] + 1.0f && f_abs(s->u) > lane)
        return 0;
    if (road->centre_line) paint += f_stripe(s->u, 0.07f, across) * dashes(s->z, 3.0f, 8.0f, along);
    for (int32_t i = 1; i < road->lanes[s->side]; i++)
        paint += f_stripe(f_abs(s->u) - (float)i * lane, 0.07f, across) *
                 dashes(s->z + 3.0f, 3.0f, 9.0f, along);
    if (road->edge_lines)
        paint += f_stripe(f_abs(s->u) - edge + 0.08f, 0.06f, across);
    else if (road->parking[s->side] > 0)
        paint += f_stripe(f_abs(s->u) - edge, 0.05f, across) * dashes(s->z, 1.0f, 2.0f, along);
    return f_min(paint, 1.0f);
}

/* A repaired rectangle of other asphalt, sealed cracks, a manhole cover: factor on the colour. */
static float damage(const synth_road *road, const synth_noise *noise, const spot *s, float foot)
{
    float k = 1.0f;
    int32_t cu, cz;
    float du = f_cell(s->u + 20.0f, 2.3f, &cu), dz = f_cell(s->z, 9.0f, &cz);
    uint32_t hash = rnd_cell(cu, cz, road->seed);
    if (rnd_float(hash) < 0.22f * road->wear) {
        float half = 0.4f + 0.6f * rnd_float(hash * 31u),
              deep = 1.0f + 3.0f * rnd_float(hash * 77u);
        float in = f_stripe(du - 1.15f, half, foot) * f_stripe(dz - 4.5f, deep, foot * 3.0f);
        k *= 1.0f + in * (rnd_float(hash * 131u) < 0.7f ? -0.28f : 0.15f);
    }
    if (rnd_float(hash * 17u) < 0.05f) {
        float a = du - 1.1f, b = dz - 4.0f, away = sqrtf(a * a + b * b);
        k *= 1.0f - 0.5f * (1.0f - f_step(0.28f, 0.34f + foot, away));
    }
    if (foot < 0.12f) {
        float wander = 0.8f * synth_noise_at(noise, s->z * 0.35f, (float)cu * 9.0f, 0.1f);
        float fine = f_abs(du - 1.15f - wander);
        k *= 1.0f - 0.4f * road->wear * f_stripe(fine, 0.012f, foot);
    }
    return k;
}

static v3 road_colour(const synth_road *road, const synth_noise *noise, const spot *s, float across,
                      float along, float *gloss)
{
    float foot = sqrtf(across * along);
    float grain = synth_noise_three(noise, s->u, s->z * 0.8f, foot, 3.0f) * 0.10f +
                  synth_noise_at(noise, s->u * 40.0f, s->z * 40.0f, foot * 40.0f) * 0.16f +
                  synth_noise_at(noise, s->u * 0.35f, s->z * 0.06f, 0.1f) * 0.10f;
    v3 c = v3_scale(road->asphalt, 1.0f + grain);
    int32_t lane;
    float track = f_abs(
        f_abs(f_cell(s->u + 40.0f * road->lane, road->lane, &lane) - road->lane * 0.5f) - 0.78f);
    c = v3_scale(c, 1.0f - 0.10f * (1.0f - f_step(0.1f, 0.45f, track)));
    c = v3_scale(c, damage(road, noise, s, foot));
    if (road->raised > 0) { /* gutter */
        float gutter = 1.0f - f_step(0.22f, 0.32f + across, -s->behind);
        c = v3_mix(c, v3_scale(road->paving, 0.75f), gutter * 0.6f);
    }
    float paint = markings(road, s, across, along);
    if (paint > 0) {
        float worn = 0.9f + 0.5f * synth_noise_two(noise, s->u * 2.0f, s->z, foot, 2.0f);
        c = v3_mix(c, v3_grey(0.72f), paint * f_clamp(worn - 0.3f * road->wear, 0.2f, 1.0f));
    }
    *gloss = 0.25f;
    return c;
}

static v3 paving_colour(const synth_road *road, const synth_noise *noise, const spot *s, v3 base,
                        float across, float along)
{
    float foot = sqrtf(across * along);
    float grain = synth_noise_three(noise, s->u, s->z, foot, 2.0f) * 0.16f;
    int32_t cu, cz;
    float size = (road->seed & 1) ? 0.5f : 0.3f;
    float du = f_cell(s->u, size, &cu),
          dz = f_cell(s->z + (float)(cu & 1) * size * 0.5f, size, &cz);
    float fade = 1.0f - f_step(0.1f, 0.5f, along);
    float slab = (rnd_float(rnd_cell(cu, cz, road->seed)) - 0.5f) * 0.16f * fade;
    float joint = f_max(f_stripe(du - 0.01f, 0.012f, across), f_stripe(dz - 0.01f, 0.012f, along));
    return v3_scale(base, (1.0f + grain + slab) * (1.0f - 0.4f * joint * fade));
}

static v3 grass_colour(const synth_road *road, const synth_noise *noise, const spot *s, float foot)
{
    float broad = synth_noise_two(noise, s->u, s->z, foot, 0.12f);
    float tufts = 0.5f * synth_noise_two(noise, s->u, s->z, foot, 1.5f) +
                  synth_noise_two(noise, s->u, s->z, foot, 14.0f);
    v3 c = v3_mix(road->grass, v3_make(.2f, .18f, .07f), f_clamp(0.2f + 0.6f * broad, 0, 0.8f));
    return v3_scale(c, 1.0f + 0.6f * tufts);
}

v3 synth_ground_colour(const synth_road *road, const synth_noise *noise,
                       const synth_ground_hit *hit, float across, float along, float *gloss)
{
    spot s = locate(road, hit->point.x, hit->point.z);
    float foot = sqrtf(across * along);
    *gloss = 0.05f;
    if (hit->kerb) {
        int32_t stone;
        float at = f_cell(s.z, 1.0f, &stone);
        float joint = f_stripe(at - 0.01f, 0.01f, along);
        return v3_scale(road->paving, 0.95f - 0.3f * joint);
    }
    if (s.behind <= 0 || (!hit->raised && road->raised > 0))
        return road_colour(road, noise, &s, across, along, gloss);
    v3 behind = road->behind_kind[s.side]
                    ? paving_colour(road, noise, &s, road->behind[s.side], across, along)
                    : grass_colour(road, noise, &s, foot);
    float edge = road->pavement[s.side] + 0.15f;
    float ragged = road->behind_kind[s.side]
                       ? 0.0f
                       : 0.12f * synth_noise_two(noise, s.u, s.z, foot, 1.5f) *
                             (road->raised > 0 ? 0.5f : 2.0f);
    float out = f_step(edge - 0.03f - across, edge + 0.03f + across, s.behind + ragged);
    if (out >= 1.0f) return behind;
    v3 paving =
        road->raised > 0
            ? paving_colour(road, noise, &s, road->paving, across, along)
            : v3_scale(road->paving, 1.0f + 0.35f * synth_noise_three(noise, s.u, s.z, foot, 6.0f));
    if (road->raised > 0) { /* kerb stones */
        float stone = 1.0f - f_step(0.15f - across * 0.5f, 0.17f + across * 0.5f, s.behind);
        paving = v3_mix(paving, v3_scale(road->paving, 1.15f), stone);
    }
    return v3_mix(paving, behind, out);
}
