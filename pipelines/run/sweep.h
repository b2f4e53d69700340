/* Sweeps: one run for each value of one option, and the choice among them. */
#ifndef PIPELINES_SWEEP_H
#define PIPELINES_SWEEP_H

#include "pipelines/run/engine.h"

/* The points' runs are in loop.output/sweep-VALUE/; the chosen one's model, report and pictures
 * come into loop.output. Like engine_run otherwise. */
prune_status sweep_run(prune_context *ctx, const prune_recipe *recipe,
                       const prune_compress_options *loop, const prune_model *original, bool resume,
                       prune_model *model, json_t **report);

/* Sets "pareto" and "chosen" of the points; returns the rule in words. Points have "macs",
 * "packed_bytes", "score", "goals_met"; higher: of two scores the larger is better. */
const char *sweep_choose(json_t *points, bool higher, bool goals);

#endif
