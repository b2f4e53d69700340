/* In which forms each value is needed, from the outputs backwards: as floats, or quantized as an
 * INT8 consumer reads it. A value that only INT8 consumers read never exists as floats. */
#include "libprune/ops/ops.h"
#include "libprune/session/lower.h"

#include <string.h>

static bool same_variant(const pr_variant *a, const pr_variant *b)
{
    if (a->node != b->node || a->relu != b->relu || a->dynamic != b->dynamic) return false;
    if (a->dynamic) return true;
    size_t bytes = (size_t)a->channels * sizeof(float);
    return a->channels == b->channels && memcmp(a->inv_scale, b->inv_scale, bytes) == 0 &&
           memcmp(a->zero, b->zero, bytes) == 0;
}

static void drop_variant(prune_context *ctx, pr_variant *v)
{
    pr_free(ctx, v->inv_scale);
    pr_free(ctx, v->zero);
    pr_free(ctx, v->fill);
}

/* Index of an equal variant, else of the new one; takes over its memory. */
static prune_status add_variant(pr_lowered *low, pr_variant *v, int32_t *index)
{
    for (int32_t i = 0; i < low->n_variants; i++) {
        if (!same_variant(&low->variants[i], v)) continue;
        drop_variant(low->ctx, v);
        *index = i;
        return PRUNE_OK;
    }
    prune_status status = pr_grow(low->ctx, (void **)&low->variants, &low->variant_capacity,
                                  (size_t)low->n_variants + 1, sizeof *low->variants);
    if (status != PRUNE_OK) {
        drop_variant(low->ctx, v);
        return status;
    }
    *index = low->n_variants++;
    low->variants[*index] = *v;
    return PRUNE_OK;
}

/* The form in which an INT8 node reads `input`. */
static prune_status demand_input(pr_lowered *low, const pr_node *node, int32_t input,
                                 int32_t *index)
{
    const pr_precision *p = &node->precision;
    int64_t channels = pr_shape_last(&pr_node_param(low->model, node, PR_SLOT_WEIGHT)->shape);
    pr_variant v = {.node = input, .channels = channels, .dynamic = p->input == PR_INPUT_TOKEN};
    prune_status status = PRUNE_OK;
    if (p->input == PR_INPUT_NONE) {
        return pr_fail(PRUNE_E_FORMAT,
                       "layer '%s' computes in INT8 but has no input quantization; quantize again",
                       node->name);
    }
    if (v.dynamic) return add_variant(low, &v, index);
    PR_GO(pr_pack_columns(&v.inv_scale, low->ctx, channels, NULL));
    PR_GO(pr_pack_columns(&v.zero, low->ctx, channels, NULL));
    PR_GO(pr_new(low->ctx, (void **)&v.fill, (size_t)channels, 1));
    for (int64_t c = 0; c < channels; c++) {
        int64_t at = p->input == PR_INPUT_CHANNEL ? c : 0;
        v.inv_scale[c] = 1.0f / pr_f32(&p->input_scale)[at];
        v.fill[c] = ((const int8_t *)p->input_zero.data)[at];
        v.zero[c] = (float)v.fill[c];
    }
    return add_variant(low, &v, index);
done:
    drop_variant(low->ctx, &v);
    return status;
}

/* A relu that only static quantizers read: they read its input instead and apply it themselves. */
static prune_status pass_through_relu(pr_lowered *low, pr_unit *unit)
{
    int32_t count = low->n_variants;
    for (int32_t i = 0; i < count; i++) {
        if (low->variants[i].node == unit->last && low->variants[i].dynamic) return PRUNE_OK;
    }
    for (int32_t i = 0; i < count; i++) {
        if (low->variants[i].node != unit->last) continue;
        low->variants[i].node = unit->input;
        low->variants[i].relu = true;
    }
    unit->live = false;
    return PRUNE_OK;
}

static bool has_variants(const pr_lowered *low, int32_t node)
{
    for (int32_t i = 0; i < low->n_variants; i++) {
        if (low->variants[i].node == node) return true;
    }
    return false;
}

/* Whether a unit can write this form itself, while its rows are at hand. */
static bool can_emit(const pr_lowered *low, const pr_unit *unit, const pr_variant *v)
{
    const pr_node *node = &low->model->nodes[unit->first];
    if (unit->kind != PR_UNIT_NODE) return !v->dynamic;
    if (node->op == PR_OP_RESIZE) {
        return !v->dynamic && node->attrs.resize_mode != PR_RESIZE_NEAREST;
    }
    return node->op == PR_OP_LAYER_NORM;
}

/* A unit writes the first form that it can itself; every other form comes from floats. */
static void choose_emitted(pr_lowered *low, pr_unit *unit)
{
    for (int32_t i = 0; i < low->n_variants; i++) {
        const pr_variant *v = &low->variants[i];
        if (v->node != unit->last) continue;
        if (unit->emits == PR_NONE && can_emit(low, unit, v)) {
            unit->emits = i;
        } else {
            low->need_f32[unit->last] = true;
        }
    }
}

static prune_status demand_of(pr_lowered *low, pr_unit *unit)
{
    const pr_node *node = &low->model->nodes[unit->first];
    bool merged = unit->n_merged > 1;
    unit->live = merged || low->need_f32[unit->last] || has_variants(low, unit->last);
    if (!unit->live) return PRUNE_OK;
    if (node->op == PR_OP_RELU && unit->kind == PR_UNIT_NODE && !low->need_f32[unit->last]) {
        PR_TRY(pass_through_relu(low, unit));
        if (!unit->live) return PRUNE_OK;
    }
    choose_emitted(low, unit);
    if (unit->residual != PR_NONE) low->need_f32[unit->residual] = true;
    if (unit->kind != PR_UNIT_NODE) {
        if (unit->integer) return demand_input(low, node, unit->input, &unit->variant);
        low->need_f32[unit->input] = true;
        return PRUNE_OK;
    }
    int32_t values = pr_op_get(node->op)->value_inputs;
    if (values == 0 || values > node->n_inputs) values = node->n_inputs;
    for (int32_t i = 0; i < values; i++) low->need_f32[node->inputs[i]] = true;
    return PRUNE_OK;
}

prune_status pr_lower_demand(pr_lowered *low)
{
    low->need_f32[low->model->outputs[0].node] = true;
    for (int32_t i = low->n_units - 1; i >= 0; i--) PR_TRY(demand_of(low, &low->units[i]));
    return PRUNE_OK;
}
