/* Inside the room models: what its files ask of each other. */
#ifndef PR_MODELS_H
#define PR_MODELS_H

#include "libprune/formats/table.h"
#include "libprune/ops/ops.h"

/* The last step of every way to get a model: checks that all shapes fit, and notes what later
 * reductions are fractions of (unless the model already carries that note). */
prune_status pr_models_finish(prune_model *model);

/* True when the table is a model that this library wrote. */
bool pr_packed_probe(const pr_table *table);
/* Graph from the table's notes, parameters from its tensors. Half-precision tensors leave the table
 * as they are converted. */
prune_status pr_packed_open(prune_model **out, prune_context *ctx, pr_table *table);

#endif
