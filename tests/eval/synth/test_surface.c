#include "eval/synth/models.h"
#include "eval/synth/surface.h"
#include "tests/support/support.h"

#include <stdlib.h>

/* Every point of every object in some worlds has a sensible surface. */
START_TEST(surfaces_are_physical)
{
    synth_world *w = calloc(1, sizeof *w);
    synth_noise *noise = malloc(sizeof *noise);
    synth_noise_build(noise);
    int met[MATERIAL_LAMPS + 1] = {0};
    for (uint64_t drive = 0; drive < 24; drive++) {
        synth_world_build(w, 5, drive, 0, 644, 196);
        for (int32_t i = 0; i < w->objects; i++) {
            const synth_object *o = &w->object[i];
            for (int k = 0; k < 24; k++) {
                rnd r = {(uint64_t)(i * 24 + k)};
                v3 p = v3_make(o->x + rnd_range(&r, -1, 1), o->y + rnd_range(&r, 0.1f, 3.0f), o->z);
                v3 d = v3_make(rnd_range(&r, -1, 1), rnd_range(&r, -0.5f, 0.2f), 1);
                synth_hit hit = {.t = 1000, .object = -1};
                if (!synth_object_hit(w, noise, i, v3_along(p, d, -20), d, 0, 0.01f, &hit))
                    continue;
                synth_surface s = synth_surface_at(w, noise, &hit, 0.02f);
                met[w->prim[hit.prim].material]++;
                ck_assert(s.colour.x >= 0 && s.colour.x <= 1.5f);
                ck_assert(s.colour.y >= 0 && s.colour.z >= 0 && s.light.x >= 0);
                ck_assert(s.gloss >= 0 && s.gloss < 1);
                ck_assert(f_abs(v3_dot(s.normal, s.normal) - 1.0f) < 1e-3f);
            }
        }
    }
    for (int m = 0; m <= MATERIAL_LAMPS; m++)
        if (m != MATERIAL_CONCRETE) ck_assert_msg(met[m] > 0, "material %d was never met", m);
    free(w);
    free(noise);
}
END_TEST

START_TEST(windows_are_darker_than_walls)
{
    synth_world *w = calloc(1, sizeof *w);
    synth_noise *noise = malloc(sizeof *noise);
    synth_noise_build(noise);
    rnd r = {8};
    synth_place here = {0, 0, 0, 1, 0};
    ck_assert(synth_add_building(w, &r, here, 10, 20, 12, true) != NULL);
    int glass = 0, wall = 0;
    for (float z = -9.5f; z < 9.5f; z += 0.05f) {
        synth_hit hit = {.t = 1000, .object = -1};
        ck_assert(synth_object_hit(w, noise, 0, v3_make(-20, w->object[0].size[0] * 1.5f, z),
                                   v3_make(1, 0, 0), 0, 0.001f, &hit));
        synth_surface s = synth_surface_at(w, noise, &hit, 0.01f);
        if (s.gloss > 0.05f)
            glass++;
        else
            wall++;
    }
    ck_assert_int_gt(glass, 40);
    ck_assert_int_gt(wall, 40);
    free(w);
    free(noise);
}
END_TEST

TEST_MAIN("eval.synth.surface", surfaces_are_physical, windows_are_darker_than_walls)
