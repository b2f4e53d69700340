#include "eval/synth/render.h"

#include "eval/synth/ground.h"
#include "eval/synth/lists.h"
#include "eval/synth/sky.h"
#include "eval/synth/surface.h"

#include <prune/sys/memory.h>

/* Sphere around an object's bounds. */
typedef struct sphere {
    v3 centre;
    float square; /* of the radius */
} sphere;

typedef struct scene {
    const synth_world *world;
    const synth_noise *noise;
    int32_t width, height;
    synth_lists tiles, ground;
    float near[SYNTH_OBJECTS];
    sphere around[SYNTH_OBJECTS];
    v3 *light;     /* height x width, linear */
    int32_t *keys; /* height x width: which surface, to find edges */
} scene;

typedef struct meeting {
    synth_hit hit;
    synth_ground_hit ground;
    bool on_ground, on_object;
} meeting;

static meeting trace(const scene *s, v3 ray, int32_t tile)
{
    const synth_world *w = s->world;
    meeting m = {.hit = {.t = SYNTH_FAR, .object = -1}};
    m.on_ground = synth_ground_find(&w->road, w->camera.origin, ray, SYNTH_FAR, &m.ground);
    if (m.on_ground) m.hit.t = m.ground.t;
    float footprint = 1.0f / w->camera.focal;
    for (int32_t i = s->tiles.start[tile]; i < s->tiles.start[tile + 1]; i++) {
        int32_t object = s->tiles.entries[i];
        if (s->near[object] > m.hit.t) break;
        if (synth_object_hit(w, s->noise, object, w->camera.origin, ray, 0.3f, footprint, &m.hit))
            m.on_object = true;
    }
    if (m.on_object) m.on_ground = false;
    return m;
}

/* Share of the sun that reaches a point; *ambient loses what objects close to it take away. */
static float sunlight(const scene *s, v3 point, v3 normal, int32_t self, bool ground, float *open)
{
    const synth_world *w = s->world;
    const uint16_t *entries = NULL;
    int32_t count = synth_lists_at(&s->ground, point.x, point.z, &entries);
    bool sunny = w->light.sun.x > 0.05f && v3_dot(normal, w->light.sun_direction) > 0.0f;
    float lit = 1.0f;
    v3 from = v3_along(point, normal, 0.02f), sun = w->light.sun_direction;
    if (sunny && count > 0) { /* another point of the sun's disc for every point on the surface */
        uint32_t h = rnd_cell(f_floor(point.x * 512.0f), f_floor(point.z * 512.0f),
                              (uint32_t)f_floor(point.y * 512.0f));
        sun = v3_add(
            sun, v3_make((float)(h & 255) * 6e-5f - .0077f, 0, (float)(h >> 24) * 6e-5f - .0077f));
    }
    for (int32_t i = 0; i < count; i++) {
        const synth_object *o = &w->object[entries[i]];
        if (ground && o->contact) {
            float dx = point.x - o->x, dz = point.z - o->z;
            float lx = dx * o->cosine - dz * o->sine, lz = dx * o->sine + dz * o->cosine;
            float ax = f_max(f_max(lx - o->high.x, o->low.x - lx) + 0.05f, 0.0f);
            float az = f_max(f_max(lz - o->high.z, o->low.z - lz) + 0.05f, 0.0f);
            if (ax < 0.6f && az < 0.6f)
                *open *= f_mix(0.22f, 1.0f, f_step(-0.35f, 0.6f, sqrtf(ax * ax + az * az)));
        }
        if (!sunny || lit <= 0 || entries[i] == self || !o->shadow) continue;
        v3 way = v3_sub(s->around[entries[i]].centre, from);
        float ahead = v3_dot(way, sun);
        /* sun is a unit vector but for its 1 % of jitter: leave room for that. */
        if (v3_dot(way, way) - ahead * ahead > s->around[entries[i]].square * 1.1f + 1.0f) continue;
        if (synth_object_blocks(w, s->noise, entries[i], from, sun, 0.05f)) lit = 0;
    }
    return sunny ? lit : 0.0f;
}

