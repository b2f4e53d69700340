#include "eval/synth/surface.h"

typedef struct at {
    const synth_object *object;
    const synth_prim *prim;
    const synth_noise *noise;
    const synth_hit *hit;
    v3 p; /* local point */
    float foot;
} at;

/* 1 inside a rectangle, smooth over the footprint. */
static float inside(float x, float y, float half_x, float half_y, float foot)
{
    return f_stripe(x, half_x, foot) * f_stripe(y, half_y, foot);
}

static void facade(const at *a, synth_surface *s)
{
    const synth_object *o = a->object;
    bool long_wall = a->hit->face < 2; /* -x or +x: along the road */
    float x = long_wall ? a->p.z : a->p.x, wide = long_wall ? a->prim->half.z : a->prim->half.x;
    float top = a->prim->half.y * 2.0f, y = a->p.y, foot = a->foot;
    float stain = synth_noise_two(a->noise, x, y, foot, 0.5f) * 0.10f +
                  synth_noise_two(a->noise, x * 1.3f, y, foot, 6.0f) * 0.08f;
    s->colour = v3_scale(a->prim->colour, 1.0f + stain);
    if (y < 0.5f) s->colour = v3_scale(s->colour, 0.6f);
    if (o->seed % 5 == 0) { /* bricks */
        int32_t row;
        float joint = f_stripe(f_cell(y, 0.25f, &row) - 0.01f, 0.015f, foot);
        s->colour = v3_scale(s->colour, 1.0f - 0.3f * joint);
    }
    if (y > top - 0.35f) s->colour = v3_mix(s->colour, o->trim, 0.7f);
    /* Windows: equal bays over the wall's width, storeys upward. */
    float bays = (float)f_floor(f_max(2.0f * wide / o->size[1], 1.0f));
    float bay = 2.0f * wide / bays;
    int32_t column, storey;
    float cx = f_cell(x + wide, bay, &column) - bay * 0.5f, cy = f_cell(y, o->size[0], &storey);
    if ((float)(storey + 1) * o->size[0] > top + 0.1f) return;
    uint32_t hash = rnd_cell(column + (a->hit->face << 8), storey, o->seed);
    float half_x = f_min(o->size[2], bay * 0.42f), half_y = o->size[3];
    float middle = o->size[4] + half_y;
    if (!long_wall && rnd_float(hash * 7u) < 0.5f) return; /* gable walls have fewer */
    bool ground = storey == 0, shop = ground && o->size[5] > 0 && long_wall;
    bool door = ground && !shop && long_wall && column == (int32_t)(o->seed % 97) % (int32_t)bays;
    if (shop) half_x = bay * 0.44f, half_y = 1.05f, middle = 1.35f;
    if (door) half_x = 0.5f, half_y = 1.05f, middle = 1.05f;
    float frame = inside(cx, cy - middle, half_x + 0.09f, half_y + 0.09f, foot);
    if (frame <= 0) return;
    float glass = inside(cx, cy - middle, half_x, half_y, foot);
    v3 dark = v3_grey(0.015f + 0.05f * rnd_float(hash * 3u));
    if (rnd_float(hash) < 0.3f) dark = v3_mix(dark, v3_grey(0.45f), 0.6f); /* curtains, blinds */
    if (door) dark = v3_mix(v3_make(.12f, .06f, .03f), v3_make(.05f, .08f, .06f), rnd_float(hash));
    if (!shop && !door && foot < 0.15f) glass *= 1.0f - f_stripe(cx, 0.03f, foot);
    s->colour = v3_mix(s->colour, o->trim, frame);
    s->colour = v3_mix(s->colour, dark, glass);
    s->gloss = door ? 0 : 0.09f * glass;
}

