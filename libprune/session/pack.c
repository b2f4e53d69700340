/* Packs the weights of every unit, with what folds into them. */
#include "libprune/ops/ops.h"
#include "libprune/passes/integer.h"
#include "libprune/session/lower.h"

#include <stdio.h>
#include <string.h>

/* Rows of a unit's matrix before packing: floats, or integers with their scales. One node's lie
 * where `integers` or `floats` holds them; those of merged nodes are gathered in memory of their
 * own. */
typedef struct rows {
    int64_t n, k;
    const float *weight;
    const int8_t *integer;
    const float *scale, *bias;
    pr_integer integers;
    pr_tensor floats;
    void *gathered, *scales, *biases;
} rows;

static void rows_free(prune_context *ctx, rows *r)
{
    pr_integer_free(&r->integers);
    pr_tensor_release(&r->floats);
    pr_free(ctx, r->gathered);
    pr_free(ctx, r->scales);
    pr_free(ctx, r->biases);
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

/* The weight as F32: shared when it is. */
static prune_status float_weight(pr_tensor *out, const pr_lowered *low, int32_t index)
{
    const pr_tensor *weight = pr_node_param(low->model, &low->model->nodes[index], PR_SLOT_WEIGHT);
    if (weight->dtype == PR_I8) return pr_integer_dequantize(out, low->model, index);
    *out = pr_tensor_share(weight);
    return PRUNE_OK;
}

/* One value per row, the same for every tap of an output. */
static void copy_bias(const pr_lowered *low, int32_t index, float *to, int64_t n)
{
    const pr_tensor *bias = pr_node_param(low->model, &low->model->nodes[index], PR_SLOT_BIAS);
    for (int64_t o = 0; bias && o < n; o++) to[o] = pr_f32(bias)[o % pr_tensor_count(bias)];
}

/* LayerScale multiplies in the epilogue: folded into the weights it would round differently. */
static prune_status copy_gain(pr_lowered *low, pr_unit *unit)
{
    if (unit->scale == PR_NONE) return PRUNE_OK;
    const pr_tensor *scale =
        pr_node_param(low->model, &low->model->nodes[unit->scale], PR_SLOT_WEIGHT);
    return pr_pack_columns(&unit->gain, low->ctx, pr_tensor_count(scale), pr_f32(scale));
}

static prune_status single_rows(const pr_lowered *low, const pr_unit *unit, rows *r)
{
    if (unit->integer) {
        PR_TRY(pr_integer_derive(&r->integers, low->model, unit->first));
        r->integer = r->integers.weight.data;
        r->scale = pr_f32(&r->integers.scale);
        r->bias = pr_f32(&r->integers.bias);
        return PRUNE_OK;
    }
    r->biases = pr_calloc(low->ctx, (size_t)r->n, sizeof(float));
    if (!r->biases) return PRUNE_E_MEMORY;
    copy_bias(low, unit->first, r->biases, r->n);
    PR_TRY(float_weight(&r->floats, low, unit->first));
    r->bias = r->biases;
    r->weight = pr_f32(&r->floats);
    return PRUNE_OK;
}

static prune_status gather_integers(const pr_lowered *low, const pr_unit *unit, rows *r)
{
    PR_TRY(pr_new(low->ctx, &r->gathered, (size_t)r->n, (size_t)r->k));
    PR_TRY(pr_new(low->ctx, &r->scales, (size_t)r->n, sizeof(float)));
    for (int64_t i = 0, at = 0; i < unit->n_merged; i++) {
        pr_integer one;
        PR_TRY(pr_integer_derive(&one, low->model, unit->merged[i]));
        memcpy((int8_t *)r->gathered + at * r->k, one.weight.data, (size_t)(one.rows * one.depth));
        memcpy((float *)r->scales + at, one.scale.data, (size_t)one.rows * sizeof(float));
        memcpy((float *)r->biases + at, one.bias.data, (size_t)one.rows * sizeof(float));
        at += one.rows;
        pr_integer_free(&one);
    }
    r->integer = r->gathered;
    r->scale = r->scales;
    return PRUNE_OK;
}

static prune_status gather_floats(const pr_lowered *low, const pr_unit *unit, rows *r)
{
    PR_TRY(pr_new(low->ctx, &r->gathered, (size_t)r->n, (size_t)r->k * sizeof(float)));
    for (int64_t i = 0, at = 0; i < unit->n_merged; i++) {
        pr_tensor one;
        PR_TRY(float_weight(&one, low, unit->merged[i]));
        const int64_t n = pr_tensor_count(&one) / r->k;
        memcpy((float *)r->gathered + at * r->k, one.data, pr_tensor_bytes(&one));
        copy_bias(low, unit->merged[i], (float *)r->biases + at, n);
        at += n;
        pr_tensor_release(&one);
    }
    r->weight = r->gathered;
    return PRUNE_OK;
}

static void unit_size(const pr_lowered *low, const pr_unit *unit, int64_t *n, int64_t *k)
{
    *n = 0;
    for (int32_t i = 0; i < unit->n_merged; i++) {
        const pr_node *node = &low->model->nodes[unit->merged[i]];
        int64_t one;
        matrix_size(node, pr_node_param(low->model, node, PR_SLOT_WEIGHT), &one, k);
        *n += one;
    }
}

static prune_status rows_of(const pr_lowered *low, const pr_unit *unit, rows *r)
{
    unit_size(low, unit, &r->n, &r->k);
    if (unit->n_merged == 1) return single_rows(low, unit, r);
    r->biases = pr_calloc(low->ctx, (size_t)r->n, sizeof(float));
    if (!r->biases) return PRUNE_E_MEMORY;
    r->bias = r->biases;
    return unit->integer ? gather_integers(low, unit, r) : gather_floats(low, unit, r);
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
    if (node->op != PR_OP_CONV || unit->bf16) return PR_PACK_DIRECT;
    if (a->pad[0] != a->pad[2] || a->pad[1] != a->pad[3]) return PR_PACK_DIRECT;
    pr_conv conv = {.channels = weight->shape.dim[3], .groups = a->groups};
    conv.upsample = unit->upsample;
    for (int i = 0; i < 2; i++) {
        conv.kernel[i] = weight->shape.dim[1 + i];
        conv.stride[i] = a->stride[i];
        conv.pad[i] = a->pad[i];
    }
    return (unit->integer ? pr_pack_kind_for : pr_pack_kind_f32)(low->kernels, &conv, outputs);
}

/* Matrices of their own: groups, or the taps of conv_transpose. */
static int32_t parts_of(const pr_lowered *low, const pr_unit *unit)
{
    const pr_node *node = &low->model->nodes[unit->first];
    const pr_tensor *weight = pr_node_param(low->model, node, PR_SLOT_WEIGHT);
    if (node->op == PR_OP_CONV) return node->attrs.groups;
    if (node->op != PR_OP_CONV_TRANSPOSE) return 1;
    return (int32_t)(weight->shape.dim[0] * weight->shape.dim[1]);
}

/* What the unit's packed weights take. */
static size_t unit_bytes(const pr_lowered *low, const pr_unit *unit)
{
    const pr_operands operands = unit->integer ? PR_OPERANDS_I8
                                 : unit->bf16  ? PR_OPERANDS_BF16
                                               : PR_OPERANDS_F32;
    const int32_t parts = parts_of(low, unit);
    int64_t n, k = 0;
    unit_size(low, unit, &n, &k);
    const pr_pack_kind kind = kind_of(low, unit, n);
    if (kind != PR_PACK_DIRECT) return pr_pack_bytes(low->kernels, operands, kind, n, k / 9);
    return (size_t)parts * pr_pack_bytes(low->kernels, operands, kind, n / parts, k);
}

static prune_status pack_rewritten(pr_lowered *low, pr_unit *unit, pr_pack_room *room,
                                   const rows *r, pr_pack_kind kind)
{
    int64_t channels = r->k / 9;
    int32_t parts = pr_pack_parts(kind);
    unit->packs = pr_calloc(low->ctx, (size_t)parts, sizeof *unit->packs);
    if (!unit->packs) return PRUNE_E_MEMORY;
    unit->n_packs = parts;
    if (kind == PR_PACK_PHASES) {
        PR_TRY(pr_pack_phases(unit->packs, low->ctx, low->kernels, room, r->n, channels, r->integer,
                              r->scale, r->bias));
    } else if (unit->integer) {
        PR_TRY(pr_pack_winograd(unit->packs, low->ctx, low->kernels, room, kind, r->n, channels,
                                r->integer, r->scale, r->bias));
    } else {
        PR_TRY(pr_pack_winograd_f32(unit->packs, low->ctx, low->kernels, room, kind, r->n, channels,
                                    r->weight, r->bias));
    }
    return PRUNE_OK;
}

static prune_status pack_unit(pr_lowered *low, pr_unit *unit, pr_pack_room *room)
{
    prune_status status;
    rows r = {0};
    const int32_t parts = parts_of(low, unit);
    if (unit->integer) PR_TRY(check_dynamic(low, unit));
    PR_TRY(copy_gain(low, unit));
    PR_GO(rows_of(low, unit, &r));
    pr_pack_kind kind = kind_of(low, unit, r.n);
    if (kind != PR_PACK_DIRECT) {
        status = pack_rewritten(low, unit, room, &r, kind);
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
            PR_GO(pr_pack_i8(to, low->ctx, low->kernels, room, n, r.k, r.integer + i * n * r.k,
                             r.scale + i * n, r.bias + i * n));
        } else if (unit->bf16) {
            PR_GO(pr_pack_bf16(to, low->ctx, low->kernels, room, n, r.k, r.weight + i * n * r.k,
                               r.bias + i * n));
        } else {
            PR_GO(pr_pack_f32(to, low->ctx, low->kernels, room, n, r.k, r.weight + i * n * r.k,
                              r.bias + i * n));
        }
    }
    status = PRUNE_OK;
done:
    rows_free(low->ctx, &r);
    return status;
}

