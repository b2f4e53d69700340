/* Validation, shapes and cost of whole graphs. */
#include "libprune/passes/shapes.h"

#include "libprune/base/size.h"

#include <string.h>

/* Larger values cannot be meant: 2^34 floats are 64 GiB. */
static const uint64_t max_elements = (uint64_t)1 << 34;

static prune_status check_params(const prune_model *model, const pr_node *node)
{
    const pr_op_info *op = pr_op_get(node->op);
    for (int32_t s = 0; s < PR_MAX_PARAMS; s++) {
        const pr_tensor *tensor = pr_node_param(model, node, s);
        if (!tensor && s < op->required_slots)
            return pr_op_shape_error(node, "parameter '%s' is missing", pr_op_slot(node->op, s));
        if (!tensor) continue;
        const bool baked = tensor->dtype == PR_I8 && op->quantizable && s == PR_SLOT_WEIGHT;
        if (tensor->dtype != PR_F32 && tensor->dtype != PR_F16 && tensor->dtype != PR_BF16 &&
            !baked)
            return pr_op_shape_error(node, "parameter '%s' is %s, expected floats",
                                     pr_op_slot(node->op, s), pr_dtype_name(tensor->dtype));
        for (int32_t d = 0; d < tensor->shape.rank; d++)
            if (tensor->shape.dim[d] < 1)
                return pr_op_shape_error(node, "parameter '%s' is empty", pr_op_slot(node->op, s));
    }
    return PRUNE_OK;
}

static prune_status check_precision(const prune_model *model, const pr_node *node,
                                    const pr_shape *in, const pr_shape *out)
{
    const pr_precision *p = &node->precision;
    const pr_tensor *weight = pr_node_param(model, node, PR_SLOT_WEIGHT);
    if (p->compute == PR_COMPUTE_I8 && !pr_op_get(node->op)->quantizable &&
        !pr_op_get(node->op)->int8_inputs)
        return pr_op_shape_error(node, "this operator cannot compute in INT8");
    if (p->compute == PR_COMPUTE_I8 && pr_op_get(node->op)->int8_inputs &&
        p->input != PR_INPUT_TOKEN)
        return pr_op_shape_error(node, "in INT8 its inputs are quantized per token");
    if (p->compute == PR_COMPUTE_BF16 && !pr_op_get(node->op)->bf16)
        return pr_op_shape_error(node, "this operator cannot compute in BF16");
    if (p->compute == PR_COMPUTE_BF16 && p->input != PR_INPUT_NONE)
        return pr_op_shape_error(node, "BF16 takes its input as it is, not quantized");
    if (p->compute == PR_COMPUTE_I8 && p->input == PR_INPUT_NONE)
        return pr_op_shape_error(node, "INT8 needs a quantized input");
    if (p->input == PR_INPUT_TENSOR || p->input == PR_INPUT_CHANNEL) {
        const int64_t wanted = p->input == PR_INPUT_TENSOR ? 1 : pr_shape_last(in);
        if (!p->input_scale.data || !p->input_zero.data ||
            pr_tensor_count(&p->input_scale) != wanted || pr_tensor_count(&p->input_zero) != wanted)
            return pr_op_shape_error(node, "it needs %lld input scales and zero points",
                                     (long long)wanted);
        for (int64_t i = 0; i < wanted; i++)
            if (!(pr_f32(&p->input_scale)[i] > 0.0f) || pr_f32(&p->input_scale)[i] > 1e30f)
                return pr_op_shape_error(node, "input scale %lld is not positive", (long long)i);
    }
    if (weight && weight->dtype == PR_I8 &&
        (!p->weight_scale.data || pr_tensor_count(&p->weight_scale) != pr_shape_last(out)))
        return pr_op_shape_error(node, "its integer weight needs %lld scales",
                                 (long long)pr_shape_last(out));
    return PRUNE_OK;
}

static prune_status check_shape(const pr_node *node, const pr_shape *shape)
{
    uint64_t count = 1;
    for (int32_t d = 0; d < shape->rank; d++)
        if (shape->dim[d] < 1 || !pr_mul_u64(&count, count, (uint64_t)shape->dim[d]) ||
            count > max_elements)
            return pr_op_shape_error(node, "its output would have a size that is not supported");
    return PRUNE_OK;
}

static prune_status infer_node(const prune_model *model, int32_t index, pr_shape *shapes)
{
    const pr_node *node = &model->nodes[index];
    const pr_op_info *op = pr_op_get(node->op);
    pr_shape in[PR_MAX_INPUTS];
    if (node->n_inputs < op->min_inputs || node->n_inputs > op->max_inputs)
        return pr_op_shape_error(node, "it has %d inputs, expected %d to %d", node->n_inputs,
                                 op->min_inputs, op->max_inputs);
    for (int32_t i = 0; i < node->n_inputs; i++) in[i] = shapes[node->inputs[i]];
    PR_TRY(check_params(model, node));
    PR_TRY(op->infer(model, node, in, &shapes[index]));
    PR_TRY(check_shape(node, &shapes[index]));
    return check_precision(model, node, in, &shapes[index]);
}

prune_status pr_shapes_infer(const prune_model *model, int64_t batch, int64_t height, int64_t width,
                             pr_shape *shapes)
{
    if (model->n_outputs < 1) return pr_fail(PRUNE_E_SHAPE, "the model has no output");
    for (int32_t i = 0; i < model->n_nodes; i++) {
        if (model->nodes[i].op == PR_OP_INPUT) {
            shapes[i] = pr_shape4(batch, height, width, 3);
            PR_TRY(check_shape(&model->nodes[i], &shapes[i]));
        } else {
            PR_TRY(infer_node(model, i, shapes));
        }
    }
    for (int32_t i = 0; i < model->n_outputs; i++) {
        const int32_t node = model->outputs[i].node;
        if (shapes[node].rank != 4 || pr_shape_last(&shapes[node]) != 1)
            return pr_op_shape_error(&model->nodes[node], "an output must be N x H x W x 1");
    }
    return PRUNE_OK;
}

