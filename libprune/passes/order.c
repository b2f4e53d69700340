#include "libprune/passes/order.h"

#include "libprune/passes/shapes.h"

static bool is_pointwise(const prune_model *model, const pr_node *node)
{
    if (node->op != PR_OP_CONV) return false;
    const int64_t *kernel = pr_node_param(model, node, PR_SLOT_WEIGHT)->shape.dim + 1;
    const pr_attrs *a = &node->attrs;
    bool padded = a->pad[0] != 0 || a->pad[1] != 0 || a->pad[2] != 0 || a->pad[3] != 0;
    return kernel[0] == 1 && kernel[1] == 1 && a->stride[0] == 1 && a->stride[1] == 1 && !padded;
}

static bool enlarges(const pr_shape *from, const pr_shape *to)
{
    return to->dim[1] >= from->dim[1] && to->dim[2] >= from->dim[2] &&
           to->dim[1] * to->dim[2] > from->dim[1] * from->dim[2];
}

static bool is_output(const prune_model *model, int32_t node)
{
    for (int32_t i = 0; i < model->n_outputs; i++)
        if (model->outputs[i].node == node) return true;
    return false;
}

/* The resize that this node can move in front of, or PR_NONE. */
static int32_t resize_before(const prune_model *model, const pr_shape *shapes, int32_t index)
{
    const pr_node *conv = &model->nodes[index];
    int32_t readers[2];
    if (!is_pointwise(model, conv) || conv->precision.compute != PR_COMPUTE_F32) return PR_NONE;
    const int32_t input = conv->inputs[0];
    const pr_node *resize = &model->nodes[input];
    if (resize->op != PR_OP_RESIZE || is_output(model, input)) return PR_NONE;
    if (pr_model_consumers(model, input, readers, 2) != 1) return PR_NONE;
    return enlarges(&shapes[resize->inputs[0]], &shapes[input]) ? input : PR_NONE;
}

prune_status pr_order_resizes(prune_model *model, int32_t *moved)
{
    pr_shape *shapes;
    int64_t height, width;
    int32_t count = 0;
    PR_TRY(pr_new(model->ctx, (void **)&shapes, (size_t)model->n_nodes + 1, sizeof *shapes));
    pr_model_input_size(model, &height, &width);
    prune_status status = pr_shapes_infer(model, 1, height, width, shapes);
    for (int32_t i = 0; status == PRUNE_OK && i < model->n_nodes; i++) {
        const int32_t at = resize_before(model, shapes, i);
        if (at == PR_NONE) continue;
        /* A node's number is its value's: who read the convolution now reads the resize. */
        pr_node conv = model->nodes[i], resize = model->nodes[at];
        conv.inputs[0] = resize.inputs[0];
        resize.inputs[0] = at;
        model->nodes[at] = conv;
        model->nodes[i] = resize;
        count++;
    }
    pr_free(model->ctx, shapes);
    if (status == PRUNE_OK) *moved = count;
    return status;
}
