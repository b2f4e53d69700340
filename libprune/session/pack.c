/* Packs the weights of every unit, with what folds into them. */
#include "libprune/ops/ops.h"
#include "libprune/passes/integer.h"
#include "libprune/session/lower.h"

#include <string.h>

/* Rows of a unit's matrix before packing: floats, or integers with their scales. */
typedef struct rows {
    int64_t n, k;
    float *weight;
    int8_t *integer;
    float *scale, *bias;
} rows;

static void rows_free(prune_context *ctx, rows *r)
{
    pr_free(ctx, r->weight);
    pr_free(ctx, r->integer);
    pr_free(ctx, r->scale);
    pr_free(ctx, r->bias);
}

/* A node's weight as [rows, k]; conv_transpose has one row per tap and output. */
static void matrix_size(const pr_node *node, const pr_tensor *weight, int64_t *n, int64_t *k)
{
    const int64_t *d = weight->shape.dim;
    *n = d[0];
    *k = pr_tensor_count(weight) / d[0];
    if (node->op == PR_OP_CONV_TRANSPOSE) {
        *n = d[0] * d[1] * d[2];
        *k = d[3];
    }
}

static prune_status copy_floats(pr_lowered *low, int32_t index, rows *r, int64_t at)
{
    const pr_node *node = &low->model->nodes[index];
    const pr_tensor *weight = pr_node_param(low->model, node, PR_SLOT_WEIGHT);
    const pr_tensor *bias = pr_node_param(low->model, node, PR_SLOT_BIAS);
    pr_tensor floats = {0};
    int64_t n, k;
    matrix_size(node, weight, &n, &k);
    if (weight->dtype == PR_I8) {
        PR_TRY(pr_integer_dequantize(&floats, low->model, index));
        weight = &floats;
    }
    memcpy(r->weight + at * k, weight->data, (size_t)(n * k) * sizeof(float));
    pr_tensor_release(&floats);
    for (int64_t o = 0; bias && o < n; o++) {
        r->bias[at + o] = pr_f32(bias)[o % pr_tensor_count(bias)];
    }
    return PRUNE_OK;
}

static prune_status copy_integers(pr_lowered *low, int32_t index, rows *r, int64_t at)
{
    pr_integer integer;
    PR_TRY(pr_integer_derive(&integer, low->model, index));
    memcpy(r->integer + at * r->k, integer.weight.data, (size_t)(integer.rows * integer.depth));
    memcpy(r->scale + at, integer.scale.data, (size_t)integer.rows * sizeof(float));
    memcpy(r->bias + at, integer.bias.data, (size_t)integer.rows * sizeof(float));
    pr_integer_free(&integer);
    return PRUNE_OK;
}

/* LayerScale multiplies in the epilogue: folded into the weights it would round differently. */
static prune_status copy_gain(pr_lowered *low, pr_unit *unit)
{
    if (unit->scale == PR_NONE) return PRUNE_OK;
    const pr_tensor *scale =
        pr_node_param(low->model, &low->model->nodes[unit->scale], PR_SLOT_WEIGHT);
    return pr_pack_columns(&unit->gain, low->ctx, pr_tensor_count(scale), pr_f32(scale));
}

static prune_status gather_rows(pr_lowered *low, const pr_unit *unit, rows *r)
{
    prune_context *ctx = low->ctx;
    for (int32_t i = 0; i < unit->n_merged; i++) {
        const pr_node *node = &low->model->nodes[unit->merged[i]];
        int64_t n;
        matrix_size(node, pr_node_param(low->model, node, PR_SLOT_WEIGHT), &n, &r->k);
        r->n += n;
    }
    r->bias = pr_calloc(ctx, (size_t)r->n, sizeof(float));
    if (!r->bias) return PRUNE_E_MEMORY;
    if (unit->integer) {
        PR_TRY(pr_new(ctx, (void **)&r->integer, (size_t)r->n, (size_t)r->k));
        PR_TRY(pr_new(ctx, (void **)&r->scale, (size_t)r->n, sizeof(float)));
    } else {
        PR_TRY(pr_new(ctx, (void **)&r->weight, (size_t)r->n, (size_t)r->k * sizeof(float)));
    }
    for (int64_t i = 0, at = 0; i < unit->n_merged; i++) {
        const pr_node *node = &low->model->nodes[unit->merged[i]];
        int64_t n, k;
        matrix_size(node, pr_node_param(low->model, node, PR_SLOT_WEIGHT), &n, &k);
        if (unit->integer) {
            PR_TRY(copy_integers(low, unit->merged[i], r, at));
        } else {
            PR_TRY(copy_floats(low, unit->merged[i], r, at));
        }
        at += n;
    }
    return PRUNE_OK;
}