static void roof(const at *a, synth_surface *s)
{
    int32_t row;
    float lean = f_abs(s->normal.x) > f_abs(s->normal.z) ? a->p.z : a->p.x;
    float line = f_stripe(f_cell(a->p.y, 0.22f, &row) - 0.02f, 0.03f, a->foot);
    float n = synth_noise_three(a->noise, lean, a->p.y * 2.0f, a->foot, 1.5f);
    s->colour = v3_scale(a->prim->colour, (1.0f + 0.3f * n) * (1.0f - 0.35f * line));
}

/* Both ends of a car: lamps, plate, grille, bumper. */
static void car_end(const at *a, synth_surface *s, bool front)
{
    const synth_object *o = a->object;
    float x = f_abs(a->p.x), y = a->p.y, w = o->size[1], belt = o->size[2], foot = a->foot;
    float lamp_y = front ? belt * 0.70f : belt * 0.80f;
    float lamp = front ? inside(x - w * 0.72f, y - lamp_y, w * 0.2f, 0.085f, foot)
                       : inside(x - w * 0.84f, y - lamp_y, w * 0.13f, 0.13f, foot);
    float plate = inside(a->p.x, y - (front ? 0.42f : belt * 0.62f), 0.26f, 0.055f, foot);
    float bumper = f_stripe(y - 0.33f, 0.07f, foot);
    float grille = front ? inside(a->p.x, y - belt * 0.62f, w * 0.42f, 0.09f, foot) : 0;
    s->colour = v3_mix(s->colour, v3_scale(s->colour, 0.35f), bumper);
    s->colour = v3_mix(s->colour, v3_grey(0.015f), grille);
    s->colour = v3_mix(s->colour, v3_grey(0.7f), plate);
    v3 glow = front ? v3_make(.75f, .75f, .72f) : v3_make(.5f, .012f, .015f);
    s->colour = v3_mix(s->colour, glow, lamp);
    if (!front)
        s->light = v3_scale(v3_make(1.1f, .05f, .04f), lamp * o->trim.x);
    else
        s->light = v3_scale(v3_grey(0.25f), lamp);
}

static void car_body(const at *a, synth_surface *s)
{
    const synth_object *o = a->object;
    float y = a->p.y, z = a->p.z, foot = a->foot;
    int32_t face = a->hit->face;
    v3 n = a->hit->face < 6 ? v3_make(0, 0, 0) : a->prim->cut[face - 6].n;
    s->gloss = 0.06f;
    if (face == 5 || (face >= 6 && n.z > 0.3f && n.y < 0.5f))
        car_end(a, s, true);
    else if (face == 4 || (face >= 6 && n.z < -0.3f && n.y < 0.5f))
        car_end(a, s, false);
    if (face < 2) {
        float seam = f_stripe(z - (o->size[4] - 0.75f), 0.012f, foot) +
                     f_stripe(z + 0.05f, 0.012f, foot) +
                     f_stripe(z - (o->size[5] + 0.55f), 0.012f, foot);
        float handle = inside(z - 0.25f, y - o->size[2] * 0.85f, 0.1f, 0.02f, foot);
        s->colour = v3_scale(s->colour, 1.0f - 0.6f * f_min(seam + handle, 1.0f));
        float crease = f_stripe(y - o->size[2] * 0.72f, 0.02f, foot);
        s->colour = v3_scale(s->colour, 1.0f + 0.25f * crease);
        s->normal.y += f_clamp((y - 0.6f) * 0.5f, -0.3f, 0.3f); /* bulging doors */
        s->normal = v3_unit(s->normal);
        for (int i = 4; i < 6; i++) { /* wheel arches */
            float dz = z - o->size[i], dy = y - 0.32f, away = sqrtf(dz * dz + dy * dy);
            float arch = 1.0f - f_step(0.39f - foot, 0.40f + foot, away);
            s->colour = v3_mix(s->colour, v3_grey(0.008f), arch);
            s->gloss *= 1.0f - arch;
        }
    }
    if (y < 0.34f) s->colour = v3_mix(s->colour, v3_grey(0.02f), 0.75f), s->gloss = 0;
}

