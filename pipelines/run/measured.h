/* Latency and energy of models that take turns, as the record keeps them. */
#ifndef PIPELINES_MEASURED_H
#define PIPELINES_MEASURED_H

#include <prune/measure.h>
#include <prune/sys/json.h>

/* latencies[i], and json[i] = {"latency_ms": {"minimum", "median", "median_ci95", "p95", "runs",
 * ...}, "energy_mj": {"value", "estimated", "source", ...}} for the caller to free. seconds: for
 * the latency of all together, and where energy is measured for each model and for the rest
 * between. On failure json[] is left all NULL. */
prune_status measured_take(prune_context *ctx, const prune_model *const *models, int32_t count,
                           double seconds, prune_latency *latencies, json_t **json);

#endif