/* The first unit that a lane could not pack, with the message, which belongs to its thread. */
typedef struct failure {
    int32_t unit;
    prune_status status;
    char message[512];
} failure;

typedef struct packing {
    pr_lowered *low;
    failure *failures;   /* per lane */
    pr_pack_room *rooms; /* per unit: parts of one block */
    _Atomic int32_t next;
} packing;

static bool has_weights(const pr_unit *unit)
{
    return unit->kind != PR_UNIT_NODE && unit->live;
}

/* One block for all of them, and where in it each unit packs. */
static prune_status make_rooms(pr_lowered *low, pr_pack_room *rooms)
{
    size_t total = 0;
    for (int32_t i = 0; i < low->n_units; i++)
        if (has_weights(&low->units[i])) total += unit_bytes(low, &low->units[i]);
    char *at = low->weights = pr_alloc(low->ctx, total);
    if (!at) return PRUNE_E_MEMORY;
    for (int32_t i = 0; i < low->n_units; i++) {
        const size_t bytes = has_weights(&low->units[i]) ? unit_bytes(low, &low->units[i]) : 0;
        rooms[i] = (pr_pack_room){at, at + bytes};
        at += bytes;
    }
    return PRUNE_OK;
}

/* Units differ much in size: whoever is free takes the next. What comes out of each does not depend
 * on who packs it. */
