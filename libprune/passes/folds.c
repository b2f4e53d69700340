#include "libprune/passes/folds.h"

#include "libprune/ops/ops.h"

/* Multiplies row o of a parameter by scale[o]; period: rows repeat (conv_transpose's taps). */
static prune_status scale_rows(prune_context *ctx, pr_tensor *slot, int64_t rows, int64_t outputs,
                               const float *scale)
{
    const pr_dtype stored = slot->dtype;
    pr_tensor floats = {0}, back = {0};
    prune_status status = PRUNE_OK;
    if (stored == PR_F32) {
        PR_GO(pr_tensor_copy(&floats, ctx, slot));
    } else {
        PR_GO(pr_tensor_convert(&floats, ctx, slot, PR_F32));
    }
    const int64_t depth = rows > 0 ? pr_tensor_count(&floats) / rows : 0;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < depth; k++) pr_f32(&floats)[r * depth + k] *= scale[r % outputs];
    if (stored != PR_F32) {
        PR_GO(pr_tensor_convert(&back, ctx, &floats, stored));
        pr_tensor_release(slot);
        *slot = back;
    } else {
        pr_tensor_release(slot);
        *slot = floats;
        floats = (pr_tensor){0};
    }
done:
    pr_tensor_release(&floats);
    return status;
}

/* The layer that this scale node can move into, or PR_NONE. */
static int32_t target(const prune_model *model, int32_t index)
{
    const pr_node *scale = &model->nodes[index];
    if (scale->op != PR_OP_SCALE) return PR_NONE;
    const int32_t input = scale->inputs[0];
    const pr_node *layer = &model->nodes[input];
    if (layer->op != PR_OP_LINEAR && layer->op != PR_OP_CONV && layer->op != PR_OP_CONV_TRANSPOSE)
        return PR_NONE;
    int32_t readers[2];
    if (pr_model_consumers(model, input, readers, 2) != 1) return PR_NONE;
    for (int32_t i = 0; i < model->n_outputs; i++)
        if (model->outputs[i].node == input) return PR_NONE;
    return pr_node_param(model, layer, PR_SLOT_WEIGHT)->dtype == PR_I8 ? PR_NONE : input;
}

static prune_status fold_one(prune_model *model, int32_t index, int32_t into)
{
    const pr_node *layer = &model->nodes[into];
    pr_tensor *weight = &model->params[layer->params[PR_SLOT_WEIGHT]].tensor;
    pr_tensor scale = {0};
    prune_status status = PRUNE_OK;
    PR_TRY(pr_tensor_convert(&scale, model->ctx,
                             pr_node_param(model, &model->nodes[index], PR_SLOT_WEIGHT), PR_F32));
    const int64_t outputs = pr_tensor_count(&scale);
    const int64_t *w = weight->shape.dim;
    const int64_t rows = layer->op == PR_OP_CONV_TRANSPOSE ? w[0] * w[1] * w[2] : w[0];
    PR_GO(scale_rows(model->ctx, weight, rows, outputs, pr_f32(&scale)));
    if (layer->params[PR_SLOT_BIAS] != PR_NONE)
        PR_GO(scale_rows(model->ctx, &model->params[layer->params[PR_SLOT_BIAS]].tensor, outputs,
                         outputs, pr_f32(&scale)));
    pr_model_rewire(model, index, into);
done:
    pr_tensor_release(&scale);
    return status;
}

prune_status pr_fold_scales(prune_model *model, int32_t *folded)
{
    prune_model *work = NULL;
    prune_status status = PRUNE_OK;
    int32_t count = 0;
    PR_TRY(pr_model_clone(&work, model));
    for (int32_t i = 0; i < work->n_nodes; i++) {
        const int32_t into = target(work, i);
        if (into == PR_NONE) continue;
        PR_GO(fold_one(work, i, into));
        count++;
    }
    *folded = count;
    if (count == 0) goto done;
    PR_GO(pr_model_drop_dead(work));
    json_t *fields = json_pack("{s:s,s:i}", "kind", "layer-scale", "layers", (int)count);
    PR_GO(pr_model_record(work, "fold", fields));
    pr_model_replace(model, work);
    return PRUNE_OK;
done:
    pr_model_free(work);
    return status;
}
