#include "eval/synth/shapes.h"
#include "tests/support/support.h"

#include <stdlib.h>

static synth_noise noise;

/* One object with one primitive of this shape and material, turned by a quarter at (0, 0, 10). */
static synth_world *single(synth_shape shape, synth_material material, v3 centre, v3 half)
{
    synth_world *w = calloc(1, sizeof *w);
    synth_noise_build(&noise);
    synth_prim *p = &w->prim[0];
    p->shape = (uint8_t)shape, p->material = (uint8_t)material;
    p->centre = centre, p->half = half;
    p->inverse = v3_make(1.0f / half.x, 1.0f / half.y, 1.0f / half.z);
    synth_object *o = &w->object[0];
    o->z = 10.0f, o->cosine = 0.0f, o->sine = 1.0f; /* local z ahead = world x */
    o->count = 1;
    o->low = v3_sub(centre, half), o->high = v3_add(centre, half);
    w->objects = w->prims = 1;
    return w;
}

static bool shoot(const synth_world *w, v3 origin, v3 direction, synth_hit *hit)
{
    *hit = (synth_hit){.t = 1000.0f, .object = -1};
    return synth_object_hit(w, &noise, 0, origin, direction, 0.0f, 0.001f, hit);
}

START_TEST(a_turned_box)
{
    synth_world *w = single(SHAPE_BOX, MATERIAL_PLAIN, v3_make(0, 1, 0), v3_make(2, 1, 3));
    synth_hit h;
    ck_assert(shoot(w, v3_make(0, 1, 0), v3_make(0, 0, 1), &h));
    ck_assert_double_eq_tol((double)h.t, 8.0, 1e-5); /* half.x faces the viewer */
    ck_assert_double_eq_tol((double)h.normal.z, -1.0, 1e-6);
    ck_assert(shoot(w, v3_make(2.9f, 1, 0), v3_make(0, 0, 1), &h));
    ck_assert(!shoot(w, v3_make(3.1f, 1, 0), v3_make(0, 0, 1), &h));
    ck_assert(!shoot(w, v3_make(0, 2.1f, 0), v3_make(0, 0, 1), &h));
    ck_assert(synth_object_blocks(w, &noise, 0, v3_make(0, 0.5f, 0), v3_make(0, 0, 1), 0));
    ck_assert(!synth_object_blocks(w, &noise, 0, v3_make(0, 0.5f, 0), v3_make(0, 0, -1), 0));
    free(w);
}
END_TEST

START_TEST(a_cut_takes_a_corner_away)
{
    synth_world *w = single(SHAPE_BOX, MATERIAL_PLAIN, v3_make(0, 1, 0), v3_make(1, 1, 1));
    synth_hit h;
    w->prim[0].cuts = 1; /* keep y <= 1 */
    w->prim[0].cut[0] = (synth_cut){v3_make(0, 1, 0), 1.0f};
    ck_assert(!shoot(w, v3_make(0, 1.5f, 0), v3_make(0, 0, 1), &h));
    ck_assert(shoot(w, v3_make(0, 0.5f, 0), v3_make(0, 0, 1), &h));
    ck_assert(shoot(w, v3_make(0, 5, 10), v3_make(0, -1, 0), &h));
    ck_assert_double_eq_tol((double)h.t, 4.0, 1e-5);
    ck_assert_int_eq(h.face, 6);
    free(w);
}
END_TEST

START_TEST(round_shapes)
{
    synth_hit h;
    synth_world *w = single(SHAPE_ELLIPSOID, MATERIAL_PLAIN, v3_make(0, 1, 0), v3_make(2, 1, 1));
    ck_assert(shoot(w, v3_make(0, 1, 0), v3_make(0, 0, 2), &h));
    ck_assert_double_eq_tol((double)h.t, 4.0, 1e-4); /* in units of the direction's length */
    free(w);
    w = single(SHAPE_POST, MATERIAL_PLAIN, v3_make(0, 1, 0), v3_make(0.5f, 1, 0.5f));
    ck_assert(shoot(w, v3_make(0, 1, 0), v3_make(0, 0, 1), &h));
    ck_assert_double_eq_tol((double)h.t, 9.5, 1e-4);
    ck_assert(!shoot(w, v3_make(0, 2.1f, 0), v3_make(0, 0, 1), &h));
    free(w);
    w = single(SHAPE_WHEEL, MATERIAL_WHEEL, v3_make(0, 1, 0), v3_make(0.2f, 1, 1));
    ck_assert(shoot(w, v3_make(0, 1, 0), v3_make(0, 0, 1), &h));
    ck_assert_double_eq_tol((double)h.t, 9.8, 1e-4); /* the flat side */
    ck_assert(h.face < 2);
    free(w);
}
END_TEST

START_TEST(leaves_have_gaps_and_fences_bars)
{
    static const synth_material materials[2] = {MATERIAL_LEAVES, MATERIAL_FENCE};
    for (int m = 0; m < 2; m++) {
        synth_world *w = single(m ? SHAPE_BOX : SHAPE_ELLIPSOID, materials[m], v3_make(0, 1, 0),
                                m ? v3_make(0.03f, 1, 2) : v3_make(2, 1, 2));
        int met = 0, all = 0;
        synth_hit h;
        for (float x = -1.9f; x < 1.9f; x += 0.01f, all++)
            met += shoot(w, v3_make(x, 1, 0), v3_make(0, 0, 1), &h);
        ck_assert_int_gt(met, all / 10);
        ck_assert_int_lt(met, all - 4);
        free(w);
    }
}
END_TEST

TEST_MAIN("eval.synth.shapes", a_turned_box, a_cut_takes_a_corner_away, round_shapes,
          leaves_have_gaps_and_fences_bars)
