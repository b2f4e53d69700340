/* What a run is to reach. */
#include <math.h>
#include <prune/pipeline.h>
#include <prune/sys/error.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(member) offsetof(prune_goal_options, member)
static const prune_option rows[] = {
    {"macs", PRUNE_OPTION_FLOAT, FIELD(macs), "0", 0, 1, NULL,
     "fraction of the multiply-accumulates to keep; 0: no such goal"},
    {"params", PRUNE_OPTION_FLOAT, FIELD(params), "0", 0, 1, NULL,
     "fraction of the parameters to keep; 0: no such goal"},
    {"bytes", PRUNE_OPTION_FLOAT, FIELD(bytes), "0", 0, 1, NULL,
     "fraction of the stored bytes to keep, before packing; 0: no such goal"},
    {"max-drop", PRUNE_OPTION_TEXT, FIELD(max_drop), NULL, 0, 0, NULL,
     "floor: how much worse the judge may find it, such as abs_rel=0.01"},
    {"packed-bytes", PRUNE_OPTION_TEXT, FIELD(packed_bytes), NULL, 0, 0, NULL,
     "size of the packed file: a fraction of the FP32 safetensors (0.2), or 900kB, 3.5MB, 4MiB"},
    {"latency-ms", PRUNE_OPTION_FLOAT, FIELD(latency_ms), "0", 0, 1e6, NULL,
     "median milliseconds per picture on this machine; 0: no such goal"},
    {"energy-mj", PRUNE_OPTION_FLOAT, FIELD(energy_mj), "0", 0, 1e9, NULL,
     "millijoules per picture on this machine; 0: no such goal"},
};
#undef FIELD

const prune_option_table *prune_goal_option_table(void)
{
    static const prune_option_table table = {"goals", sizeof(prune_goal_options), rows,
                                             sizeof rows / sizeof *rows};
    return &table;
}

void prune_goal_options_init(prune_goal_options *options)
{
    prune_options_init(prune_goal_option_table(), options);
}

prune_status prune_packed_goal_parse(const char *text, double *fraction, uint64_t *bytes)
{
    static const struct {
        const char *unit;
        double factor;
    } units[] = {{"B", 1},       {"kB", 1e3},      {"MB", 1e6},         {"GB", 1e9},
                 {"KiB", 1024.}, {"MiB", 1048576}, {"GiB", 1073741824.}};
    char *end = NULL;
    const double value = strtod(text, &end);
    double found = 0;
    *fraction = 0;
    *bytes = 0;
    if (end != text && isfinite(value) && value > 0) {
        end += strspn(end, " ");
        for (size_t i = 0; i < sizeof units / sizeof *units; i++)
            if (strcmp(end, units[i].unit) == 0) found = value * units[i].factor;
        if (*end == '\0' && value <= 1) *fraction = value;
    }
    if (found >= 1 && found < 9e18) *bytes = (uint64_t)found;
    if (*fraction > 0 || *bytes > 0) return PRUNE_OK;
    return prune_error_set(PRUNE_E_ARGUMENT,
                           "packed-bytes '%s' is neither a fraction up to 1, such as 0.2, nor a "
                           "size with its unit (B, kB, MB, GB, KiB, MiB, GiB), such as 3.5MB",
                           text);
}
