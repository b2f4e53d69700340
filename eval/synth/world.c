#include "eval/synth/world.h"

#include "eval/synth/models.h"

/* What kind of district a street lies in decides what stands beside it. */
typedef enum district { DISTRICT_CITY, DISTRICT_SUBURB, DISTRICT_COUNTRY, DISTRICTS } district;

typedef struct plan {
    synth_world *world;
    rnd random;
    district kind;
    int32_t frame;
    float speed;    /* of the ego vehicle, metres per frame */
    float ego_u;    /* its lateral position */
    float start;    /* its z in frame 0 */
    bool trees_row; /* avenue */
} plan;

/* The place at lateral position u (right positive) and way z along the road. */
static synth_place place_at(const synth_road *road, float u, float z, float y, bool turned)
{
    float slope = synth_road_slope(road, z), k = 1.0f / sqrtf(1.0f + slope * slope);
    synth_place p = {synth_road_centre(road, z) + u * k, y, z - u * slope * k, k, slope * k};
    if (turned) p.cosine = -p.cosine, p.sine = -p.sine;
    return p;
}

/* Turns a place by 90 degrees, so that local z lies across the road. */
static synth_place across(synth_place p)
{
    synth_place q = p;
    q.cosine = -p.sine;
    q.sine = p.cosine;
    return q;
}

/* Turns a place by a small angle (radians). */
static synth_place askew(synth_place p, float angle)
{
    synth_place q = p;
    float s, c;
    f_sincos(angle, &s, &c);
    q.cosine = p.cosine * c - p.sine * s;
    q.sine = p.sine * c + p.cosine * s;
    return q;
}

static bool in_side_street(const synth_road *road, int side, float z, float margin)
{
    return road->side_half[side] > 0 &&
           f_abs(z - road->side_z[side]) < road->side_half[side] + margin;
}

static void build_road(plan *p)
{
    rnd *r = &p->random;
    synth_road *road = &p->world->road;
    bool country = p->kind == DISTRICT_COUNTRY;
    road->seed = rnd_u32(r);
    road->bend = rnd_chance(r, 0.45f) ? 0.0f : rnd_range(r, -0.006f, 0.006f);
    road->bend_start = rnd_range(r, -10.0f, 50.0f);
    road->lane = rnd_range(r, 2.9f, 3.7f);
    road->lanes[0] = country || rnd_chance(r, 0.75f) ? 1 : 2;
    road->lanes[1] = country || rnd_chance(r, 0.7f) ? 1 : 2;
    for (int side = 0; side < 2; side++) {
        bool park = !country && rnd_chance(r, p->kind == DISTRICT_CITY ? 0.7f : 0.5f);
        road->parking[side] = park ? rnd_range(r, 2.0f, 2.4f) : 0.0f;
        road->kerb[side] =
            (float)road->lanes[side] * road->lane + road->parking[side] + rnd_range(r, 0.1f, 0.5f);
        road->pavement[side] = country ? rnd_range(r, 0.3f, 0.9f) : rnd_range(r, 1.4f, 3.8f);
        road->behind_kind[side] = p->kind == DISTRICT_CITY && rnd_chance(r, 0.6f);
        bool open = rnd_chance(r, country ? 0.2f : 0.45f);
        road->side_z[side] = rnd_range(r, 12.0f, 70.0f);
        road->side_half[side] = open ? rnd_range(r, 2.8f, 4.5f) : 0.0f;
    }
    road->raised = country ? 0.0f : rnd_range(r, 0.08f, 0.15f);
    road->zebra_z = !country && rnd_chance(r, 0.2f) ? rnd_range(r, 15.0f, 50.0f) : -1.0f;
    road->centre_line = p->kind != DISTRICT_SUBURB || rnd_chance(r, 0.5f);
    road->edge_lines = country || rnd_chance(r, 0.3f);
    road->wear = rnd_unit(r);
    float tone = rnd_range(r, 0.1f, 0.24f);
    road->asphalt = v3_grey(tone);
    road->asphalt.y *= rnd_range(r, .97f, 1.0f);
    road->asphalt.z *= rnd_range(r, .93f, 1.03f);
    tone = rnd_range(r, 0.22f, 0.4f);
    road->paving = v3_grey(tone);
    road->paving.y *= rnd_range(r, 0.88f, 0.99f);
    road->paving.z *= rnd_range(r, 0.8f, 0.98f);
    if (country) road->paving = v3_make(.26f, .23f, .18f);
    v3 lush = v3_make(.07f, .125f, .028f), dry = v3_make(.24f, .2f, .09f);
    float ripe = rnd_unit(r);
    ripe *= rnd_unit(r);
    road->grass = v3_mix(lush, dry, ripe);
    for (int side = 0; side < 2; side++) road->behind[side] = v3_scale(road->paving, 0.85f);
}

