/* What a step moves: bytes of weights, and of values read and written. */
#include "libprune/ops/ops.h"
#include "libprune/session/plan.h"

#include <string.h>

static uint64_t float_bytes(const pr_plan *plan, int32_t node)
{
    if (plan->floats[node].buffer == PR_NONE) return 0;
    return (uint64_t)pr_shape_count(&plan->shapes[node]) * sizeof(float);
}

/* Bytes of a variant, with the scale of every row where it has them. */
static uint64_t variant_bytes(const pr_plan *plan, int32_t variant)
{
    const pr_variant *v = &plan->low->variants[variant];
    const uint64_t rows = (uint64_t)pr_plan_rows(plan, v->node);
    const uint64_t scales = plan->row_scales[variant] == PR_NONE ? 0 : rows * sizeof(float);
    return rows * (uint64_t)v->channels + scales;
}

static void matrix_traffic(const pr_plan *plan, const pr_unit *unit, pr_traffic *t)
{
    for (int32_t i = 0; i < unit->n_packs; i++) t->weights += unit->packs[i].bytes;
    t->read = unit->integer ? variant_bytes(plan, unit->variant) : float_bytes(plan, unit->input);
    if (unit->residual != PR_NONE) t->read += float_bytes(plan, unit->residual);
    if (unit->n_merged > 1) {
        for (int32_t i = 0; i < unit->n_merged; i++)
            t->written += float_bytes(plan, unit->merged[i]);
    } else {
        t->written = float_bytes(plan, unit->last);
    }
    if (unit->emits != PR_NONE) t->written += variant_bytes(plan, unit->emits);
}

static void node_traffic(const pr_plan *plan, const pr_step *step, pr_traffic *t)
{
    const prune_model *model = plan->low->model;
    const pr_node *node = &model->nodes[step->node];
    const int32_t values = pr_op_get(node->op)->value_inputs;
    const int32_t inputs = values > 0 && values < node->n_inputs ? values : node->n_inputs;
    for (int32_t i = 0; i < inputs; i++) t->read += float_bytes(plan, node->inputs[i]);
    for (int32_t i = 0; i < PR_MAX_PARAMS; i++)
        if (node->params[i] != PR_NONE)
            t->weights += pr_tensor_bytes(pr_node_param(model, node, i));
    /* The table of position vectors, at this size, replaces the parameters. */
    if (step->kind == PR_STEP_EMBED)
        t->weights = float_bytes(plan, step->node) / (uint64_t)plan->batch;
    t->written = float_bytes(plan, step->node);
    if (step->variant != PR_NONE) t->written += variant_bytes(plan, step->variant);
}

pr_traffic pr_plan_traffic(const pr_plan *plan, const pr_step *step)
{
    pr_traffic t = {0};
    if (step->kind == PR_STEP_QUANTIZE) {
        t.read = float_bytes(plan, step->node);
        t.written = variant_bytes(plan, step->variant);
    } else if (step->unit->kind == PR_UNIT_NODE) {
        node_traffic(plan, step, &t);
    } else {
        matrix_traffic(plan, step->unit, &t);
    }
    return t;
}
