#include "libprune/passes/bf16.h"

#include "libprune/passes/integer.h"

prune_status pr_bf16_fits(const prune_model *model, bool first, bool *fits)
{
    PR_TRY((first ? pr_integer_last_layers : pr_integer_default_float)(model, fits));
    for (int32_t i = 0; i < model->n_nodes; i++) {
        const pr_node *node = &model->nodes[i];
        const bool kept = fits[i];
        fits[i] = !kept && pr_op_get(node->op)->bf16 && node->precision.compute != PR_COMPUTE_I8;
    }
    return PRUNE_OK;
}

prune_status pr_floats_set(prune_model *model, pr_floats floats)
{
    bool *fits = NULL;
    if (floats == PR_FLOATS_RECORDED) return PRUNE_OK;
    PR_TRY(pr_new(model->ctx, (void **)&fits, (size_t)model->n_nodes + 1, sizeof *fits));
    prune_status status = pr_bf16_fits(model, false, fits);
    for (int32_t i = 0; status == PRUNE_OK && i < model->n_nodes; i++) {
        pr_precision *p = &model->nodes[i].precision;
        if (p->compute == PR_COMPUTE_I8) continue;
        p->compute = floats == PR_FLOATS_BF16 && fits[i] ? PR_COMPUTE_BF16 : PR_COMPUTE_F32;
    }
    pr_free(model->ctx, fits);
    return status;
}

prune_status prune_model_set_floats(prune_model *model, int32_t precision)
{
    if (!model || precision < PR_FLOATS_RECORDED || precision > PR_FLOATS_BF16)
        return pr_fail(
            PRUNE_E_ARGUMENT,
            "set floats: a model is needed, and a precision of 0 (as recorded), 1 (FP32) "
            "or 2 (BF16), not %d",
            precision);
    return pr_floats_set(model, (pr_floats)precision);
}
