/* Inside the room models: what its files ask of each other. */
#ifndef PR_MODELS_H
#define PR_MODELS_H

#include "libprune/ops/ops.h"

/* The last step of every way to get a model: notes what later reductions are fractions of. Keeps
 * the note of a model that already carries one. */
prune_status pr_models_finish(prune_model *model);

#endif
