/* A control: any order. */
#include "libprune/pruning/saliency.h"

prune_status pr_saliency_random(const pr_evidence *evidence, const pr_space *space, pr_order *out)
{
    prune_context *ctx = evidence->spaces->ctx;
    double *score = NULL;
    pr_random random;
    PR_TRY(pr_new(ctx, (void **)&score, (size_t)space->n_units, sizeof *score));
    pr_random_seed(&random, evidence->seed, (uint64_t)space->first_unit);
    for (int32_t u = 0; u < space->n_units; u++) score[u] = pr_random_unit(&random);
    prune_status status = pr_saliency_sort(ctx, space, score, out);
    pr_free(ctx, score);
    return status;
}
