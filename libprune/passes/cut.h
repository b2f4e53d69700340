/* Surgery: removes units of channel spaces from a model. */
#ifndef PR_PASSES_CUT_H
#define PR_PASSES_CUT_H

#include "libprune/passes/spaces.h"

/* Removes the units for which removed[] is true (numbers: pr_space.first_unit + unit). The spaces
 * must be those of this model. The model is unchanged when this fails: a locked space, a space
 * left without units, or groups left unequal. The smaller network computes what the original does
 * with the removed units' channels set to zero in every value that has them. */
prune_status pr_spaces_cut(prune_model *model, const pr_spaces *spaces, const bool *removed);

#endif
