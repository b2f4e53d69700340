#include "tests/support/support.h"

#include <prune/measure.h>

static prune_runtime runtime_of(const prune_battery_options *options,
                                const prune_frame_energy *frame, double latency_ms)
{
    prune_runtime runtime = {.struct_size = (uint32_t)sizeof runtime};
    ck_ok(prune_battery_runtime(&runtime, options, frame, latency_ms));
    return runtime;
}

START_TEST(watts_times_minutes)
{
    const prune_frame_energy frame = {.value = 200, .idle_watts = 3}; /* 0.2 J a picture */
    prune_battery_options o;
    prune_battery_options_init(&o);
    o.battery_wh = 50;
    o.idle_watts = 5;
    /* 20 pictures per second at 0.2 J are 4 W; 50 Wh at 9 W. */
    prune_runtime r = runtime_of(&o, &frame, 50);
    ck_assert_double_eq_tol(r.watts, 9, 1e-12);
    ck_assert_double_eq_tol(r.minutes, 50.0 * 60 / 9, 1e-9);
    ck_assert_double_eq_tol(r.fps, 20, 1e-12);
    ck_assert_double_eq(r.idle_watts, 5);
    o.fps = 5;
    r = runtime_of(&o, &frame, 50);
    ck_assert_double_eq_tol(r.watts, 6, 1e-12);
    ck_assert_double_eq_tol(r.minutes, 500, 1e-9);
    o.fps = 30; /* more than the latency allows */
    ck_assert_double_eq_tol(runtime_of(&o, &frame, 50).fps, 20, 1e-12);
    o.idle_watts = -1; /* what was measured */
    ck_assert_double_eq_tol(runtime_of(&o, &frame, 50).watts, 7, 1e-12);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
    const prune_frame_energy frame = {.value = 1}, nothing = {.value = 0};
    prune_runtime r = {.struct_size = (uint32_t)sizeof r};
    prune_battery_options o;
    prune_battery_options_init(&o);
    ck_fails(prune_battery_runtime(&r, &o, &frame, 10), PRUNE_E_ARGUMENT, "battery-wh");
    o.battery_wh = 50;
    ck_fails(prune_battery_runtime(&r, &o, &frame, 0), PRUNE_E_ARGUMENT, "no time");
    ck_fails(prune_battery_runtime(&r, &o, &nothing, 10), PRUNE_E_UNSUPPORTED, "idle-watts");
    o.fps = -1;
    ck_fails(prune_battery_runtime(&r, &o, &frame, 10), PRUNE_E_ARGUMENT, "fps");
}
END_TEST

TEST_MAIN("measure.battery", watts_times_minutes, what_makes_no_sense_is_refused)
