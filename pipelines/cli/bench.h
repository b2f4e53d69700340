/* What prune bench found, and how it is shown. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "pipelines/cli/command.h"

#include <prune/measure.h>
#include <prune/sys/json.h>

enum { BENCH_MODELS = 2 };

typedef struct bench_model {
    const char *path;
    prune_model *model;
    prune_model_info info;
    prune_latency latency;
    prune_frame_energy energy;
    prune_runtime continuous, paced; /* from the battery; minutes 0: not asked */
    json_t *steps;                   /* NULL without --profile */
    double load; /* seconds from the file to the first map, less one later inference */
} bench_model;

typedef struct bench_result {
    cli_call *call;
    char machine[256];
    int32_t count;
    bench_model models[BENCH_MODELS];
    prune_timing *timing;
    prune_energy *energy;
    prune_ratio ratio;  /* of the second model to the first, where there are two */
    uint64_t peak;      /* of this process */
    uint64_t measuring; /* while measuring only; 0 where the system cannot tell */
    const prune_timing_options *timing_options;
    const prune_battery_options *battery_options;
    prune_peaks peaks; /* of --profile */
    bool by_time;      /* the steps in the text: slowest first */
} bench_result;

/* Appends an object for every step of a model at this size: time, operations, bytes, the time it
 * would take at the machine's limit. */
prune_status bench_profile(cli_call *call, const prune_model *model, int32_t height, int32_t width,
                           const prune_peaks *peaks, json_t *steps);
/* Of such a list, an object for every kernel. Both are new references. */
json_t *bench_kinds(const json_t *steps);
json_t *bench_peaks_json(const prune_peaks *peaks);
void bench_print_steps(const json_t *steps, const prune_peaks *peaks, bool by_time);

void bench_print(const bench_result *b);
prune_status bench_json(const bench_result *b, char **text);

#endif
