/* Goals: how far a model is from them, and in the end what was asked for against what came out. */
#ifndef PIPELINES_GOALS_H
#define PIPELINES_GOALS_H

#include "pipelines/run/engine.h"

/* Whether trim stage `index` of the recipe is driven by goals that no count of operations tells:
 * size of the packed file, latency, energy. It is when it names no target of its own. */
bool goals_drive(const prune_recipe *recipe, size_t index);

/* How much of its MACs the model may keep so that packed size, latency and energy are what the
 * goals want, supposing that they go with the MACs: at least 1 when they are met. Measured on the
 * model as it would be shipped, quantized as the recipe does it later where it does. The
 * measurement is logged; a resumed run takes it from there. */
prune_status goals_ahead(engine *e, int32_t round, const prune_model *model, double *left);

/* Adds "goals" and "stopped_by" to the record, by the last stage's numbers. */
prune_status goals_judge(engine *e);

#endif