static v3 lit_colour(const scene *s, const synth_surface *surface, v3 point, v3 ray, int32_t self,
                     bool ground)
{
    const synth_light *light = &s->world->light;
    float open = 1.0f, facing = f_max(v3_dot(surface->normal, light->sun_direction), 0.0f);
    float lit = sunlight(s, point, surface->normal, self, ground, &open);
    float sky = (0.62f + 0.38f * surface->normal.y) * open;
    /* Light that the sunny ground sends up. */
    v3 bounce =
        v3_scale(light->sun, 0.07f * light->sun_direction.y * (1.0f - 0.5f * surface->normal.y));
    v3 sum = v3_add(v3_scale(light->ambient, sky), v3_scale(bounce, open));
    sum = v3_along(sum, light->sun, facing * lit);
    v3 c = v3_add(v3_mul(surface->colour, sum), surface->light);
    if (surface->gloss <= 0) return c;
    v3 d = v3_unit(ray);
    float along = f_min(v3_dot(d, surface->normal), 0.0f), graze = 1.0f + along;
    float fresnel = graze * graze;
    fresnel = fresnel * fresnel * graze;
    float mirror = ground ? surface->gloss * fresnel * fresnel * 0.6f
                          : surface->gloss + (1.0f - surface->gloss) * fresnel * 0.7f;
    if (mirror < 0.008f) return c;
    v3 r = v3_along(d, surface->normal, -2.0f * along);
    c = v3_mix(c, synth_sky_mirrored(light, r), mirror * open);
    if (!ground && lit > 0) {
        float spark = f_max(v3_dot(r, light->sun_direction), 0.0f);
        spark *= spark, spark *= spark, spark *= spark, spark *= spark, spark *= spark;
        c = v3_along(c, light->sun, spark * 6.0f * surface->gloss);
    }
    return c;
}

static v3 seen(const scene *s, const meeting *m, v3 ray)
{
    const synth_world *w = s->world;
    if (!m->on_ground && !m->on_object) return synth_sky_light(&w->light, s->noise, ray);
    float t = m->hit.t, across = t / w->camera.focal;
    v3 point = v3_along(w->camera.origin, ray, t);
    synth_surface surface;
    if (m->on_ground) {
        float along = across * f_min(1.0f / f_max(-ray.y, 0.004f), 60.0f);
        surface = (synth_surface){.normal = m->ground.normal};
        surface.colour =
            synth_ground_colour(&w->road, s->noise, &m->ground, across, along, &surface.gloss);
    } else {
        surface = synth_surface_at(w, s->noise, &m->hit, across);
    }
    v3 c = lit_colour(s, &surface, point, ray, m->on_object ? m->hit.object : -1, m->on_ground);
    return v3_mix(w->light.haze, c, f_decay(w->light.haze_rate * t));
}

/* Equal where neighbouring pixels lie on one smooth surface. */
static int32_t key_of(const scene *s, const meeting *m)
{
    if (m->on_ground) return m->ground.kerb ? -1 : m->ground.raised ? -2 : -3;
    if (!m->on_object) return 0;
    const synth_prim *p = &s->world->prim[m->hit.prim];
    if (p->material == MATERIAL_LEAVES || p->material == MATERIAL_HEDGE)
        return s->world->object[m->hit.object].first * 16 + 15;
    return m->hit.prim * 16 + m->hit.face + 16;
}

static void first_pass(scene *s, float *depth)
{
    for (int32_t ty = 0; ty < s->tiles.rows; ty++)
        for (int32_t tx = 0; tx < s->tiles.columns; tx++) {
            int32_t right = tx * SYNTH_TILE + SYNTH_TILE, bottom = ty * SYNTH_TILE + SYNTH_TILE;
            right = right < s->width ? right : s->width;
            bottom = bottom < s->height ? bottom : s->height;
            for (int32_t y = ty * SYNTH_TILE; y < bottom; y++)
                for (int32_t x = tx * SYNTH_TILE; x < right; x++) {
                    v3 ray = synth_camera_ray(&s->world->camera, (float)x, (float)y);
                    meeting m = trace(s, ray, ty * s->tiles.columns + tx);
                    int64_t at = (int64_t)y * s->width + x;
                    bool known = (m.on_ground || m.on_object) && m.hit.t <= SYNTH_MAX_DEPTH;
                    depth[at] = known ? m.hit.t : 0.0f;
                    s->keys[at] = key_of(s, &m);
                    s->light[at] = seen(s, &m, ray);
                }
        }
}

static v3 limited(v3 c)
{
    return v3_make(f_min(c.x, 2.5f), f_min(c.y, 2.5f), f_min(c.z, 2.5f));
}

static void smooth_edges(scene *s)
{
    static const float offsets[2][2] = {{-.26f, -.34f}, {.26f, .34f}};
    for (int32_t y = 0; y < s->height; y++)
        for (int32_t x = 0; x < s->width; x++) {
            int64_t at = (int64_t)y * s->width + x;
            int32_t key = s->keys[at];
            bool edge = (x > 0 && s->keys[at - 1] != key) ||
                        (x + 1 < s->width && s->keys[at + 1] != key) ||
                        (y > 0 && s->keys[at - s->width] != key) ||
                        (y + 1 < s->height && s->keys[at + s->width] != key);
            if (!edge) continue;
            int32_t tile = y / SYNTH_TILE * s->tiles.columns + x / SYNTH_TILE;
            v3 sum = limited(s->light[at]);
            for (int i = 0; i < 2; i++) {
                v3 ray = synth_camera_ray(&s->world->camera, (float)x + offsets[i][0],
                                          (float)y + offsets[i][1]);
                meeting m = trace(s, ray, tile);
                sum = v3_add(sum, limited(seen(s, &m, ray)));
            }
            s->light[at] = v3_scale(sum, 0.33333333f);
        }
}