static void pack_units(void *arg, int64_t begin, int64_t end, int lane)
{
    packing *p = arg;
    failure *failed = &p->failures[lane];
    (void)begin;
    (void)end;
    for (;;) {
        const int32_t i = p->next++;
        if (i >= p->low->n_units) return;
        pr_unit *unit = &p->low->units[i];
        if (!has_weights(unit)) continue;
        failed->status = pack_unit(p->low, unit, &p->rooms[i]);
        if (failed->status == PRUNE_OK) continue;
        failed->unit = i;
        (void)snprintf(failed->message, sizeof failed->message, "%s", prune_last_error());
        return;
    }
}

/* All units before a failed one were taken and finished: the first failure is always the same. */
static prune_status first_failure(const failure *failures, int32_t lanes)
{
    const failure *first = NULL;
    for (int32_t i = 0; i < lanes; i++) {
        if (failures[i].status == PRUNE_OK) continue;
        if (!first || failures[i].unit < first->unit) first = &failures[i];
    }
    return first ? pr_fail(first->status, "%s", first->message) : PRUNE_OK;
}

prune_status pr_lower_pack(pr_lowered *low)
{
    const int32_t lanes = low->ctx->threads;
    prune_status status = PRUNE_E_MEMORY;
    packing p = {.low = low};
    p.failures = pr_calloc(low->ctx, (size_t)lanes, sizeof *p.failures);
    p.rooms = pr_calloc(low->ctx, (size_t)low->n_units, sizeof *p.rooms);
    if (!p.failures || !p.rooms) goto done;
    PR_GO(make_rooms(low, p.rooms));
    pr_parallel(low->ctx, lanes, 1, pack_units, &p);
    status = first_failure(p.failures, lanes);
done:
    pr_free(low->ctx, p.failures);
    pr_free(low->ctx, p.rooms);
    PR_TRY(status);
    for (int32_t i = 0; i < low->n_units; i++) {
        for (int32_t j = 0; j < low->units[i].n_packs; j++)
            low->packed_bytes += low->units[i].packs[j].bytes;
    }
    return PRUNE_OK;
}

