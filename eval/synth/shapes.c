#include "eval/synth/shapes.h"

/* A ray in an object's frame. */
typedef struct ray {
    v3 o, d, inverse;
} ray;

/* The part of a ray inside a convex body. */
typedef struct span {
    float in, out;
    int32_t face; /* where it enters */
} span;

static float inverse_of(float d)
{
    return f_abs(d) > 1e-9f ? 1.0f / d : (d < 0 ? -1e9f : 1e9f);
}

static v3 to_local(const synth_object *object, v3 v)
{
    return v3_make(v.x * object->cosine - v.z * object->sine, v.y,
                   v.x * object->sine + v.z * object->cosine);
}

static v3 to_world(const synth_object *object, v3 v)
{
    return v3_make(v.x * object->cosine + v.z * object->sine, v.y,
                   v.z * object->cosine - v.x * object->sine);
}

static ray local_ray(const synth_object *object, v3 origin, v3 direction)
{
    ray r;
    r.o =
        to_local(object, v3_make(origin.x - object->x, origin.y - object->y, origin.z - object->z));
    r.d = to_local(object, direction);
    r.inverse = v3_make(inverse_of(r.d.x), inverse_of(r.d.y), inverse_of(r.d.z));
    return r;
}

static inline void slab(span *s, float o, float inverse, float low, float high, int32_t face)
{
    float a = (low - o) * inverse, b = (high - o) * inverse;
    float in = inverse > 0 ? a : b, out = inverse > 0 ? b : a;
    if (in > s->in) s->in = in, s->face = inverse > 0 ? face : face + 1;
    if (out < s->out) s->out = out;
}

static inline bool bounds_hit(const ray *r, v3 low, v3 high, float near, float far)
{
    span s = {near, far, 0};
    slab(&s, r->o.x, r->inverse.x, low.x, high.x, 0);
    slab(&s, r->o.z, r->inverse.z, low.z, high.z, 4);
    slab(&s, r->o.y, r->inverse.y, low.y, high.y, 2);
    return s.in < s.out;
}

static bool box_hit(const synth_prim *p, const ray *r, span *s)
{
    slab(s, r->o.x, r->inverse.x, p->centre.x - p->half.x, p->centre.x + p->half.x, 0);
    slab(s, r->o.y, r->inverse.y, p->centre.y - p->half.y, p->centre.y + p->half.y, 2);
    slab(s, r->o.z, r->inverse.z, p->centre.z - p->half.z, p->centre.z + p->half.z, 4);
    if (s->in >= s->out) return false;
    for (int32_t i = 0; i < p->cuts; i++) {
        const synth_cut *c = &p->cut[i];
        float rate = v3_dot(c->n, r->d), above = v3_dot(c->n, r->o) - c->k;
        float t = -above * inverse_of(rate);
        if (rate < 0) {
            if (t > s->in) s->in = t, s->face = 6 + i;
        } else if (t < s->out) {
            s->out = t;
        }
        if (s->in >= s->out) return false;
    }
    return true;
}

/* Roots of a t^2 + 2 b t + c narrow the span. */
static inline bool quadratic(span *s, float a, float b, float c)
{
    float root = b * b - a * c;
    if (a <= 1e-12f) return c < 0 && s->in < s->out; /* along the axis of a cylinder */
    if (root <= 0) return false;
    root = sqrtf(root);
    float k = 1.0f / a, in = (-b - root) * k, out = (-b + root) * k;
    if (in > s->in) s->in = in, s->face = 8;
    if (out < s->out) s->out = out;
    return s->in < s->out;
}

static bool round_hit(const synth_prim *p, const ray *r, span *s)
{
    v3 o = v3_sub(r->o, p->centre), d = r->d;
    if (p->shape == SHAPE_ELLIPSOID) {
        o = v3_mul(o, p->inverse), d = v3_mul(d, p->inverse);
        return quadratic(s, v3_dot(d, d), v3_dot(o, d), v3_dot(o, o) - 1.0f);
    }
    if (p->shape == SHAPE_POST) {
        slab(s, r->o.y, r->inverse.y, p->centre.y - p->half.y, p->centre.y + p->half.y, 2);
        return quadratic(s, d.x * d.x + d.z * d.z, o.x * d.x + o.z * d.z,
                         o.x * o.x + o.z * o.z - p->half.x * p->half.x);
    }
    slab(s, r->o.x, r->inverse.x, p->centre.x - p->half.x, p->centre.x + p->half.x, 0);
    return quadratic(s, d.y * d.y + d.z * d.z, o.y * d.y + o.z * d.z,
                     o.y * o.y + o.z * o.z - p->half.y * p->half.y);
}

