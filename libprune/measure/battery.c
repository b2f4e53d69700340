/* Minutes that a battery lasts. */
#include "libprune/base/error.h"
#include "libprune/base/options.h"

#include <prune/measure.h>
#include <string.h>

#define FIELD(member) offsetof(prune_battery_options, member)
static const prune_option rows[] = {
    {"battery-wh", PRUNE_OPTION_FLOAT, FIELD(battery_wh), "0", 0, 1e9, NULL,
     "watt-hours of a battery, to tell how long it lasts; 0: no battery"},
    {"idle-watts", PRUNE_OPTION_FLOAT, FIELD(idle_watts), "-1", -1, 1e9, NULL,
     "that the device draws besides; -1: what rapl measured at idle, else 0"},
    {"fps", PRUNE_OPTION_FLOAT, FIELD(fps), "0", 0, 1e9, NULL,
     "pictures per second; 0: one after the other"},
};
#undef FIELD

const prune_option_table *prune_battery_option_table(void)
{
    static const prune_option_table table = {"battery", sizeof(prune_battery_options), rows,
                                             sizeof rows / sizeof *rows};
    return &table;
}

void prune_battery_options_init(prune_battery_options *options)
{
    prune_options_init(prune_battery_option_table(), options);
}

prune_status prune_battery_runtime(prune_runtime *runtime, const prune_battery_options *options,
                                   const prune_frame_energy *frame, double latency_ms)
{
    prune_battery_options o;
    PR_TRY(pr_options_take(prune_battery_option_table(), &o, options));
    if (!(o.battery_wh > 0))
        return pr_fail(PRUNE_E_ARGUMENT, "battery-wh: give the battery's watt-hours");
    if (!(latency_ms > 0))
        return pr_fail(PRUNE_E_ARGUMENT, "battery: a picture takes %g ms, which is no time",
                       latency_ms);
    prune_runtime r = {.struct_size = (uint32_t)sizeof r, .fps = 1e3 / latency_ms};
    r.idle_watts = o.idle_watts < 0 ? frame->idle_watts : o.idle_watts;
    if (o.fps > 0 && o.fps < r.fps) r.fps = o.fps;
    r.watts = r.idle_watts + 1e-3 * frame->value * r.fps;
    if (!(r.watts > 0))
        return pr_fail(PRUNE_E_UNSUPPORTED,
                       "battery: no power was counted (%g mJ per picture): measure longer with "
                       "energy-seconds, or give idle-watts",
                       frame->value);
    r.minutes = 60 * o.battery_wh / r.watts;
    uint32_t size = runtime->struct_size;
    memcpy(runtime, &r, size < sizeof r ? size : sizeof r);
    runtime->struct_size = size;
    return PRUNE_OK;
}
