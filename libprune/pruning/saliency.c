#include "libprune/pruning/saliency.h"

#include <prune/pruning.h>
#include <stdlib.h>

const pr_saliency_info *pr_saliency_get(int32_t saliency)
{
    static const pr_saliency_info rows[] = {
        [PRUNE_SALIENCY_RECONSTRUCTION] = {"reconstruction", true, pr_saliency_reconstruction},
        [PRUNE_SALIENCY_TAYLOR] = {"taylor", true, pr_saliency_taylor},
        [PRUNE_SALIENCY_MAGNITUDE] = {"magnitude", false, pr_saliency_magnitude},
        [PRUNE_SALIENCY_RANDOM] = {"random", false, pr_saliency_random},
    };
    return &rows[saliency];
}

typedef struct scored {
    double score;
    int32_t unit;
} scored;

static int compare(const void *a, const void *b)
{
    const scored *x = a, *y = b;
    if (x->score < y->score) return -1;
    if (x->score > y->score) return 1;
    return x->unit - y->unit;
}

prune_status pr_saliency_sort(prune_context *ctx, const pr_space *space, const double *score,
                              pr_order *out)
{
    scored *list = NULL;
    const int32_t width = space->n_units / space->groups;
    PR_TRY(pr_new(ctx, (void **)&list, (size_t)space->n_units, sizeof *list));
    for (int32_t u = 0; u < space->n_units; u++) list[u] = (scored){score[u], u};
    for (int32_t g = 0; g < space->groups; g++)
        qsort(list + g * width, (size_t)width, sizeof *list, compare);
    for (int32_t u = 0; u < space->n_units; u++) out->order[u] = list[u].unit;
    pr_free(ctx, list);
    return PRUNE_OK;
}

void pr_saliency_qk_energy(const pr_evidence *evidence, const pr_space *space, double *score)
{
    for (int32_t u = 0; u < space->n_units; u++) {
        score[u] = 1;
        for (int32_t r = space->run_begin[u]; r < space->run_begin[u + 1]; r++) {
            const pr_channel_run *run = &space->runs[r];
            score[u] *= evidence->energy[evidence->spaces->slots[run->value] + run->first];
        }
    }
}