static void car_cabin(const at *a, synth_surface *s)
{
    const synth_object *o = a->object;
    int32_t face = a->hit->face;
    float belt = o->size[2], top = o->size[3], y = a->p.y, z = a->p.z, foot = a->foot;
    float middle = (belt + top) * 0.5f, half = (top - belt) * 0.5f, glass = 0;
    bool van = o->trim.y > 0;
    if (face == 3 || face == 2) {
        s->gloss = 0.06f;
        return;
    }
    v3 n = face >= 6 ? a->prim->cut[face - 6].n : v3_make(0, 0, 0);
    bool side = face < 2 || f_abs(n.x) > 0.5f;
    if (side) {
        const synth_cut *screen = &a->prim->cut[0], *heel = &a->prim->cut[1];
        v3 q = v3_make(0, y, z);
        float in = f_min(screen->k - v3_dot(screen->n, q), heel->k - v3_dot(heel->n, q));
        glass = f_step(0.06f, 0.08f + foot, in) * f_stripe(y - middle, half - 0.09f, foot);
        float pillar =
            f_stripe(z + 0.12f, 0.05f, foot) + f_stripe(z - (o->size[5] + 0.3f), 0.05f, foot);
        if (van && o->size[0] > 5.0f) { /* bus: a row of windows */
            int32_t pane;
            pillar = f_stripe(f_cell(z, 1.5f, &pane) - 0.05f, 0.05f, foot);
        } else if (van && z < o->size[0] - 2.6f && (o->seed & 3)) {
            glass = 0; /* panel van */
        }
        glass *= 1.0f - f_min(pillar, 1.0f);
    } else {
        bool back = n.z < 0 || face == 4;
        glass = inside(a->p.x, y - middle - 0.02f, o->size[1] * 0.80f - (y - belt) * 0.2f,
                       half - 0.07f, foot);
        if (van && back && o->size[0] < 5.0f) glass *= 1.0f - f_stripe(a->p.x, 0.05f, foot);
        if (o->size[0] < 2.6f && back && (o->seed & 4)) { /* a third brake light */
            s->light =
                v3_scale(v3_make(.9f, .03f, .03f),
                         0.4f * o->trim.x * inside(a->p.x, y - top + 0.1f, 0.15f, 0.02f, foot));
        }
    }
    /* Seats and people show a little through the glass. */
    float inner = 0.02f + 0.03f * f_step(0.2f, -0.2f, y - middle + 0.15f * f_abs(a->p.x));
    s->colour = v3_mix(s->colour, v3_grey(inner), glass);
    s->gloss = 0.06f + 0.05f * glass;
}

static void wheel(const at *a, synth_surface *s)
{
    float dy = (a->p.y - a->prim->centre.y) / a->prim->half.y;
    float dz = (a->p.z - a->prim->centre.z) / a->prim->half.y;
    float r = sqrtf(dy * dy + dz * dz), foot = a->foot / a->prim->half.y;
    if (a->hit->face > 1) return;
    float rim = 1.0f - f_step(0.64f - foot, 0.68f + foot, r);
    uint32_t spokes = a->object->seed;
    float cross = f_min(f_abs(dy), f_abs(dz)), tilt = f_min(f_abs(dy + dz), f_abs(dy - dz)) * 0.7f;
    float open = (spokes & 1) ? f_min(cross, tilt) : cross;
    float dark = f_step(0.06f, 0.12f + foot, open) * f_step(0.15f, 0.25f, r);
    s->colour = v3_mix(s->colour, v3_grey(f_mix(0.38f, 0.08f, dark * 0.8f)), rim);
}

