#include "eval/synth/sky.h"
#include "eval/synth/world.h"
#include "tests/support/support.h"

#include <stdlib.h>

START_TEST(sky_is_bright_hills_are_darker)
{
    synth_world *w = calloc(1, sizeof *w);
    synth_noise *noise = malloc(sizeof *noise);
    synth_noise_build(noise);
    for (uint64_t drive = 0; drive < 20; drive++) {
        synth_world_build(w, 4, drive, 0, 644, 196);
        v3 sky = synth_sky_light(&w->light, noise, v3_make(0.1f, 0.6f, 1));
        v3 hill = synth_sky_light(&w->light, noise, v3_make(0.1f, -0.01f, 1));
        ck_assert(sky.x > 0.1f && sky.z > 0.3f && sky.z < 8.0f);
        ck_assert(hill.x < sky.x + 0.3f && hill.x > 0);
        v3 down = synth_sky_mirrored(&w->light, v3_make(0, -1, 0.1f));
        v3 up = synth_sky_mirrored(&w->light, v3_make(0, 1, 0.1f));
        ck_assert(up.z > down.z);
    }
    free(w);
    free(noise);
}
END_TEST

TEST_MAIN("eval.synth.sky", sky_is_bright_hills_are_darker)