uint64_t pr_node_macs(const prune_model *model, const pr_shape *shapes, int32_t node)
{
    const pr_node *n = &model->nodes[node];
    const pr_op_info *op = pr_op_get(n->op);
    pr_shape in[PR_MAX_INPUTS];
    if (!op->macs) return 0;
    for (int32_t i = 0; i < n->n_inputs; i++) in[i] = shapes[n->inputs[i]];
    return op->macs(model, n, in, &shapes[node]);
}

uint64_t pr_shapes_macs(const prune_model *model, const pr_shape *shapes)
{
    uint64_t sum = 0;
    for (int32_t i = 0; i < model->n_nodes; i++) sum += pr_node_macs(model, shapes, i);
    return sum;
}

void pr_model_input_size(const prune_model *model, int64_t *height, int64_t *width)
{
    *height = model->meta.preprocess.height;
    *width = model->meta.preprocess.width;
}

prune_status pr_model_macs(const prune_model *model, int64_t height, int64_t width, uint64_t *macs)
{
    pr_shape *shapes;
    if (height == 0 || width == 0) pr_model_input_size(model, &height, &width);
    PR_TRY(pr_new(model->ctx, (void **)&shapes, (size_t)model->n_nodes, sizeof *shapes));
    prune_status status = pr_shapes_infer(model, 1, height, width, shapes);
    if (status == PRUNE_OK) *macs = pr_shapes_macs(model, shapes);
    pr_free(model->ctx, shapes);
    return status;
}

uint64_t pr_model_params(const prune_model *model)
{
    uint64_t sum = 0;
    for (int32_t i = 0; i < model->n_params; i++)
        sum += (uint64_t)pr_tensor_count(&model->params[i].tensor);
    return sum;
}

/* What INT8 or BF16 storage saves on a weight that is still kept as floats. */
static uint64_t baking_saves(const pr_node *node, const pr_tensor *weight)
{
    if (node->precision.compute == PR_COMPUTE_BF16 && weight && weight->dtype == PR_F32)
        return (uint64_t)pr_tensor_bytes(weight) / 2;
    if (node->precision.compute != PR_COMPUTE_I8 || !weight || weight->dtype == PR_I8) return 0;
    const int32_t axis = node->op == PR_OP_CONV_TRANSPOSE ? 2 : 0;
    return (uint64_t)pr_tensor_bytes(weight) - (uint64_t)pr_tensor_count(weight) -
           (uint64_t)weight->shape.dim[axis] * sizeof(float);
}

uint64_t pr_model_bytes(const prune_model *model)
{
    uint64_t sum = 0;
    for (int32_t i = 0; i < model->n_params; i++)
        sum += (uint64_t)pr_tensor_bytes(&model->params[i].tensor);
    for (int32_t i = 0; i < model->n_nodes; i++) {
        const pr_node *node = &model->nodes[i];
        const pr_tensor *records[] = {&node->precision.input_scale, &node->precision.input_zero,
                                      &node->precision.weight_scale};
        sum -= baking_saves(node, pr_node_param(model, node, PR_SLOT_WEIGHT));
        for (int r = 0; r < 3; r++)
            if (records[r]->data) sum += (uint64_t)pr_tensor_bytes(records[r]);
    }
    return sum;
}

prune_status pr_model_set_origin(prune_model *model)
{
    if (model->origin_macs != 0) return PRUNE_OK;
    PR_TRY(pr_model_macs(model, 0, 0, &model->origin_macs));
    model->origin_params = pr_model_params(model);
    model->origin_bytes = pr_model_bytes(model);
    return PRUNE_OK;
}

prune_status prune_model_describe(const prune_model *model, int32_t height, int32_t width,
                                  prune_model_info *info)
{
    int64_t own_height, own_width;
    if (!model || !info || info->struct_size < offsetof(prune_model_info, bf16_layers))
        return pr_fail(PRUNE_E_ARGUMENT,
                       "model describe: model and info with struct_size are needed");
    pr_model_input_size(model, &own_height, &own_width);
    if (height == 0 || width == 0) height = (int32_t)own_height, width = (int32_t)own_width;
    uint64_t macs;
    PR_TRY(pr_model_macs(model, height, width, &macs));
    prune_model_info full = {.struct_size = info->struct_size,
                             .architecture = model->meta.architecture,
                             .input_height = height,
                             .input_width = width,
                             .parameters = pr_model_params(model),
                             .macs = macs,
                             .bytes = pr_model_bytes(model),
                             .output_kind = model->meta.output_kind,
                             .max_depth = (double)model->meta.max_depth};
    for (int32_t i = 0; i < model->n_nodes; i++) {
        const pr_node *node = &model->nodes[i];
        full.layers += node->params[0] != PR_NONE || node->params[1] != PR_NONE;
        const bool int8 = node->precision.compute == PR_COMPUTE_I8;
        full.int8_layers += int8 && !pr_op_get(node->op)->int8_inputs;
        full.int8_attentions += int8 && pr_op_get(node->op)->int8_inputs;
        full.bf16_layers += node->precision.compute == PR_COMPUTE_BF16;
    }
    /* As much as the caller's version of the struct holds. */
    memcpy(info, &full, info->struct_size < sizeof full ? info->struct_size : sizeof full);
    return PRUNE_OK;
}
