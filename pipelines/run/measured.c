#include "pipelines/run/measured.h"

#include <prune/sys/error.h>

static prune_status one(const prune_timing *timing, const prune_energy *energy, int32_t index,
                        prune_latency *latency, json_t **json)
{
    char *time_text = NULL, *energy_text = NULL;
    latency->struct_size = (uint32_t)sizeof *latency;
    prune_status status = prune_timing_latency(timing, index, latency);
    if (status == PRUNE_OK) status = prune_timing_json(timing, index, &time_text);
    if (status == PRUNE_OK) status = prune_energy_json(energy, index, &energy_text);
    if (status == PRUNE_OK) {
        *json = json_pack("{s:o, s:o}", "latency_ms", json_loads(time_text, 0, NULL), "energy_mj",
                          json_loads(energy_text, 0, NULL));
        if (!*json) status = prune_error_set(PRUNE_E_MEMORY, "measuring: out of memory");
    }
    prune_text_free(time_text);
    prune_text_free(energy_text);
    return status;
}

prune_status measured_take(prune_context *ctx, const prune_model *const *models, int32_t count,
                           double seconds, prune_latency *latencies, json_t **json)
{
    prune_timing_options timing_options;
    prune_energy_options energy_options;
    prune_timing *timing = NULL;
    prune_energy *energy = NULL;
    prune_timing_options_init(&timing_options);
    prune_energy_options_init(&energy_options);
    timing_options.seconds = seconds;
    energy_options.seconds = energy_options.idle_seconds = seconds;
    for (int32_t i = 0; i < count; i++) json[i] = NULL;
    prune_status status = prune_timing_run(&timing, ctx, models, count, &timing_options);
    if (status == PRUNE_OK) status = prune_energy_run(&energy, ctx, models, count, &energy_options);
    for (int32_t i = 0; status == PRUNE_OK && i < count; i++)
        status = one(timing, energy, i, &latencies[i], &json[i]);
    for (int32_t i = 0; status != PRUNE_OK && i < count; i++) {
        json_decref(json[i]);
        json[i] = NULL;
    }
    prune_timing_free(timing);
    prune_energy_free(energy);
    return status;
}