static v3 face_normal(const synth_prim *p, int32_t face, v3 at)
{
    if (p->shape == SHAPE_ELLIPSOID) {
        v3 q = v3_mul(v3_sub(at, p->centre), p->inverse);
        return v3_unit(v3_mul(q, p->inverse));
    }
    if (p->shape != SHAPE_BOX && face >= 6) {
        v3 q = v3_sub(at, p->centre);
        if (p->shape == SHAPE_POST)
            q.y = 0;
        else
            q.x = 0;
        return v3_unit(q);
    }
    if (face >= 6) return p->cut[face - 6].n;
    float n[3] = {0, 0, 0};
    n[face >> 1] = face & 1 ? 1.0f : -1.0f;
    return v3_make(n[0], n[1], n[2]);
}

/* Holes: between leaves (more of them towards the rim), over a hedge, between a fence's bars. */
static bool has_hole(const synth_prim *p, const synth_noise *noise, v3 at, v3 normal, v3 ray_dir,
                     float footprint, int32_t face)
{
    float shift = rnd_float(p->seed) * 100.0f;
    if (p->material == MATERIAL_LEAVES) {
        float facing = f_abs(v3_dot(normal, ray_dir)) / sqrtf(v3_dot(ray_dir, ray_dir)), a, b;
        synth_leaf_place(p, at, &a, &b);
        float n = synth_noise_two(noise, a, b, footprint, 1.6f) +
                  synth_noise_two(noise, b + shift, a, footprint, 11.0f);
        return facing < 0.36f + 0.42f * n || n > 0.62f;
    }
    if (p->material == MATERIAL_HEDGE) {
        float top = p->centre.y + p->half.y;
        float n = synth_noise_two(noise, at.z + shift, at.x * 0.8f + at.y * 0.3f, footprint, 2.2f);
        return at.y > top - 0.09f - 0.14f * n;
    }
    if (p->material == MATERIAL_SIGN) { /* the seed says which outline: disc, triangle, rectangle */
        float x = (at.x - p->centre.x) / p->half.x, y = (at.y - p->centre.y) / p->half.y;
        if (p->seed == 0) return x * x + y * y > 1.0f;
        return p->seed == 1 && f_abs(x) + 0.5f * (y + 1.0f) > 1.0f;
    }
    if (p->material == MATERIAL_FENCE && face < 2) {
        int32_t bar;
        float x = f_cell(at.z + shift, 0.14f, &bar) - 0.07f, rail = at.y / (2.0f * p->half.y);
        if (f_abs(rail - 0.85f) < 0.04f || f_abs(rail - 0.2f) < 0.04f) return false;
        float open = 0.07f - 0.025f * (1.0f + (float)(p->seed & 1));
        if (footprint > 0.1f) /* too far to resolve: a random share of the pixels */
            return rnd_float(rnd_cell(f_floor(at.z * 31.0f), f_floor(at.y * 31.0f), p->seed)) <
                   open / 0.07f;
        return f_abs(x) < open;
    }
    return false;
}

bool synth_object_hit(const synth_world *world, const synth_noise *noise, int32_t object, v3 origin,
                      v3 direction, float near, float footprint, synth_hit *hit)
{
    const synth_object *o = &world->object[object];
    ray r = local_ray(o, origin, direction);
    if (!bounds_hit(&r, o->low, o->high, near, hit->t)) return false;
    bool found = false;
    for (int32_t i = o->first; i < o->first + o->count; i++) {
        const synth_prim *p = &world->prim[i];
        span s = {near, hit->t, -1};
        bool met = p->shape == SHAPE_BOX ? box_hit(p, &r, &s) : round_hit(p, &r, &s);
        if (!met || s.face < 0) continue;
        v3 at = v3_along(r.o, r.d, s.in);
        v3 normal = face_normal(p, s.face, at);
        if (p->material >= MATERIAL_LEAVES &&
            has_hole(p, noise, at, normal, r.d, footprint * s.in, s.face))
            continue;
        hit->t = s.in;
        hit->object = object;
        hit->prim = i;
        hit->face = s.face;
        hit->local = at;
        hit->normal = normal;
        found = true;
    }
    if (found) hit->normal = to_world(o, hit->normal);
    return found;
}

bool synth_object_blocks(const synth_world *world, const synth_noise *noise, int32_t object,
                         v3 origin, v3 direction, float near)
{
    const synth_object *o = &world->object[object];
    ray r = local_ray(o, origin, direction);
    if (!bounds_hit(&r, o->low, o->high, near, 1e6f)) return false;
    for (int32_t i = o->first; i < o->first + o->count; i++) {
        const synth_prim *p = &world->prim[i];
        span s = {near, 1e6f, -1};
        bool met = p->shape == SHAPE_BOX ? box_hit(p, &r, &s) : round_hit(p, &r, &s);
        if (!met) continue;
        if (s.face >= 0 && p->material >= MATERIAL_LEAVES) {
            v3 at = v3_along(r.o, r.d, s.in);
            if (has_hole(p, noise, at, face_normal(p, s.face, at), r.d, 0.05f, s.face)) continue;
        }
        return true;
    }
    return false;
}
