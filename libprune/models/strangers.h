/* Checkpoints of networks that people mistake for supported ones. */
#ifndef PR_MODELS_STRANGERS_H
#define PR_MODELS_STRANGERS_H

#include "libprune/models/checkpoint.h"

/* The error for a checkpoint of no known family, with the nearest explanation there is. */
prune_status pr_strangers_refuse(const pr_checkpoint *checkpoint);

#endif
