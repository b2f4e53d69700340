/* Size of the weights that read a unit; for q and k, of those that make it. */
#include "libprune/ops/ops.h"
#include "libprune/pruning/saliency.h"

/* Sum of squares of the columns of the panel that read channels [first, first + count). */
static double column_energy(const pr_panel *p, int32_t first, int32_t count)
{
    double sum = 0;
    for (int32_t c = first; c < first + count; c++) {
        if (c < p->first || c >= p->first + p->columns) continue;
        for (int64_t o = 0; o < p->outputs; o++)
            for (int32_t t = 0; t < p->taps; t++) {
                const double w =
                    (double)p->weight[o * p->rows + (int64_t)t * p->columns + c - p->first];
                sum += w * w;
            }
    }
    return sum;
}

static double unit_energy(const pr_evidence *e, const pr_space *space, int32_t unit)
{
    double sum = 0;
    for (int32_t r = space->run_begin[unit]; r < space->run_begin[unit + 1]; r++)
        for (int32_t i = 0; i < e->panels->count; i++) {
            const pr_panel *p = &e->panels->items[i];
            if (e->model->nodes[p->node].inputs[0] != space->runs[r].value) continue;
            sum += column_energy(p, space->runs[r].first, space->runs[r].count);
        }
    return sum;
}

/* |row of q's weight|^2 x |row of k's weight|^2. */
static double row_energy(const pr_evidence *e, const pr_space *space, int32_t unit)
{
    double product = 1;
    for (int32_t r = space->run_begin[unit]; r < space->run_begin[unit + 1]; r++) {
        const pr_node *node = &e->model->nodes[space->runs[r].value];
        if (node->op != PR_OP_LINEAR) continue;
        const pr_tensor *weight = pr_node_param(e->model, node, PR_SLOT_WEIGHT);
        const int64_t inputs = pr_shape_last(&weight->shape);
        const float *row = pr_f32(weight) + space->runs[r].first * inputs;
        double sum = 0;
        for (int64_t i = 0; i < inputs; i++) sum += (double)row[i] * (double)row[i];
        product *= sum;
    }
    return product;
}

prune_status pr_saliency_magnitude(const pr_evidence *evidence, const pr_space *space,
                                   pr_order *out)
{
    prune_context *ctx = evidence->spaces->ctx;
    double *score = NULL;
    PR_TRY(pr_new(ctx, (void **)&score, (size_t)space->n_units, sizeof *score));
    for (int32_t u = 0; u < space->n_units; u++)
        score[u] = space->kind == PR_SPACE_QK ? row_energy(evidence, space, u)
                                              : unit_energy(evidence, space, u);
    prune_status status = pr_saliency_sort(ctx, space, score, out);
    pr_free(ctx, score);
    return status;
}