static void build_light(plan *p)
{
    rnd *r = &p->random;
    synth_light *light = &p->world->light;
    float height = rnd_range(r, 0.4f, 1.15f), azimuth = rnd_range(r, -3.14f, 3.14f);
    float sh, ch, sa, ca;
    f_sincos(height, &sh, &ch);
    f_sincos(azimuth, &sa, &ca);
    light->sun_direction = v3_make(ch * sa, sh, ch * ca);
    float overcast = rnd_chance(r, 0.3f) ? rnd_range(r, 0.75f, 1.0f) : rnd_range(r, 0.0f, 0.35f);
    v3 warm =
        v3_mix(v3_make(1.0f, .86f, .66f), v3_make(1.0f, .97f, .92f), f_step(.3f, .9f, height));
    light->sun = v3_scale(warm, 3.3f * (1.0f - overcast));
    light->ambient = v3_mix(v3_make(.34f, .40f, .52f), v3_make(1.05f, 1.08f, 1.12f), overcast);
    light->zenith = v3_mix(v3_make(.3f, .55f, 1.05f), v3_make(.9f, .94f, 1.0f), overcast);
    light->horizon = v3_mix(v3_make(1.6f, 1.75f, 1.95f), v3_make(1.7f, 1.73f, 1.78f), overcast);
    light->haze = v3_mix(v3_scale(light->horizon, 0.6f), v3_make(.7f, .76f, .84f), 0.5f);
    light->haze_rate =
        rnd_chance(r, 0.1f) ? rnd_range(r, .004f, .009f) : rnd_range(r, .0007f, .004f);
    light->clouds = f_clamp(overcast * 0.6f + rnd_range(r, 0.1f, 0.55f), 0, 1);
    light->cloud_x = rnd_range(r, 0, 128.0f);
    light->cloud_z = rnd_range(r, 0, 128.0f);
    light->exposure = rnd_range(r, 0.62f, 1.15f);
    light->vignette = rnd_range(r, 0.0f, 0.3f);
    light->noise = rnd_range(r, 0.6f, 3.2f);
    light->blur = rnd_range(r, 0.0f, 0.09f);
    light->tint = v3_grey(1.0f);
    light->tint.x = rnd_range(r, .93f, 1.07f);
    light->tint.z = rnd_range(r, .93f, 1.07f);
    light->hills = rnd_range(r, 0.015f, 0.11f);
    light->hill_colour = v3_scale(v3_make(.06f, .09f, .05f), rnd_range(r, 0.8f, 1.8f));
}

static void build_camera(plan *p, int32_t width, int32_t height)
{
    rnd *r = &p->random;
    synth_camera *camera = &p->world->camera;
    const synth_road *road = &p->world->road;
    float tall = 1.65f + 0.03f * rnd_bell(r), pitch = 0.008f * rnd_bell(r),
          roll = 0.005f * rnd_bell(r);
    float yaw = 0.015f * rnd_bell(r), drift = rnd_range(r, -0.25f, 0.25f);
    float z = p->start + p->speed * (float)p->frame;
    /* The car nods and sways a little from frame to frame. */
    rnd shake = {rnd_hash(p->world->seed ^ ((uint64_t)(uint32_t)p->frame << 20))};
    pitch += 0.0025f * rnd_bell(&shake);
    roll += 0.0015f * rnd_bell(&shake);
    tall += 0.006f * rnd_bell(&shake);
    synth_place at = place_at(road, p->ego_u + drift, z, 0, false);
    float sy, cy, sp, cp, sr, cr;
    f_sincos(yaw + 0.002f * rnd_bell(&shake), &sy, &cy);
    f_sincos(pitch, &sp, &cp);
    f_sincos(roll, &sr, &cr);
    float sine = at.sine * cy + at.cosine * sy, cosine = at.cosine * cy - at.sine * sy;
    v3 ahead = v3_make(sine * cp, sp, cosine * cp), flat = v3_make(cosine, 0, -sine);
    v3 up = v3_cross(ahead, flat); /* x right, y up, z ahead is left-handed: up = ahead x right */
    camera->ahead = ahead;
    camera->right = v3_along(v3_scale(flat, cr), up, sr);
    camera->up = v3_along(v3_scale(up, cr), flat, -sr);
    camera->origin = v3_make(at.x, tall, at.z);
    /* KITTI, camera 2 rectified: 721.5 pixels, principal point (609.56, 172.85) at 1242 x 375. */
    float scale = (float)width / 1242.0f;
    camera->focal = 721.5377f * scale;
    camera->cx = (609.5593f + 0.5f) * scale - 0.5f;
    camera->cy = (172.854f + 0.5f) / 375.0f * (float)height - 0.5f;
}

