/* Saliency: in which order the units of a space should go. */
#ifndef PR_PRUNING_SALIENCY_H
#define PR_PRUNING_SALIENCY_H

#include "libprune/passes/spaces.h"
#include "libprune/pruning/panels.h"

/* What was seen of the model; the rows of the table below say what they need. Slots as in
 * pr_spaces. */
typedef struct pr_evidence {
    const prune_model *model;
    const pr_spaces *spaces;
    const pr_panels *panels;
    const double *energy; /* per slot: mean square of the value */
    const double *taylor; /* per slot: mean over views of (sum of value x gradient)^2 */
    uint64_t seed;
} pr_evidence;

/* Removal order of one space. Units stand in groups of n_units / groups = width; the t-th unit to
 * go from group g is order[g * width + t], for t < limit. */
typedef struct pr_order {
    int32_t limit;
    int32_t *order; /* [n_units] */
} pr_order;

typedef struct pr_saliency_info {
    const char *name;
    bool gradients; /* needs G and taylor: a backward pass on every other view */
    prune_status (*order)(const pr_evidence *evidence, const pr_space *space, pr_order *out);
} pr_saliency_info;

/* By PRUNE_SALIENCY_... */
const pr_saliency_info *pr_saliency_get(int32_t saliency);

/* out->order by ascending score [n_units] inside each group; ties by number. */
prune_status pr_saliency_sort(prune_context *ctx, const pr_space *space, const double *score,
                              pr_order *out);
/* Score of q/k channels, which no linear map reads: mean square of q times that of k. */
void pr_saliency_qk_energy(const pr_evidence *evidence, const pr_space *space, double *score);

/* The rows of the table, each in its own file. */
prune_status pr_saliency_reconstruction(const pr_evidence *evidence, const pr_space *space,
                                        pr_order *out);
prune_status pr_saliency_taylor(const pr_evidence *evidence, const pr_space *space, pr_order *out);
prune_status pr_saliency_magnitude(const pr_evidence *evidence, const pr_space *space,
                                   pr_order *out);
prune_status pr_saliency_random(const pr_evidence *evidence, const pr_space *space, pr_order *out);

#endif
