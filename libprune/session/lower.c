/* Groups nodes into units: a matrix product takes in the scale, activation and addition after it
 * and the nearest-neighbour resize before it; q, k and v become one product. */
#include "libprune/session/lower.h"

#include "libprune/ops/ops.h"

#include <stdio.h>
#include <string.h>

static int32_t value_inputs(const pr_node *node)
{
    int32_t count = pr_op_get(node->op)->value_inputs;
    return count > 0 && count < node->n_inputs ? count : node->n_inputs;
}

static bool is_matrix(pr_op_kind op)
{
    return op == PR_OP_CONV || op == PR_OP_LINEAR || op == PR_OP_CONV_TRANSPOSE;
}

static bool activation_of(const pr_node *node, pr_activation *act, float *alpha)
{
    *alpha = node->attrs.alpha;
    switch (node->op) {
    case PR_OP_RELU:
        *act = PR_ACT_RELU;
        return true;
    case PR_OP_LEAKY_RELU:
        *act = PR_ACT_LEAKY_RELU;
        return true;
    case PR_OP_ELU:
        *act = PR_ACT_ELU;
        return true;
    case PR_OP_GELU:
        *act = PR_ACT_GELU;
        return true;
    case PR_OP_SIGMOID:
        *act = PR_ACT_SIGMOID;
        return true;
    default:
        return false;
    }
}

static void count_uses(pr_lowered *low)
{
    const prune_model *model = low->model;
    for (int32_t i = 0; i < model->n_nodes; i++) {
        for (int32_t j = 0; j < value_inputs(&model->nodes[i]); j++) {
            low->uses[model->nodes[i].inputs[j]]++;
        }
    }
    /* Outputs count twice: their value must exist by itself. */
    low->uses[model->outputs[0].node] += 2;
}

/* The only node that reads the value of `node`, or PR_NONE. */
static int32_t only_reader(const pr_lowered *low, int32_t node)
{
    const prune_model *model = low->model;
    if (low->uses[node] != 1) return PR_NONE;
    for (int32_t i = node + 1; i < model->n_nodes; i++) {
        for (int32_t j = 0; j < value_inputs(&model->nodes[i]); j++) {
            if (model->nodes[i].inputs[j] == node) return i;
        }
    }
    return PR_NONE;
}

/* Takes `node`, which alone reads the unit's value, into the unit; false when it cannot. */
static bool take_in(const pr_lowered *low, pr_unit *unit, int32_t node)
{
    const pr_node *n = &low->model->nodes[node];
    pr_activation act;
    float alpha;
    if (activation_of(n, &act, &alpha)) {
        if (unit->residual != PR_NONE && unit->late == PR_ACT_NONE) {
            unit->late = act;
            unit->late_alpha = alpha;
        } else if (unit->residual == PR_NONE && unit->act == PR_ACT_NONE) {
            unit->act = act;
            unit->alpha = alpha;
        } else {
            return false;
        }
    } else if (n->op == PR_OP_SCALE) {
        if (unit->act != PR_ACT_NONE || unit->residual != PR_NONE) return false;
        if (unit->scale != PR_NONE) return false;
        unit->scale = node;
    } else if (n->op == PR_OP_ADD && n->n_inputs == 2 && n->inputs[0] != n->inputs[1]) {
        if (unit->residual != PR_NONE || unit->late != PR_ACT_NONE) return false;
        unit->residual = n->inputs[0] == unit->last ? n->inputs[1] : n->inputs[0];
    } else {
        return false;
    }
    unit->last = node;
    return true;
}

static void take_in_all(pr_lowered *low, pr_unit *unit, int32_t index)
{
    for (;;) {
        int32_t reader = only_reader(low, unit->last);
        if (reader == PR_NONE || low->unit_of[reader] != PR_NONE) return;
        if (!take_in(low, unit, reader)) return;
        low->unit_of[reader] = index;
    }
}

/* A bilinear resize adds what an addition after it would, line by line. */
static void take_in_sum(pr_lowered *low, pr_unit *unit, int32_t index)
{
    int32_t reader = only_reader(low, unit->last);
    if (reader == PR_NONE || low->unit_of[reader] != PR_NONE) return;
    if (low->model->nodes[reader].op != PR_OP_ADD || !take_in(low, unit, reader)) return;
    low->unit_of[reader] = index;
}