static void place_traffic(plan *p)
{
    rnd *r = &p->random;
    const synth_road *road = &p->world->road;
    float busy = rnd_unit(r);
    for (int side = 0; side < 2; side++) {
        for (int32_t lane = 0; lane < road->lanes[side]; lane++) {
            float u = ((float)lane + 0.5f) * road->lane * (side ? 1.0f : -1.0f);
            bool ego = side == 1 && f_abs(u - p->ego_u) < 0.1f;
            float speed = side ? p->speed * rnd_range(r, 0.9f, 1.15f) : -rnd_range(r, 0.4f, 1.3f);
            float z = p->start + (ego ? rnd_range(r, 8.0f, 45.0f) : rnd_range(r, -6.0f, 30.0f));
            if (side == 0) z += 12.0f;
            while (z < 150.0f) {
                if (rnd_chance(r, 0.25f + 0.6f * busy)) {
                    float pick = rnd_unit(r);
                    synth_car_kind kind = pick < 0.86f   ? (synth_car_kind)rnd_below(r, CAR_VAN)
                                          : pick < 0.92f ? CAR_VAN
                                          : pick < 0.97f ? CAR_TRUCK
                                                         : CAR_BUS;
                    float at = z + speed * (float)p->frame;
                    synth_place place =
                        place_at(road, u + rnd_range(r, -0.2f, 0.2f), at, 0, side == 0);
                    (void)synth_add_car(p->world, r, place, kind);
                    if (kind >= CAR_TRUCK) z += 7.0f;
                }
                z += rnd_range(r, 7.5f, 12.0f);
                z += (1.0f - busy) * rnd_range(r, 0.0f, 40.0f);
            }
        }
    }
}

static void place_parked(plan *p, int side)
{
    rnd *r = &p->random;
    const synth_road *road = &p->world->road;
    if (road->parking[side] <= 0) return;
    float full = rnd_range(r, 0.3f, 0.95f), sign = side ? 1.0f : -1.0f;
    float u = sign * (road->kerb[side] - road->parking[side] * 0.5f);
    bool against = rnd_chance(r, 0.15f);
    for (float z = rnd_range(r, -6.0f, 0.0f); z < 130.0f; z += rnd_range(r, 5.3f, 6.6f)) {
        if (in_side_street(road, side, z, 4.5f) || !rnd_chance(r, full)) continue;
        if (road->zebra_z > 0 && f_abs(z - road->zebra_z) < 6.0f) continue;
        synth_car_kind kind = rnd_chance(r, 0.9f) ? (synth_car_kind)rnd_below(r, CAR_VAN) : CAR_VAN;
        bool wrong = against && rnd_chance(r, 0.5f);
        synth_place place =
            place_at(road, u + rnd_range(r, -0.12f, 0.12f), z, 0, (side == 0) != wrong);
        (void)synth_add_car(p->world, r, askew(place, rnd_range(r, -0.03f, 0.03f)), kind);
    }
}

