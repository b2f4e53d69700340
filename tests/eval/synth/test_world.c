#include "eval/synth/world.h"
#include "tests/support/support.h"

#include <stdlib.h>

static synth_world *fresh(uint64_t seed, uint64_t drive, int32_t frame)
{
    synth_world *w = calloc(1, sizeof *w);
    synth_world_build(w, seed, drive, frame, 1242, 375);
    return w;
}

START_TEST(the_camera_is_kittis)
{
    for (uint64_t drive = 0; drive < 20; drive++) {
        synth_world *w = fresh(3, drive, 0);
        const synth_camera *c = &w->camera;
        ck_assert_double_eq_tol((double)c->focal, 721.5377, 1e-3);
        ck_assert_double_eq_tol((double)c->cx, 609.5593, 1e-3);
        ck_assert_double_eq_tol((double)c->cy, 172.854, 1e-3);
        ck_assert(c->origin.y > 1.5f && c->origin.y < 1.8f);
        ck_assert(f_abs(v3_dot(c->ahead, c->right)) < 1e-4f &&
                  f_abs(v3_dot(c->ahead, c->up)) < 1e-4f);
        ck_assert(f_abs(v3_dot(c->right, c->up)) < 1e-4f && c->up.y > 0.99f && c->ahead.z > 0.8f);
        v3 ray = synth_camera_ray(c, 100.0f, 300.0f);
        ck_assert_double_eq_tol((double)v3_dot(ray, c->ahead), 1.0, 1e-4);
        ck_assert(ray.y < 0 && v3_dot(ray, c->right) < 0);
        free(w);
    }
}
END_TEST

START_TEST(a_drive_keeps_its_world_and_moves_on)
{
    for (uint64_t drive = 0; drive < 20; drive++) {
        synth_world *a = fresh(9, drive, 0), *b = fresh(9, drive, 5);
        ck_assert_int_eq(a->objects, b->objects);
        ck_assert_int_eq(a->prims, b->prims);
        ck_assert(memcmp(&a->road, &b->road, sizeof a->road) == 0);
        float way = b->camera.origin.z - a->camera.origin.z;
        ck_assert(way >= -0.01f && way < 8.0f);
        int still = 0;
        for (int32_t i = 0; i < a->objects; i++)
            still += a->object[i].x == b->object[i].x && a->object[i].z == b->object[i].z;
        ck_assert_int_gt(still, a->objects / 3); /* houses and trees stay */
        free(a);
        free(b);
    }
}
END_TEST

START_TEST(worlds_fit_their_tables)
{
    int32_t most = 0;
    for (uint64_t drive = 0; drive < 300; drive++) {
        synth_world *w = fresh(11, drive, 0);
        ck_assert(w->objects > 20 && w->objects < SYNTH_OBJECTS);
        most = w->prims > most ? w->prims : most;
        free(w);
    }
    ck_assert_int_lt(most, SYNTH_PRIMS - 100);
}
END_TEST

START_TEST(seeds_differ)
{
    synth_world *a = fresh(1, 0, 0), *b = fresh(2, 0, 0), *c = fresh(1, 1, 0);
    ck_assert(memcmp(&a->road, &b->road, sizeof a->road) != 0);
    ck_assert(memcmp(&a->road, &c->road, sizeof a->road) != 0);
    free(a);
    free(b);
    free(c);
}
END_TEST

TEST_MAIN("eval.synth.world", the_camera_is_kittis, a_drive_keeps_its_world_and_moves_on,
          worlds_fit_their_tables, seeds_differ)