/* Per-token inputs have one scale per row of the product: only where rows are input pixels. */
static prune_status check_dynamic(const pr_lowered *low, const pr_unit *unit)
{
    const pr_node *node = &low->model->nodes[unit->first];
    const pr_tensor *weight = pr_node_param(low->model, node, PR_SLOT_WEIGHT);
    if (node->op != PR_OP_CONV || node->precision.input != PR_INPUT_TOKEN) return PRUNE_OK;
    const pr_attrs *a = &node->attrs;
    bool pointwise = weight->shape.dim[1] == 1 && weight->shape.dim[2] == 1 && a->stride[0] == 1 &&
                     a->stride[1] == 1 && a->pad[0] + a->pad[1] + a->pad[2] + a->pad[3] == 0;
    if (pointwise && unit->upsample == 1) return PRUNE_OK;
    return pr_fail(PRUNE_E_UNSUPPORTED,
                   "layer '%s': a convolution over several pixels cannot have its input quantized "
                   "per token; use per-tensor or per-channel",
                   node->name);
}

/* What can be known of a convolution before its size is: sizes that fit "same" padding. */
static pr_pack_kind kind_of(const pr_lowered *low, const pr_unit *unit, int64_t outputs)
{
    const pr_node *node = &low->model->nodes[unit->first];
    const pr_tensor *weight = pr_node_param(low->model, node, PR_SLOT_WEIGHT);
    const pr_attrs *a = &node->attrs;
    if (node->op != PR_OP_CONV || !unit->integer) return PR_PACK_DIRECT;
    if (a->pad[0] != a->pad[2] || a->pad[1] != a->pad[3]) return PR_PACK_DIRECT;
    pr_conv conv = {.channels = weight->shape.dim[3], .groups = a->groups};
    conv.upsample = unit->upsample;
    for (int i = 0; i < 2; i++) {
        conv.kernel[i] = weight->shape.dim[1 + i];
        conv.stride[i] = a->stride[i];
        conv.pad[i] = a->pad[i];
    }
    return pr_pack_kind_for(low->kernels, &conv, outputs);
}

static prune_status pack_rewritten(pr_lowered *low, pr_unit *unit, const rows *r, pr_pack_kind kind)
{
    int64_t channels = r->k / 9;
    int32_t parts = kind == PR_PACK_PHASES ? 4 : 1;
    unit->packs = pr_calloc(low->ctx, (size_t)parts, sizeof *unit->packs);
    if (!unit->packs) return PRUNE_E_MEMORY;
    unit->n_packs = parts;
    if (kind == PR_PACK_PHASES) {
        PR_TRY(pr_pack_phases(unit->packs, low->ctx, low->kernels, r->n, channels, r->integer,
                              r->scale, r->bias));
    } else {
        PR_TRY(pr_pack_winograd(unit->packs, low->ctx, low->kernels, r->n, channels, r->integer,
                                r->scale, r->bias));
    }
    for (int32_t i = 0; i < parts; i++) low->packed_bytes += unit->packs[i].bytes;
    return PRUNE_OK;
}

static prune_status pack_unit(pr_lowered *low, pr_unit *unit)
{
    const pr_node *node = &low->model->nodes[unit->first];
    const pr_tensor *weight = pr_node_param(low->model, node, PR_SLOT_WEIGHT);
    prune_status status;
    rows r = {0};
    int32_t parts = 1;
    if (unit->integer) PR_TRY(check_dynamic(low, unit));
    PR_TRY(copy_gain(low, unit));
    if (node->op == PR_OP_CONV) parts = node->attrs.groups;
    if (node->op == PR_OP_CONV_TRANSPOSE) {
        parts = (int32_t)(weight->shape.dim[0] * weight->shape.dim[1]);
    }
    PR_GO(gather_rows(low, unit, &r));
    pr_pack_kind kind = kind_of(low, unit, r.n);
    if (kind != PR_PACK_DIRECT) {
        status = pack_rewritten(low, unit, &r, kind);
        goto done;
    }
    unit->packs = pr_calloc(low->ctx, (size_t)parts, sizeof *unit->packs);
    status = PRUNE_E_MEMORY;
    if (!unit->packs) goto done;
    unit->n_packs = parts;
    int64_t n = r.n / parts;
    for (int32_t i = 0; i < parts; i++) {
        pr_packed *to = &unit->packs[i];
        if (unit->integer) {
            PR_GO(pr_pack_i8(to, low->ctx, low->kernels, n, r.k, r.integer + i * n * r.k,
                             r.scale + i * n, r.bias + i * n));
        } else if (unit->bf16) {
            PR_GO(pr_pack_bf16(to, low->ctx, low->kernels, n, r.k, r.weight + i * n * r.k,
                               r.bias + i * n));
        } else {
            PR_GO(pr_pack_f32(to, low->ctx, low->kernels, n, r.k, r.weight + i * n * r.k,
                              r.bias + i * n));
        }
        low->packed_bytes += to->bytes;
    }
    status = PRUNE_OK;
done:
    rows_free(low->ctx, &r);
    return status;
}

prune_status pr_lower_pack(pr_lowered *low)
{
    for (int32_t i = 0; i < low->n_units; i++) {
        if (low->units[i].kind == PR_UNIT_NODE || !low->units[i].live) continue;
        PR_TRY(pack_unit(low, &low->units[i]));
    }
    return PRUNE_OK;
}