static bool same_input_form(const pr_node *a, const pr_node *b)
{
    const pr_precision *p = &a->precision, *q = &b->precision;
    if (p->compute != q->compute) return false;
    if (p->compute != PR_COMPUTE_I8) return true;
    if (p->input != q->input) return false;
    if (p->input == PR_INPUT_TOKEN) return true;
    size_t bytes = pr_tensor_bytes(&p->input_scale);
    return bytes == pr_tensor_bytes(&q->input_scale) &&
           memcmp(p->input_scale.data, q->input_scale.data, bytes) == 0 &&
           memcmp(p->input_zero.data, q->input_zero.data, pr_tensor_bytes(&p->input_zero)) == 0;
}

/* q, k and v of an attention node read the same value and are read by nothing else. */
static void merge_projections(pr_lowered *low, pr_unit *unit, int32_t index)
{
    const prune_model *model = low->model;
    int32_t attention = only_reader(low, unit->first);
    if (attention == PR_NONE || model->nodes[attention].op != PR_OP_ATTENTION) return;
    const pr_node *a = &model->nodes[attention], *first = &model->nodes[unit->first];
    for (int32_t j = 0; j < 3; j++) {
        const pr_node *n = &model->nodes[a->inputs[j]];
        if (n->op != PR_OP_LINEAR || n->inputs[0] != first->inputs[0]) return;
        /* Blocks of columns must stay the same: sums are rounded as when each stands alone. */
        int64_t width = pr_node_param(model, n, PR_SLOT_WEIGHT)->shape.dim[0];
        if (!unit->integer && width % (2 * low->kernels->f32_lanes) != 0) return;
        if (low->uses[a->inputs[j]] != 1 || !same_input_form(first, n)) return;
        if (low->unit_of[a->inputs[j]] != PR_NONE && low->unit_of[a->inputs[j]] != index) return;
    }
    unit->n_merged = 3;
    for (int32_t j = 0; j < 3; j++) {
        unit->merged[j] = a->inputs[j];
        low->unit_of[a->inputs[j]] = index;
        if (a->inputs[j] > unit->last) unit->last = a->inputs[j];
    }
}

/* A convolution reads the smaller map itself instead of its nearest-neighbour enlargement. */
static void fold_upsampling(pr_lowered *low, pr_unit *unit, int32_t index)
{
    const pr_node *resize = &low->model->nodes[unit->input];
    if (low->model->nodes[unit->first].op != PR_OP_CONV || resize->op != PR_OP_RESIZE) return;
    if (resize->attrs.resize_mode != PR_RESIZE_NEAREST || resize->n_inputs != 1) return;
    if (low->uses[unit->input] != 1) return;
    /* A few float outputs are summed in another order when the map is read where it lies. */
    int64_t outputs =
        pr_node_param(low->model, &low->model->nodes[unit->first], PR_SLOT_WEIGHT)->shape.dim[0];
    if (!unit->integer && outputs <= low->kernels->f32_thin) return;
    low->units[low->unit_of[unit->input]].n_merged = 0; /* order_units drops it */
    low->unit_of[unit->input] = index;
    unit->upsample = resize->attrs.factor;
    unit->input = resize->inputs[0];
}

static prune_status group_nodes(pr_lowered *low)
{
    const prune_model *model = low->model;
    for (int32_t i = 0; i < model->n_nodes; i++) {
        const pr_node *node = &model->nodes[i];
        if (low->unit_of[i] != PR_NONE) continue;
        int32_t index = low->n_units++;
        pr_unit *unit = &low->units[index];
        *unit = (pr_unit){.kind = PR_UNIT_NODE, .first = i, .merged = {i}, .n_merged = 1};
        unit->last = i;
        unit->input = node->n_inputs > 0 ? node->inputs[0] : PR_NONE;
        unit->residual = unit->variant = unit->emits = unit->scale = PR_NONE;
        unit->upsample = 1;
        low->unit_of[i] = index;
        if (node->op == PR_OP_RESIZE && node->attrs.resize_mode != PR_RESIZE_NEAREST) {
            take_in_sum(low, unit, index);
        }
        unit->integer = node->precision.compute == PR_COMPUTE_I8;
        unit->bf16 = node->precision.compute == PR_COMPUTE_BF16;
        if (node->op == PR_OP_ATTENTION && unit->integer &&
            pr_attention_prefers_bf16(low->kernels)) {
            unit->integer = false;
            unit->bf16 = true;
        }
        if (!is_matrix(node->op)) continue;
        unit->kind = node->op == PR_OP_CONV_TRANSPOSE ? PR_UNIT_TRANSPOSE : PR_UNIT_MATRIX;
        fold_upsampling(low, unit, index);
        merge_projections(low, unit, index);
        if (unit->n_merged == 1) take_in_all(low, unit, index);
    }
    return PRUNE_OK;
}