/* Film curve (Narkowicz 2015) and a gamma of 2, to 0..255. */
static float developed(float x)
{
    float y = x * (2.51f * x + 0.03f) / (x * (2.43f * x + 0.59f) + 0.14f);
    return 255.0f * sqrtf(f_clamp(y, 0.0f, 1.0f));
}

static uint8_t to_byte(float value)
{
    return (uint8_t)f_clamp(value + 0.5f, 0.0f, 255.0f);
}

/* Two bytes of a hash: about bell-shaped around 0, deviation 1. */
static float bell(uint32_t bits)
{
    return ((float)(bits & 255) + (float)((bits >> 8) & 255) - 255.0f) * (1.0f / 104.5f);
}

static void develop(const scene *s, int32_t frame, uint8_t *rgb)
{
    const synth_light *light = &s->world->light;
    uint32_t seed = (uint32_t)rnd_hash(s->world->seed + (uint64_t)(uint32_t)frame);
    v3 gain = v3_scale(light->tint, light->exposure * 0.62f);
    float mx = (float)(s->width - 1) * 0.5f, my = (float)(s->height - 1) * 0.5f;
    float corner = 1.0f / (mx * mx + my * my + 1.0f), leak = light->blur;
    for (int32_t y = 0; y < s->height; y++)
        for (int32_t x = 0; x < s->width; x++) {
            int64_t at = (int64_t)y * s->width + x;
            const v3 *c = &s->light[at];
            v3 left = c[x > 0 ? -1 : 0], right = c[x + 1 < s->width ? 1 : 0];
            v3 over = c[y > 0 ? -s->width : 0], under = c[y + 1 < s->height ? s->width : 0];
            v3 sum = v3_add(v3_add(left, right), v3_add(over, under));
            v3 v = v3_add(v3_scale(*c, 1.0f - 4.0f * leak), v3_scale(sum, leak));
            float dx = (float)x - mx, dy = (float)y - my;
            float fall = 1.0f - light->vignette * (dx * dx + dy * dy) * corner;
            v = v3_mul(v, v3_scale(gain, fall));
            uint32_t h = rnd_cell(x, y, seed), g = h * 0x9E3779B1u ^ (h >> 16);
            uint8_t *out = rgb + at * 3;
            out[0] = to_byte(developed(v.x) + light->noise * bell(h));
            out[1] = to_byte(developed(v.y) + light->noise * bell(h >> 16));
            out[2] = to_byte(developed(v.z) + light->noise * bell(g >> 8));
        }
}

static sphere sphere_of(const synth_object *o)
{
    v3 m = v3_scale(v3_add(o->low, o->high), 0.5f), half = v3_sub(o->high, m);
    sphere s = {.centre = v3_make(o->x + m.x * o->cosine + m.z * o->sine, o->y + m.y,
                                  o->z + m.z * o->cosine - m.x * o->sine),
                .square = v3_dot(half, half)};
    return s;
}

prune_status synth_render(prune_context *context, const synth_world *world,
                          const synth_noise *noise, int32_t frame, int32_t width, int32_t height,
                          uint8_t *rgb, float *depth)
{
    size_t pixels = (size_t)width * (size_t)height;
    scene *s = prune_memory_zero(context, 1, sizeof *s);
    if (!s) return PRUNE_E_MEMORY;
    s->world = world, s->noise = noise, s->width = width, s->height = height;
    s->light = prune_memory_new(context, pixels, sizeof *s->light);
    s->keys = prune_memory_new(context, pixels, sizeof *s->keys);
    prune_status status = s->light && s->keys ? PRUNE_OK : PRUNE_E_MEMORY;
    if (status == PRUNE_OK)
        status = synth_lists_tiles(&s->tiles, context, world, width, height, s->near);
    if (status == PRUNE_OK) status = synth_lists_ground(&s->ground, context, world);
    if (status == PRUNE_OK) {
        for (int32_t i = 0; i < world->objects; i++) s->around[i] = sphere_of(&world->object[i]);
        first_pass(s, depth);
        smooth_edges(s);
        develop(s, frame, rgb);
    }
    synth_lists_free(context, &s->tiles);
    synth_lists_free(context, &s->ground);
    prune_memory_free(context, s->light);
    prune_memory_free(context, s->keys);
    prune_memory_free(context, s);
    return status;
}