static void leaves(const at *a, synth_surface *s)
{
    float u, v;
    synth_leaf_place(a->prim, a->p, &u, &v);
    float broad = synth_noise_two(a->noise, u, v, a->foot, 1.3f);
    float fine = synth_noise_two(a->noise, u, v, a->foot, 9.0f);
    float up = (a->p.y - a->prim->centre.y) * a->prim->inverse.y;
    float shade = f_clamp(0.62f + 0.32f * up + 0.7f * broad + 0.8f * fine, 0.1f, 2.2f);
    s->colour = v3_scale(a->prim->colour, shade);
    s->normal = v3_add(s->normal, v3_make(fine * 1.1f, broad * 0.8f + 0.15f, fine * -0.7f + broad));
    s->normal = v3_unit(s->normal);
    /* Light comes through the leaves. */
    s->light = v3_scale(v3_make(.02f, .035f, .004f), f_max(shade - 0.6f, 0.0f));
}

static void hedge(const at *a, synth_surface *s)
{
    float n = synth_noise_three(a->noise, a->p.z + a->p.x, a->p.y, a->foot, 5.0f);
    s->colour =
        v3_scale(a->prim->colour, f_clamp(1.0f + 0.9f * n, 0.2f, 2.0f) *
                                      f_mix(0.55f, 1.1f, a->p.y / (2.0f * a->prim->half.y)));
    s->normal = v3_unit(v3_add(s->normal, v3_make(n * 0.5f, 0.4f, n * 0.6f)));
}

static void brick(const at *a, synth_surface *s)
{
    int32_t row, stone;
    float x = a->hit->face < 2 ? a->p.z : a->p.x;
    float y = f_cell(a->p.y, 0.16f, &row), bx = f_cell(x + (float)(row & 1) * 0.2f, 0.4f, &stone);
    float fade = 1.0f - f_step(0.06f, 0.2f, a->foot);
    float joint = f_max(f_stripe(y, 0.012f, a->foot), f_stripe(bx, 0.012f, a->foot));
    float tone = 0.8f + 0.4f * rnd_float(rnd_cell(row, stone, a->prim->seed)) * fade;
    float n = synth_noise_two(a->noise, x, a->p.y, a->foot, 3.0f);
    s->colour = v3_scale(a->prim->colour, tone * (1.0f + 0.2f * n) * (1.0f + 0.3f * joint * fade));
}

static void sign(const at *a, synth_surface *s)
{
    static const v3 red = {.55f, .02f, .02f}, blue = {.02f, .08f, .4f}, yellow = {.7f, .5f, .02f};
    float x = (a->p.x - a->prim->centre.x) / a->prim->half.x;
    float y = (a->p.y - a->prim->centre.y) / a->prim->half.y;
    int32_t kind = (int32_t)a->object->trim.x, variant = (int32_t)a->object->trim.y;
    if (a->hit->face != 4) {
        s->colour = v3_grey(0.3f);
        return;
    }
    float r = kind == 0   ? sqrtf(x * x + y * y)
              : kind == 1 ? f_max(f_abs(x) + 0.5f * (y + 1.0f) - 0.0f, -y)
                          : f_max(f_abs(x), f_abs(y));
    v3 rim = kind == 2 ? blue : kind == 3 ? v3_grey(0.05f) : red;
    v3 field = kind == 2   ? blue
               : kind == 3 ? (variant & 1 ? yellow : v3_make(.02f, .2f, .08f))
                           : v3_grey(0.75f);
    if (kind == 0 && variant == 0) field = red;
    s->colour = v3_mix(rim, field, 1.0f - f_step(0.74f, 0.8f, r));
    float symbol = kind == 2                   ? inside(x, y, 0.3f, 0.6f, 0.1f)
                   : kind == 0 && variant == 0 ? inside(x, y, 0.65f, 0.14f, 0.1f)
                   : kind == 3 ? f_stripe(y - 0.25f, 0.15f, 0.1f) * f_stripe(x, 0.75f, 0.1f)
                               : inside(x, y, 0.16f, 0.4f, 0.1f);
    v3 ink = kind == 2 || (kind == 0 && variant == 0) ? v3_grey(0.75f) : v3_grey(0.03f);
    s->colour = v3_mix(s->colour, ink, symbol);
}