static void place_furniture(plan *p, int side)
{
    rnd *r = &p->random;
    const synth_road *road = &p->world->road;
    float sign = side ? 1.0f : -1.0f, y = road->raised, kerb = road->kerb[side];
    bool country = p->kind == DISTRICT_COUNTRY;
    float gap = rnd_range(r, 22.0f, 38.0f),
          arm = rnd_chance(r, 0.7f) ? rnd_range(r, 0.8f, 2.4f) : 0;
    float tall = rnd_range(r, 5.0f, 9.5f);
    for (float z = rnd_range(r, -3.0f, gap); z < 150.0f && !(country && side); z += gap) {
        /* The arm points to local -x: turn the pole on the left side of the road. */
        if (in_side_street(road, side, z, 1.0f)) continue;
        (void)synth_add_pole(p->world, r, place_at(road, sign * (kerb + 0.45f), z, y, !side), tall,
                             arm);
    }
    for (float z = rnd_range(r, 6.0f, 40.0f); z < 120.0f; z += rnd_range(r, 15.0f, 60.0f)) {
        float u = kerb + rnd_range(r, .4f, .9f), angle = rnd_range(r, -0.2f, 0.2f);
        bool away = rnd_chance(r, 0.3f);
        if (!in_side_street(road, side, z, 0.5f))
            (void)synth_add_sign(p->world, r, askew(place_at(road, sign * u, z, y, away), angle));
    }
    if (!country && (road->side_half[side] > 0 || road->zebra_z > 0) && rnd_chance(r, 0.4f)) {
        float z = road->side_half[side] > 0 ? road->side_z[side] - road->side_half[side] - 1.0f
                                            : road->zebra_z;
        (void)synth_add_traffic_light(p->world, r,
                                      place_at(road, sign * (kerb + 0.5f), z, y, false));
    }
    if (country) return;
    for (float z = rnd_range(r, 0.0f, 12.0f); z < 80.0f; z += rnd_range(r, 5.0f, 40.0f))
        if (!in_side_street(road, side, z, 0.5f) && rnd_chance(r, 0.4f))
            (void)synth_add_clutter(
                p->world, r,
                place_at(road, sign * (kerb + road->pavement[side] - 0.4f), z, y, false));
}

static void place_people(plan *p, int side)
{
    rnd *r = &p->random;
    const synth_road *road = &p->world->road;
    float chance = p->kind == DISTRICT_CITY ? 0.75f : p->kind == DISTRICT_SUBURB ? 0.35f : 0.04f;
    for (float z = rnd_range(r, 4.0f, 14.0f); z < 90.0f; z += rnd_range(r, 3.0f, 18.0f)) {
        bool turned = rnd_chance(r, 0.5f), there = rnd_chance(r, chance);
        float step = rnd_range(r, 0.0f, 0.14f),
              u = rnd_range(r, 0.7f, f_max(road->pavement[side], 1.1f));
        float phase = rnd_range(r, -0.5f, 0.5f);
        if (!there) continue;
        float at = z + (turned ? -step : step) * (float)p->frame;
        float y = in_side_street(road, side, at, 0.5f) ? 0.0f : road->raised;
        (void)synth_add_person(
            p->world, r,
            place_at(road, (side ? 1.0f : -1.0f) * (road->kerb[side] + u), at, y, turned),
            step > 0.04f ? phase : 0.0f);
    }
    if (road->zebra_z > 0 && side == 0)
        for (int i = rnd_below(r, 4); i > 0; i--) {
            float u = rnd_range(r, -road->kerb[0], road->kerb[1]) + 0.12f * (float)p->frame;
            (void)synth_add_person(
                p->world, r,
                across(place_at(road, u, road->zebra_z + rnd_range(r, -1.2f, 1.2f), 0, false)),
                0.4f);
        }
}

