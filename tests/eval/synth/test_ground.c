#include "eval/synth/ground.h"
#include "tests/support/support.h"

static synth_noise noise;

static synth_road street(void)
{
    synth_road road = {.lane = 3.5f,
                       .lanes = {1, 1},
                       .kerb = {4, 4},
                       .pavement = {2, 2},
                       .raised = 0.12f,
                       .zebra_z = -1,
                       .centre_line = true,
                       .asphalt = {.2f, .2f, .2f},
                       .paving = {.3f, .3f, .3f},
                       .grass = {.05f, .2f, .02f}};
    road.behind[0] = road.behind[1] = road.paving;
    return road;
}

START_TEST(road_pavement_and_kerb)
{
    synth_road road = street();
    synth_ground_hit h;
    v3 eye = v3_make(0, 1.65f, 0);
    ck_assert(synth_ground_find(&road, eye, v3_make(0, -0.1f, 1), 100, &h));
    ck_assert_double_eq_tol((double)h.t, 16.5, 1e-4);
    ck_assert(!h.raised && !h.kerb);
    ck_assert(synth_ground_find(&road, eye, v3_make(1, -0.1f, 1), 100, &h));
    ck_assert_double_eq_tol((double)h.t, 15.3, 1e-4);
    ck_assert(h.raised);
    /* A ray that comes down to 0.06 m where the kerb stands. */
    ck_assert(synth_ground_find(&road, eye, v3_make(4, 0.06f - 1.65f, 2), 100, &h));
    ck_assert(h.kerb);
    ck_assert_double_eq_tol((double)h.point.x, 4.0, 1e-3);
    ck_assert_double_eq_tol((double)h.point.y, 0.06, 1e-3);
    ck_assert_double_eq_tol((double)h.normal.x, -1.0, 1e-3);
    ck_assert(!synth_ground_find(&road, eye, v3_make(0, 0.1f, 1), 100, &h));
    ck_assert(!synth_ground_find(&road, eye, v3_make(0, -0.001f, 1), 100, &h));
}
END_TEST

START_TEST(side_streets_open_the_kerb)
{
    synth_road road = street();
    synth_ground_hit h;
    v3 eye = v3_make(8, 1.65f, 20);
    ck_assert(synth_ground_find(&road, eye, v3_make(0, -1, 0), 100, &h) && h.raised);
    road.side_z[1] = 20, road.side_half[1] = 3;
    ck_assert(synth_ground_find(&road, eye, v3_make(0, -1, 0), 100, &h) && !h.raised);
    eye.x = -8;
    ck_assert(synth_ground_find(&road, eye, v3_make(0, -1, 0), 100, &h) && h.raised);
}
END_TEST

static v3 colour_at(const synth_road *road, float x, float z)
{
    synth_ground_hit h;
    float gloss;
    ck_assert(synth_ground_find(road, v3_make(x, 2, z), v3_make(0, -1, 0), 100, &h));
    return synth_ground_colour(road, &noise, &h, 0.01f, 0.02f, &gloss);
}

START_TEST(markings_are_bright_and_grass_is_green)
{
    synth_noise_build(&noise);
    synth_road road = street();
    v3 paint = colour_at(&road, 0, 1.5f), gap = colour_at(&road, 0, 5.5f);
    v3 asphalt = colour_at(&road, 1.75f, 2), grass = colour_at(&road, 9, 2);
    ck_assert(paint.x > 0.35f && gap.x < 0.35f && asphalt.x < 0.35f);
    ck_assert(grass.y > grass.x && grass.y > 1.3f * grass.z);
}
END_TEST

TEST_MAIN("eval.synth.ground", road_pavement_and_kerb, side_streets_open_the_kerb,
          markings_are_bright_and_grass_is_green)
