#include "eval/synth/lidar.h"
#include "eval/synth/world.h"
#include "tests/support/support.h"

#include <stdlib.h>

static void share_at(int32_t width, int32_t height)
{
    synth_world *w = calloc(1, sizeof *w);
    size_t pixels = (size_t)width * (size_t)height;
    float *dense = malloc(pixels * sizeof *dense), *sparse = malloc(pixels * sizeof *sparse);
    float *again = malloc(pixels * sizeof *again);
    synth_world_build(w, 1, 0, 0, width, height);
    for (size_t i = 0; i < pixels; i++) dense[i] = i < pixels / 5 ? 0.0f : 10.0f + (float)(i % 7);
    synth_lidar_sample(&w->camera, dense, width, height, 5, sparse);
    synth_lidar_sample(&w->camera, dense, width, height, 5, again);
    ck_assert(memcmp(sparse, again, pixels * sizeof *sparse) == 0);
    size_t kept = 0;
    int32_t first = -1;
    for (size_t i = 0; i < pixels; i++) {
        if (sparse[i] <= 0) continue;
        ck_assert(sparse[i] == dense[i]);
        if (first < 0) first = (int32_t)(i / (size_t)width);
        kept++;
    }
    double share = (double)kept / (double)pixels;
    ck_assert_msg(share > 0.035 && share < 0.06, "%d x %d: share %g", (int)width, (int)height,
                  share);
    ck_assert_int_gt(first, height / 4); /* nothing in the upper part */
    synth_lidar_sample(&w->camera, dense, width, height, 6, again);
    ck_assert(memcmp(sparse, again, pixels * sizeof *sparse) != 0);
    free(w);
    free(dense);
    free(sparse);
    free(again);
}

START_TEST(the_share_is_a_scanners_at_any_size)
{
    share_at(1242, 375);
    share_at(644, 196);
    share_at(322, 98);
}
END_TEST

TEST_MAIN("eval.synth.lidar", the_share_is_a_scanners_at_any_size)