/* Units run in the order of their last nodes: all that they read is then there. */
static void order_units(pr_lowered *low)
{
    for (int32_t i = 1; i < low->n_units; i++) {
        pr_unit unit = low->units[i];
        int32_t j = i;
        for (; j > 0 && low->units[j - 1].last > unit.last; j--) low->units[j] = low->units[j - 1];
        low->units[j] = unit;
    }
    /* A folded resize has no unit of its own any more: drop it. */
    int32_t kept = 0;
    for (int32_t i = 0; i < low->n_units; i++) {
        const pr_unit *unit = &low->units[i];
        if (unit->n_merged > 0) low->units[kept++] = *unit;
    }
    low->n_units = kept;
}

static prune_status name_units(pr_lowered *low)
{
    for (int32_t u = 0; u < low->n_units; u++) {
        pr_unit *unit = &low->units[u];
        const char *names[PR_UNIT_MERGED + 1];
        int32_t count = 0;
        for (int32_t i = 0; i < unit->n_merged; i++) {
            names[count++] = low->model->nodes[unit->merged[i]].name;
        }
        if (unit->n_merged == 1 && unit->last != unit->first) {
            names[count++] = low->model->nodes[unit->last].name;
        }
        size_t length = 1;
        for (int32_t i = 0; i < count; i++) length += strlen(names[i]) + 1;
        unit->name = pr_calloc(low->ctx, length, 1);
        if (!unit->name) return PRUNE_E_MEMORY;
        for (int32_t i = 0; i < count; i++) {
            size_t used = strlen(unit->name);
            (void)snprintf(unit->name + used, length - used, "%s%s", i ? "+" : "", names[i]);
        }
    }
    for (int32_t i = 0; i < low->model->n_nodes; i++) low->unit_of[i] = PR_NONE;
    for (int32_t u = 0; u < low->n_units; u++) low->unit_of[low->units[u].last] = u;
    return PRUNE_OK;
}

prune_status pr_lower(pr_lowered *out, const prune_model *model)
{
    prune_status status;
    size_t n = (size_t)model->n_nodes;
    pr_lowered low = {.ctx = model->ctx, .model = model};
    if (model->n_outputs < 1) {
        return pr_fail(PRUNE_E_FORMAT, "the model has no output: it cannot run");
    }
    low.kernels = pr_kernels_get(model->ctx->isa);
    PR_GO(pr_new(low.ctx, (void **)&low.units, n, sizeof *low.units));
    PR_GO(pr_new(low.ctx, (void **)&low.unit_of, n, sizeof *low.unit_of));
    low.need_f32 = pr_calloc(low.ctx, n, sizeof *low.need_f32);
    low.uses = pr_calloc(low.ctx, n, sizeof *low.uses);
    status = PRUNE_E_MEMORY;
    if (!low.need_f32 || !low.uses) goto done;
    for (size_t i = 0; i < n; i++) low.unit_of[i] = PR_NONE;
    count_uses(&low);
    PR_GO(group_nodes(&low));
    order_units(&low);
    PR_GO(name_units(&low));
    PR_GO(pr_lower_demand(&low));
    PR_GO(pr_lower_pack(&low));
    *out = low;
    return PRUNE_OK;
done:
    pr_lowered_free(&low);
    return status;
}

void pr_lowered_free(pr_lowered *low)
{
    if (!low->ctx) return;
    for (int32_t i = 0; i < low->n_units; i++) {
        for (int32_t j = 0; j < low->units[i].n_packs; j++) {
            pr_packed_free(low->ctx, &low->units[i].packs[j]);
        }
        pr_free(low->ctx, low->units[i].packs);
        pr_free(low->ctx, low->units[i].gain);
        pr_free(low->ctx, low->units[i].name);
    }
    for (int32_t i = 0; i < low->n_variants; i++) {
        pr_free(low->ctx, low->variants[i].inv_scale);
        pr_free(low->ctx, low->variants[i].zero);
        pr_free(low->ctx, low->variants[i].fill);
    }
    pr_free(low->ctx, low->units);
    pr_free(low->ctx, low->weights);
    pr_free(low->ctx, low->unit_of);
    pr_free(low->ctx, low->variants);
    pr_free(low->ctx, low->need_f32);
    pr_free(low->ctx, low->uses);
    *low = (pr_lowered){0};
}