/* --- memory that nobody reads any more --------------------------------------------------------*/

static void keep_shape(pr_tensor *tensor)
{
    const pr_tensor old = *tensor;
    pr_tensor_release(tensor);
    tensor->dtype = old.dtype;
    tensor->shape = old.shape;
}

static void drop_param(prune_model *model, int32_t node, int32_t slot)
{
    const int32_t index = model->nodes[node].params[slot];
    if (index != PR_NONE) keep_shape(&model->params[index].tensor);
}

/* A part of a file's memory would keep all of it: copied out. */
static prune_status move_out(pr_tensor *tensor, prune_context *ctx)
{
    pr_tensor own;
    if (!tensor->data || (tensor->buffer && tensor->data == tensor->buffer->data)) return PRUNE_OK;
    PR_TRY(pr_tensor_copy(&own, ctx, tensor));
    pr_tensor_release(tensor);
    *tensor = own;
    return PRUNE_OK;
}

prune_status pr_lower_release(const pr_lowered *low, prune_model *model)
{
    for (int32_t i = 0; i < low->n_units; i++) {
        const pr_unit *unit = &low->units[i];
        if (unit->n_packs == 0) continue;
        for (int32_t j = 0; j < unit->n_merged; j++) {
            drop_param(model, unit->merged[j], PR_SLOT_WEIGHT);
            drop_param(model, unit->merged[j], PR_SLOT_BIAS);
        }
        if (unit->scale != PR_NONE) drop_param(model, unit->scale, PR_SLOT_WEIGHT);
    }
    for (int32_t i = 0; i < model->n_nodes; i++) {
        pr_precision *p = &model->nodes[i].precision;
        PR_TRY(move_out(&p->input_scale, model->ctx));
        PR_TRY(move_out(&p->input_zero, model->ctx));
        PR_TRY(move_out(&p->weight_scale, model->ctx));
    }
    for (int32_t i = 0; i < model->n_params; i++)
        PR_TRY(move_out(&model->params[i].tensor, model->ctx));
    return PRUNE_OK;
}
