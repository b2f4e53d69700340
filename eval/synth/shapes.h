/* Where a ray meets an object. */
#ifndef EVAL_SYNTH_SHAPES_H
#define EVAL_SYNTH_SHAPES_H

#include "eval/synth/noise.h"
#include "eval/synth/world.h"

/* A point on a surface. face: 0..5 for -x, +x, -y, +y, -z, +z of a box, 6.. for its cuts, 0 for
 * round shapes. */
typedef struct synth_hit {
    float t;        /* ray parameter; the depth when the ray is synth_camera_ray's */
    int32_t object; /* -1: the ground or the sky */
    int32_t prim;   /* in the world's list */
    int32_t face;
    v3 local;  /* point in the object's frame */
    v3 normal; /* world, unit, towards the viewer's side */
} synth_hit;

/* If the ray meets `object` at a parameter in (near, hit->t), updates *hit and returns true.
 * footprint: size of a pixel at distance 1, to keep fine holes from shimmering. */
bool synth_object_hit(const synth_world *world, const synth_noise *noise, int32_t object, v3 origin,
                      v3 direction, float near, float footprint, synth_hit *hit);

/* Whether the object blocks the ray anywhere beyond `near`. */
bool synth_object_blocks(const synth_world *world, const synth_noise *noise, int32_t object,
                         v3 origin, v3 direction, float near);

/* Where a point of a crown lies in the leaf texture (metres): seen along its main axis. */
static inline void synth_leaf_place(const synth_prim *prim, v3 at, float *a, float *b)
{
    v3 q = v3_mul(v3_sub(at, prim->centre), prim->inverse);
    float x = f_abs(q.x), y = f_abs(q.y), z = f_abs(q.z), shift = rnd_float(prim->seed) * 100.0f;
    *a = (x > y && x > z ? at.z : at.x) + shift;
    *b = y > x && y > z ? at.z : at.y;
}

#endif
