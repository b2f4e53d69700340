/* First order (Molchanov et al. 2017): the change of the output when a unit is set to 0 is about
 * the sum of value x gradient over its positions. The gradient is that of a random probe of the
 * log-depth, because the loss against the network's own output has none there; squares are averaged
 * over views. Taken where consumers read the unit. */
#include "libprune/ops/ops.h"
#include "libprune/pruning/saliency.h"

prune_status pr_saliency_taylor(const pr_evidence *evidence, const pr_space *space, pr_order *out)
{
    prune_context *ctx = evidence->spaces->ctx;
    double *score = NULL;
    PR_TRY(pr_new(ctx, (void **)&score, (size_t)space->n_units, sizeof *score));
    for (int32_t u = 0; u < space->n_units; u++) {
        score[u] = 0;
        for (int32_t r = space->run_begin[u]; r < space->run_begin[u + 1]; r++) {
            const pr_channel_run *run = &space->runs[r];
            bool read = false;
            for (int32_t i = 0; i < space->n_consumers && !read; i++)
                read = evidence->model->nodes[space->consumers[i]].inputs[0] == run->value;
            const double *taylor = evidence->taylor + evidence->spaces->slots[run->value];
            for (int32_t c = run->first; read && c < run->first + run->count; c++)
                score[u] += taylor[c];
        }
    }
    if (space->kind == PR_SPACE_QK) pr_saliency_qk_energy(evidence, space, score);
    prune_status status = pr_saliency_sort(ctx, space, score, out);
    pr_free(ctx, score);
    return status;
}
