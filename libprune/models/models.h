/* Inside the room models: what its files ask of each other. */
#ifndef PR_MODELS_H
#define PR_MODELS_H

#include "libprune/formats/table.h"
#include "libprune/ops/ops.h"

#include <prune/model.h>

/* The last step of every way to get a model: checks that all shapes fit, puts pointwise layers
 * before the resizes that they commute with (passes/order.h), and notes what later reductions are
 * fractions of (unless the model already carries that note). */
prune_status pr_models_finish(prune_model *model);

/* What loading learned about a file. */
typedef struct pr_load_note {
    bool packed; /* written by this library */
    size_t tensors, of_type[PR_DTYPE_COUNT], unused;
    uint64_t bytes; /* of all tensors, as stored */
} pr_load_note;
/* prune_model_load; note may be NULL. */
prune_status pr_model_load_noted(prune_model **out, pr_load_note *note, prune_context *context,
                                 const char *path, const prune_load_options *options);

/* True when the table is a model that this library wrote. */
bool pr_packed_probe(const pr_table *table);
/* Graph from the table's notes, parameters from its tensors. Half-precision tensors become F32 in
 * the table, or leave it as they are converted. */
prune_status pr_packed_open(prune_model **out, prune_context *ctx, pr_table *table);

#endif
