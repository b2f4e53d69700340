#include "eval/synth/lists.h"
#include "eval/synth/shapes.h"
#include "tests/support/support.h"

#include <stdlib.h>

START_TEST(no_tile_misses_an_object)
{
    prune_context *context = test_context(1);
    synth_world *w = calloc(1, sizeof *w);
    synth_noise *noise = malloc(sizeof *noise);
    static float near[SYNTH_OBJECTS];
    synth_noise_build(noise);
    for (uint64_t drive = 0; drive < 4; drive++) {
        synth_lists lists;
        synth_world_build(w, 6, drive, 0, 160, 48);
        ck_ok(synth_lists_tiles(&lists, context, w, 160, 48, near));
        for (int32_t y = 0; y < 48; y += 3)
            for (int32_t x = 0; x < 160; x += 3) {
                v3 ray = synth_camera_ray(&w->camera, (float)x, (float)y);
                int32_t tile = y / SYNTH_TILE * lists.columns + x / SYNTH_TILE;
                for (int32_t i = 0; i < w->objects; i++) {
                    synth_hit hit = {.t = SYNTH_FAR, .object = -1};
                    if (!synth_object_hit(w, noise, i, w->camera.origin, ray, 0.3f, 0.01f, &hit))
                        continue;
                    bool listed = false;
                    for (int32_t k = lists.start[tile]; k < lists.start[tile + 1]; k++)
                        listed |= lists.entries[k] == i;
                    ck_assert_msg(listed, "object %d is not in tile %d", (int)i, (int)tile);
                    ck_assert(near[i] <= hit.t + 1e-3f);
                }
            }
        synth_lists_free(context, &lists);
    }
    free(w);
    free(noise);
    prune_context_free(context);
}
END_TEST

START_TEST(no_cell_misses_a_shadow)
{
    prune_context *context = test_context(1);
    synth_world *w = calloc(1, sizeof *w);
    synth_noise *noise = malloc(sizeof *noise);
    synth_noise_build(noise);
    int shadows = 0;
    for (uint64_t drive = 0; drive < 6; drive++) {
        synth_lists lists;
        synth_world_build(w, 6, drive, 0, 160, 48);
        ck_ok(synth_lists_ground(&lists, context, w));
        for (float z = 1.0f; z < 60.0f; z += 2.9f)
            for (float x = -12.0f; x < 12.0f; x += 1.7f) {
                v3 p = v3_make(w->camera.origin.x + x, 0.05f, w->camera.origin.z + z);
                const uint16_t *entries = NULL;
                int32_t count = synth_lists_at(&lists, p.x, p.z, &entries);
                for (int32_t i = 0; i < w->objects && w->light.sun.x > 0.05f; i++) {
                    if (!synth_object_blocks(w, noise, i, p, w->light.sun_direction, 0.05f))
                        continue;
                    bool listed = false;
                    for (int32_t k = 0; k < count; k++) listed |= entries[k] == i;
                    ck_assert_msg(listed, "object %d shades a cell that does not list it", (int)i);
                    shadows++;
                }
            }
        synth_lists_free(context, &lists);
    }
    ck_assert_int_gt(shadows, 50);
    free(w);
    free(noise);
    prune_context_free(context);
}
END_TEST

TEST_MAIN("eval.synth.lists", no_tile_misses_an_object, no_cell_misses_a_shadow)