static void place_trees(plan *p, int side)
{
    rnd *r = &p->random;
    const synth_road *road = &p->world->road;
    float sign = side ? 1.0f : -1.0f, y = road->raised;
    float edge = road->kerb[side] + road->pavement[side];
    if (p->trees_row && rnd_chance(r, 0.8f)) {
        float gap = rnd_range(r, 7.0f, 15.0f),
              u = p->kind == DISTRICT_COUNTRY ? edge + 1.0f : road->kerb[side] + 0.8f;
        float tall = rnd_range(r, 5.0f, 11.0f);
        for (float z = rnd_range(r, -4.0f, gap); z < 160.0f; z += gap * rnd_range(r, 0.9f, 1.1f))
            if (!in_side_street(road, side, z, 2.5f) && rnd_chance(r, 0.85f))
                (void)synth_add_tree(p->world, r, place_at(road, sign * u, z, y, false),
                                     tall * rnd_range(r, 0.8f, 1.2f));
    }
    int32_t loose = p->kind == DISTRICT_COUNTRY ? 14 + rnd_below(r, 20) : 4 + rnd_below(r, 8);
    for (int32_t i = 0; i < loose; i++) {
        float z = rnd_range(r, 0.0f, 170.0f), u = edge + rnd_range(r, 1.5f, 30.0f);
        float tall = rnd_range(r, 3.5f, 13.0f);
        if (p->kind == DISTRICT_CITY) u = edge + rnd_range(r, 16.0f, 40.0f);
        if (!in_side_street(road, side, z, 3.0f))
            (void)synth_add_tree(p->world, r, place_at(road, sign * u, z, y, false), tall);
    }
    if (p->kind != DISTRICT_CITY && rnd_chance(r, 0.75f)) { /* edge of a wood, with undergrowth */
        float near = p->kind == DISTRICT_COUNTRY ? 3.0f : 24.0f;
        float from = rnd_range(r, -5.0f, 40.0f), u = edge + near + rnd_range(r, 0.0f, 22.0f);
        for (float z = from; z < 175.0f; z += rnd_range(r, 2.5f, 5.5f)) {
            float away = u + rnd_range(r, 0, 5.0f), tall = rnd_range(r, 6.0f, 14.0f);
            if (in_side_street(road, side, z, 2.5f)) continue;
            (void)synth_add_tree(p->world, r, place_at(road, sign * away, z, y, false), tall);
            if (rnd_chance(r, 0.4f))
                (void)synth_add_bush(p->world, r,
                                     place_at(road, sign * (u - 1.0f), z + 1.2f, y, false),
                                     rnd_range(r, 0.7f, 2.0f));
        }
    }
}

static void place_barriers(plan *p, int side)
{
    static const synth_material materials[4] = {MATERIAL_HEDGE, MATERIAL_FENCE, MATERIAL_BRICK,
                                                MATERIAL_METAL};
    int32_t choice = p->kind == DISTRICT_COUNTRY ? 4 : 3;
    rnd *r = &p->random;
    const synth_road *road = &p->world->road;
    float sign = side ? 1.0f : -1.0f, u = road->kerb[side] + road->pavement[side] + 0.5f;
    float chance = p->kind == DISTRICT_SUBURB ? 0.75f : 0.25f;
    synth_material material = materials[rnd_below(r, choice)];
    for (float z = -8.0f; z < 140.0f;) {
        float length = rnd_range(r, 5.0f, 14.0f), height = rnd_range(r, 0.8f, 2.0f);
        float middle = z + length * 0.5f;
        if (rnd_chance(r, 0.3f)) material = materials[rnd_below(r, choice)];
        if (rnd_chance(r, chance) && !in_side_street(road, side, middle, length * 0.5f + 1.0f))
            (void)synth_add_barrier(p->world, r,
                                    place_at(road, sign * u, middle, road->raised, false),
                                    length - 0.6f, height, material);
        else if (p->kind != DISTRICT_CITY && rnd_chance(r, 0.5f)) {
            float away = u + rnd_range(r, 0.6f, 3.0f), radius = rnd_range(r, 0.5f, 1.4f);
            (void)synth_add_bush(p->world, r,
                                 place_at(road, sign * away, middle, road->raised, false), radius);
        }
        z += length + (rnd_chance(r, 0.3f) ? rnd_range(r, 1.0f, 6.0f) : 0);
    }
}

