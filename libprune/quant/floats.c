#include "libprune/quant/floats.h"

#include "libprune/passes/bf16.h"
#include "libprune/passes/integer.h"
#include "libprune/quant/assign.h"

/* Lets the nodes that fit compute in BF16, or in FP32 again. */
static void set_floats(prune_model *model, const bool *fits, bool bf16)
{
    for (int32_t i = 0; i < model->n_nodes; i++)
        if (fits[i]) model->nodes[i].precision.compute = bf16 ? PR_COMPUTE_BF16 : PR_COMPUTE_F32;
}

/* Nodes that may compute in BF16. INT8 models leave only the last layers to FP32: what the first
 * ones round is little beside that. with_last: everything fits. */
static prune_status find_fitting(const prune_model *model, const prune_quant_options *options,
                                 bool first, bool with_last, bool *fits)
{
    bool *keep = NULL;
    prune_status status = PRUNE_OK;
    PR_TRY(pr_new(model->ctx, (void **)&keep, (size_t)model->n_nodes + 1, sizeof *keep));
    PR_GO(pr_bf16_fits(model, first, fits));
    PR_GO(pr_assign_kept(model, options, keep));
    for (int32_t i = 0; i < model->n_nodes; i++) {
        const pr_node *node = &model->nodes[i];
        if (with_last && pr_op_get(node->op)->bf16 && node->precision.compute != PR_COMPUTE_I8)
            fits[i] = true;
        fits[i] = fits[i] && !keep[i];
    }
done:
    pr_free(model->ctx, keep);
    return status;
}

prune_status pr_quant_choose_floats(prune_model *model, const prune_quant_options *options,
                                    pr_quant_judge *judge, double *drop)
{
    bool *fits = NULL;
    prune_status status = PRUNE_OK;
    if (options->floats == PR_QUANT_FLOATS_F32) return PRUNE_OK;
    PR_TRY(pr_new(model->ctx, (void **)&fits, (size_t)model->n_nodes + 1, sizeof *fits));
    PR_GO(find_fitting(model, options, true, false, fits));
    set_floats(model, fits, true);
    if (judge) {
        double with;
        PR_GO(pr_quant_judge_measure(judge, model, &with));
        const bool fine = with <= options->max_drop || with <= *drop;
        pr_log(model->ctx, PRUNE_LOG_INFO, "quantize: floats in BF16: drop %.5f after %.5f%s", with,
               *drop, fine || options->floats == PR_QUANT_FLOATS_BF16 ? "" : ", they stay fp32");
        if (fine || options->floats == PR_QUANT_FLOATS_BF16)
            *drop = with;
        else
            set_floats(model, fits, false);
    }
done:
    pr_free(model->ctx, fits);
    return status;
}

/* An earlier quantization's record goes, integers become the floats that they stand for. */
static prune_status drop_integers(prune_model *model, int32_t index)
{
    pr_node *node = &model->nodes[index];
    pr_precision *p = &node->precision;
    const int32_t param = node->params[PR_SLOT_WEIGHT];
    if (param != PR_NONE && model->params[param].tensor.dtype == PR_I8) {
        pr_tensor floats;
        PR_TRY(pr_integer_dequantize(&floats, model, index));
        pr_tensor_release(&model->params[param].tensor);
        model->params[param].tensor = floats;
    }
    p->compute = PR_COMPUTE_F32;
    p->input = PR_INPUT_NONE;
    pr_tensor_release(&p->input_scale);
    pr_tensor_release(&p->input_zero);
    pr_tensor_release(&p->weight_scale);
    return PRUNE_OK;
}

prune_status pr_quant_to_bf16(prune_model *model, const prune_quant_options *options)
{
    bool *fits = NULL;
    prune_status status = PRUNE_OK;
    PR_TRY(pr_new(model->ctx, (void **)&fits, (size_t)model->n_nodes + 1, sizeof *fits));
    for (int32_t i = 0; i < model->n_nodes; i++) PR_GO(drop_integers(model, i));
    PR_GO(find_fitting(model, options, false, !options->default_float, fits));
    set_floats(model, fits, true);
done:
    pr_free(model->ctx, fits);
    return status;
}