static void lamps(const at *a, synth_surface *s)
{
    static const v3 lights[3] = {{2.2f, .12f, .05f}, {2.2f, 1.1f, .08f}, {.1f, 1.9f, .7f}};
    if (a->hit->face != 4) return;
    for (int i = 0; i < 3; i++) {
        float dx = a->p.x, dy = a->p.y - a->prim->centre.y - 0.29f * (float)(1 - i);
        float disc = 1.0f - f_step(0.09f, 0.11f + a->foot, sqrtf(dx * dx + dy * dy));
        bool lit = (int)a->object->trim.x == i;
        s->light = v3_add(s->light, v3_scale(lights[i], disc * (lit ? 1.0f : 0.02f)));
    }
}

static void grained(const at *a, synth_surface *s, float scale, float depth)
{
    float n = synth_noise_three(a->noise, a->p.x + a->p.z, a->p.y + a->p.z * 0.5f, a->foot, scale);
    s->colour = v3_scale(a->prim->colour, f_clamp(1.0f + depth * n, 0.1f, 2.0f));
}

static void cargo(const at *a, synth_surface *s)
{
    grained(a, s, 1.0f, 0.12f);
    float y = a->p.y, top = a->prim->centre.y + a->prim->half.y;
    if (a->hit->face >= 4) { /* doors: a seam, lamps below */
        s->colour = v3_scale(s->colour, 1.0f - 0.6f * f_stripe(a->p.x, 0.02f, a->foot));
        if (a->hit->face == 4 && y < 0.8f && f_abs(a->p.x) > a->prim->half.x * 0.7f)
            s->colour = v3_make(.5f, .02f, .02f);
    } else if (a->hit->face < 2) {
        float band = f_stripe(y - top + 1.0f, 0.25f, a->foot);
        v3 paint = v3_make(rnd_float(a->object->seed * 3u), rnd_float(a->object->seed * 5u) * .6f,
                           rnd_float(a->object->seed * 7u));
        s->colour = v3_mix(s->colour, v3_scale(paint, 0.5f), band * 0.8f);
    }
    if (y < 0.68f) s->colour = v3_grey(0.03f);
}

synth_surface synth_surface_at(const synth_world *world, const synth_noise *noise,
                               const synth_hit *hit, float footprint)
{
    at a = {.object = &world->object[hit->object],
            .prim = &world->prim[hit->prim],
            .noise = noise,
            .hit = hit,
            .p = hit->local,
            .foot = footprint};
    synth_surface s = {.colour = a.prim->colour, .normal = hit->normal};
    switch ((synth_material)a.prim->material) {
    case MATERIAL_FACADE:
        facade(&a, &s);
        break;
    case MATERIAL_ROOF:
        roof(&a, &s);
        break;
    case MATERIAL_BODY:
        car_body(&a, &s);
        break;
    case MATERIAL_CABIN:
        car_cabin(&a, &s);
        break;
    case MATERIAL_CARGO:
        cargo(&a, &s);
        break;
    case MATERIAL_WHEEL:
        wheel(&a, &s);
        break;
    case MATERIAL_LEAVES:
        leaves(&a, &s);
        break;
    case MATERIAL_HEDGE:
        hedge(&a, &s);
        break;
    case MATERIAL_BARK:
        grained(&a, &s, 6.0f, 0.6f);
        break;
    case MATERIAL_METAL:
        s.gloss = 0.04f;
        break;
    case MATERIAL_CLOTH:
        grained(&a, &s, 5.0f, 0.3f);
        break;
    case MATERIAL_BRICK:
        brick(&a, &s);
        break;
    case MATERIAL_CONCRETE:
        grained(&a, &s, 0.6f, 0.25f);
        break;
    case MATERIAL_SIGN:
        sign(&a, &s);
        break;
    case MATERIAL_LAMPS:
        lamps(&a, &s);
        break;
    case MATERIAL_PLAIN:
    case MATERIAL_FENCE:
        break;
    }
    return s;
}