/* A row of buildings at `back` metres behind the pavement. */
static void place_row(plan *p, int side, float back, float chance, bool tall)
{
    rnd *r = &p->random;
    const synth_road *road = &p->world->road;
    float sign = side ? 1.0f : -1.0f, edge = road->kerb[side] + road->pavement[side];
    bool city = p->kind == DISTRICT_CITY;
    for (float z = rnd_range(r, -18.0f, -8.0f); z < 170.0f;) {
        float wide = city ? rnd_range(r, 9.0f, 24.0f) : rnd_range(r, 8.0f, 14.0f);
        float deep = rnd_range(r, 8.0f, 13.0f);
        float eaves = city ? rnd_range(r, 6.5f, 17.0f) : rnd_range(r, 3.2f, 7.0f);
        if (tall) eaves += rnd_range(r, 3.0f, 9.0f);
        float u = edge + back + (city ? 0 : rnd_range(r, 0, 3.0f)) + deep * 0.5f;
        bool flat = rnd_chance(r, city ? 0.5f : 0.15f), there = rnd_chance(r, chance);
        float middle = z + wide * 0.5f;
        if (there && !in_side_street(road, side, middle, wide * 0.5f + 1.0f))
            (void)synth_add_building(p->world, r,
                                     place_at(road, sign * u, middle, road->raised, side == 0),
                                     deep, wide, eaves, flat);
        z += wide + (city && rnd_chance(r, 0.75f) ? 0.05f : rnd_range(r, 2.0f, 9.0f));
    }
}

static void place_buildings(plan *p, int side)
{
    rnd *r = &p->random;
    switch (p->kind) {
    case DISTRICT_CITY:
        place_row(p, side, rnd_range(r, 0.0f, 3.0f), 0.92f, false);
        if (rnd_chance(r, 0.6f)) place_row(p, side, 26.0f, 0.5f, true);
        break;
    case DISTRICT_SUBURB:
        place_row(p, side, rnd_range(r, 3.0f, 8.0f), 0.8f, false);
        place_row(p, side, 26.0f, 0.5f, false);
        break;
    default:
        place_row(p, side, rnd_range(r, 10.0f, 25.0f), 0.15f, false);
        break;
    }
}

/* What the side streets show: cars that wait, and a house at their end. */
static void place_side_street(plan *p, int side)
{
    rnd *r = &p->random;
    const synth_road *road = &p->world->road;
    float sign = side ? 1.0f : -1.0f, z = road->side_z[side];
    if (road->side_half[side] <= 0) return;
    if (rnd_chance(r, 0.5f)) {
        synth_place at = place_at(road, sign * (road->kerb[side] + rnd_range(r, 3.0f, 8.0f)),
                                  z - sign * road->side_half[side] * 0.5f, 0, side == 1);
        (void)synth_add_car(p->world, r, across(at), (synth_car_kind)rnd_below(r, CAR_VAN));
    }
    float u = road->kerb[side] + rnd_range(r, 35.0f, 60.0f);
    float wide = rnd_range(r, 12.0f, 20.0f), eaves = rnd_range(r, 5.0f, 12.0f);
    (void)synth_add_building(p->world, r, place_at(road, sign * u, z, road->raised, side == 0),
                             10.0f, wide, eaves, false);
}

void synth_world_build(synth_world *world, uint64_t seed, uint64_t drive, int32_t frame,
                       int32_t width, int32_t height)
{
    plan p = {.world = world, .frame = frame};
    world->seed = rnd_hash(rnd_hash(seed) ^ (drive * 0xD1B54A32D192ED03u));
    world->objects = world->prims = 0;
    p.random.state = world->seed;
    rnd *r = &p.random;
    float pick = rnd_unit(r);
    p.kind = pick < 0.45f ? DISTRICT_CITY : pick < 0.8f ? DISTRICT_SUBURB : DISTRICT_COUNTRY;
    p.speed = rnd_chance(r, 0.12f) ? 0.0f : rnd_range(r, 0.3f, 1.4f);
    p.start = rnd_range(r, 0.0f, 6.0f);
    p.trees_row = rnd_chance(r, 0.45f);
    build_road(&p);
    build_light(&p);
    int32_t lane = rnd_below(r, world->road.lanes[1]);
    p.ego_u = ((float)lane + 0.5f) * world->road.lane;
    build_camera(&p, width, height);
    place_traffic(&p);
    for (int side = 0; side < 2; side++) {
        place_parked(&p, side);
        place_furniture(&p, side);
        place_people(&p, side);
        place_barriers(&p, side);
        place_buildings(&p, side);
        place_trees(&p, side);
        place_side_street(&p, side);
    }
    if (rnd_chance(r, 0.06f))
        (void)synth_add_bridge(
            world, r, place_at(&world->road, 0, rnd_range(r, 35.0f, 90.0f), 0, false), 60.0f);
}
