#include "eval/synth/noise.h"
#include "tests/support/support.h"

static synth_noise noise;

static double spread(float footprint)
{
    double squares = 0;
    for (int i = 0; i < 4000; i++) {
        float v = synth_noise_at(&noise, (float)i * 1.37f, (float)i * 0.71f, footprint);
        ck_assert(v >= -1.0f && v <= 1.0f);
        squares += (double)v * (double)v;
    }
    return squares / 4000;
}

START_TEST(a_wide_footprint_averages)
{
    synth_noise_build(&noise);
    ck_assert_double_gt(spread(0.1f), 0.08);
    ck_assert_double_lt(spread(8.0f), 0.3 * spread(0.1f));
    ck_assert_double_lt(spread(1e6f), 0.01);
}
END_TEST

START_TEST(it_tiles_and_is_continuous)
{
    synth_noise_build(&noise);
    for (float x = -3.0f; x < 3.0f; x += 0.013f) {
        float v = synth_noise_at(&noise, x, 5.5f, 0.1f);
        float tiled = synth_noise_at(&noise, x + (float)NOISE_SIZE, 5.5f - (float)NOISE_SIZE, 0.1f);
        ck_assert(f_abs(v - tiled) < 1e-3f);
        ck_assert(f_abs(v - synth_noise_at(&noise, x + 0.001f, 5.5f, 0.1f)) < 0.01f);
    }
}
END_TEST

START_TEST(octaves_stay_in_range)
{
    synth_noise_build(&noise);
    for (int i = 0; i < 1000; i++) {
        float x = (float)i * 0.37f;
        ck_assert(f_abs(synth_noise_two(&noise, x, 2.0f, 0.01f, 3.0f)) <= 1.0f);
        ck_assert(f_abs(synth_noise_three(&noise, x, 2.0f, 0.01f, 3.0f)) <= 1.0f);
    }
}
END_TEST

TEST_MAIN("eval.synth.noise", a_wide_footprint_averages, it_tiles_and_is_continuous,
          octaves_stay_in_range)
