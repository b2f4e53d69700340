/* What a step needs besides memory: geometry, resize coordinates, sampled position vectors. */
#include "libprune/ops/ops.h"
#include "libprune/session/plan.h"

pr_conv pr_plan_conv(const pr_plan *plan, const pr_unit *unit)
{
    const pr_node *node = &plan->low->model->nodes[unit->first];
    const pr_tensor *weight = pr_node_param(plan->low->model, node, PR_SLOT_WEIGHT);
    const int64_t *in = plan->shapes[unit->input].dim, *out = plan->shapes[unit->first].dim;
    pr_conv conv = {.batch = in[0], .channels = in[3], .upsample = unit->upsample};
    conv.height = in[1] * unit->upsample;
    conv.width = in[2] * unit->upsample;
    conv.out_height = out[1];
    conv.out_width = out[2];
    for (int i = 0; i < 2; i++) {
        conv.kernel[i] = weight->shape.dim[1 + i];
        conv.stride[i] = node->attrs.stride[i];
        conv.pad[i] = node->attrs.pad[i];
    }
    conv.reflect = node->attrs.pad_mode == PR_PAD_REFLECT;
    conv.groups = node->attrs.groups;
    conv.b = unit->packs;
    return conv;
}

pr_conv_transpose pr_plan_transpose(const pr_plan *plan, const pr_unit *unit)
{
    const pr_node *node = &plan->low->model->nodes[unit->first];
    const pr_tensor *weight = pr_node_param(plan->low->model, node, PR_SLOT_WEIGHT);
    const int64_t *in = plan->shapes[unit->input].dim;
    pr_conv_transpose t = {.batch = in[0], .height = in[1], .width = in[2], .channels = in[3]};
    t.kernel[0] = weight->shape.dim[0];
    t.kernel[1] = weight->shape.dim[1];
    t.b = unit->packs;
    return t;
}

pr_attention pr_plan_attention(const pr_plan *plan, int32_t node)
{
    const pr_node *n = &plan->low->model->nodes[node];
    const pr_shape *q = &plan->shapes[n->inputs[0]];
    pr_attention a = {.batch = q->dim[0], .tokens = q->dim[1], .heads = n->attrs.heads};
    a.qk_width = n->attrs.qk_width;
    a.v_width = n->attrs.v_width;
    a.scale = n->attrs.scale;
    a.q_stride = plan->floats[n->inputs[0]].stride;
    a.k_stride = plan->floats[n->inputs[1]].stride;
    a.v_stride = plan->floats[n->inputs[2]].stride;
    a.out_stride = plan->floats[node].stride;
    return a;
}

static prune_status resize_tables(pr_plan *plan, pr_step *step)
{
    const pr_node *node = &plan->low->model->nodes[step->unit->first];
    const int64_t *in = plan->shapes[step->unit->input].dim, *out = plan->shapes[step->node].dim;
    bool corners = node->attrs.resize_mode == PR_RESIZE_BILINEAR_CORNERS;
    size_t count = (size_t)(out[1] + out[2]);
    PR_TRY(pr_new(plan->ctx, (void **)&step->x0, count, 2 * sizeof(int32_t)));
    PR_TRY(pr_new(plan->ctx, (void **)&step->wx, count, sizeof(float)));
    step->x1 = step->x0 + out[2];
    step->y0 = step->x1 + out[2];
    step->y1 = step->y0 + out[1];
    step->wy = step->wx + out[2];
    pr_resize_axis(corners, in[2], out[2], step->x0, step->x1, step->wx);
    pr_resize_axis(corners, in[1], out[1], step->y0, step->y1, step->wy);
    return PRUNE_OK;
}

static prune_status position_table(pr_plan *plan, pr_step *step)
{
    const prune_model *model = plan->low->model;
    const pr_node *node = &model->nodes[step->node];
    const int64_t *in = plan->shapes[node->inputs[0]].dim, *out = plan->shapes[step->node].dim;
    const pr_tensor *prefix = pr_node_param(model, node, PR_SLOT_PREFIX);
    PR_TRY(pr_new(plan->ctx, (void **)&step->table, (size_t)(out[1] * out[2]), sizeof(float)));
    PR_TRY(pr_position_sample(plan->ctx, node, pr_node_param(model, node, PR_SLOT_POSITION), in[1],
                              in[2], step->table));
    for (int64_t i = 0; i < node->attrs.prefix * out[2]; i++) step->table[i] += pr_f32(prefix)[i];
    return PRUNE_OK;
}

prune_status pr_plan_tables(pr_plan *plan, pr_step *step)
{
    if (step->kind == PR_STEP_RESIZE) return resize_tables(plan, step);
    if (step->kind == PR_STEP_EMBED) return position_table(plan, step);
    return PRUNE_OK;
}
