/* From units to steps at one input size, and from lifetimes to one arena. */
#include "libprune/session/plan.h"

#include "libprune/kernels/driver.h"
#include "libprune/passes/shapes.h"

#include <string.h>

int64_t pr_plan_channels(const pr_plan *plan, int32_t node)
{
    return pr_shape_last(&plan->shapes[node]);
}

int64_t pr_plan_rows(const pr_plan *plan, int32_t node)
{
    return pr_shape_count(&plan->shapes[node]) / pr_plan_channels(plan, node);
}

size_t pr_plan_line_bytes(const pr_plan *plan, int32_t node)
{
    const int64_t *dim = plan->shapes[node].dim;
    return pr_scratch_round((size_t)(dim[2] * dim[3]) * sizeof(float));
}

static prune_status add_buffer(pr_plan *plan, size_t bytes, int32_t *index)
{
    PR_TRY(pr_grow(plan->ctx, (void **)&plan->buffers, &plan->buffer_capacity,
                   (size_t)plan->n_buffers + 1, sizeof *plan->buffers));
    *index = plan->n_buffers++;
    plan->buffers[*index] = (pr_buffer_plan){bytes, 0, INT32_MAX, -1, PR_NONE};
    return PRUNE_OK;
}

/* The step that is about to be added reads or writes this buffer. */
static void touch(pr_plan *plan, int32_t buffer)
{
    pr_buffer_plan *b = &plan->buffers[buffer];
    if (plan->n_steps < b->first) b->first = plan->n_steps;
    if (plan->n_steps > b->last) b->last = plan->n_steps;
}

static prune_status write_floats(pr_plan *plan, int32_t node)
{
    pr_place *place = &plan->floats[node];
    int64_t channels = pr_plan_channels(plan, node);
    *place = (pr_place){PR_BUFFER_OUTPUT, 0, channels};
    if (node != plan->low->model->outputs[0].node) {
        size_t count = (size_t)pr_shape_count(&plan->shapes[node]);
        PR_TRY(add_buffer(plan, count * sizeof(float), &place->buffer));
    }
    touch(plan, place->buffer);
    return PRUNE_OK;
}

static prune_status write_bytes(pr_plan *plan, int32_t variant)
{
    const pr_variant *v = &plan->low->variants[variant];
    pr_place *place = &plan->bytes[variant];
    int64_t rows = pr_plan_rows(plan, v->node);
    *place = (pr_place){PR_NONE, 0, v->channels};
    PR_TRY(add_buffer(plan, (size_t)(rows * v->channels), &place->buffer));
    touch(plan, place->buffer);
    if (!v->dynamic) return PRUNE_OK;
    PR_TRY(add_buffer(plan, (size_t)rows * sizeof(float), &plan->row_scales[variant]));
    touch(plan, plan->row_scales[variant]);
    return PRUNE_OK;
}

static void read_floats(pr_plan *plan, int32_t node)
{
    touch(plan, plan->floats[node].buffer);
}

static void read_bytes(pr_plan *plan, int32_t variant)
{
    touch(plan, plan->bytes[variant].buffer);
    if (plan->row_scales[variant] != PR_NONE) touch(plan, plan->row_scales[variant]);
}

static prune_status add_step(pr_plan *plan, pr_step_kind kind, const pr_unit *unit, int32_t node,
                             int32_t variant)
{
    PR_TRY(pr_grow(plan->ctx, (void **)&plan->steps, &plan->step_capacity,
                   (size_t)plan->n_steps + 1, sizeof *plan->steps));
    pr_step *step = &plan->steps[plan->n_steps];
    *step = (pr_step){.kind = kind, .unit = unit, .node = node, .variant = variant};
    for (int32_t i = 0; kind != PR_STEP_QUANTIZE && i < unit->n_merged; i++) {
        step->macs += pr_node_macs(plan->low->model, plan->shapes, unit->merged[i]);
    }
    plan->n_steps++; /* before anything can fail, so that pr_plan_free sees the tables */
    return pr_plan_tables(plan, step);
}

/* --- one unit ---------------------------------------------------------------------------------*/

static prune_status plan_merged(pr_plan *plan, const pr_unit *unit)
{
    int64_t total = 0, at = 0;
    int32_t buffer;
    for (int32_t i = 0; i < unit->n_merged; i++) total += pr_plan_channels(plan, unit->merged[i]);
    int64_t rows = pr_plan_rows(plan, unit->first);
    PR_TRY(add_buffer(plan, (size_t)(rows * total) * sizeof(float), &buffer));
    for (int32_t i = 0; i < unit->n_merged; i++) {
        plan->floats[unit->merged[i]] = (pr_place){buffer, at, total};
        at += pr_plan_channels(plan, unit->merged[i]);
    }
    touch(plan, buffer);
    return PRUNE_OK;
}

static prune_status plan_matrix(pr_plan *plan, const pr_unit *unit)
{
    if (unit->integer) {
        read_bytes(plan, unit->variant);
    } else {
        read_floats(plan, unit->input);
    }
    if (unit->residual != PR_NONE) read_floats(plan, unit->residual);
    if (unit->n_merged > 1) {
        PR_TRY(plan_merged(plan, unit));
    } else if (plan->low->need_f32[unit->last]) {
        PR_TRY(write_floats(plan, unit->last));
    }
    if (unit->emits != PR_NONE) PR_TRY(write_bytes(plan, unit->emits));
    pr_op_kind op = plan->low->model->nodes[unit->first].op;
    pr_step_kind kind = op == PR_OP_LINEAR           ? PR_STEP_GEMM
                        : op == PR_OP_CONV_TRANSPOSE ? PR_STEP_TRANSPOSE
                                                     : PR_STEP_CONV;
    if (kind == PR_STEP_CONV) {
        pr_conv conv = pr_plan_conv(plan, unit);
        if (pr_conv_is_gemm(&conv)) kind = PR_STEP_GEMM;
    }
    return add_step(plan, kind, unit, unit->n_merged > 1 ? unit->first : unit->last, PR_NONE);
}

static pr_step_kind node_step(const pr_plan *plan, const pr_node *node)
{
    (void)plan;
    switch (node->op) {
    case PR_OP_ATTENTION:
        return PR_STEP_ATTENTION;
    case PR_OP_LAYER_NORM:
        return PR_STEP_NORM;
    case PR_OP_TOKEN_EMBED:
        return PR_STEP_EMBED;
    case PR_OP_TOKENS_TO_MAP:
        return PR_STEP_CROP;
    case PR_OP_RESIZE:
        return node->attrs.resize_mode == PR_RESIZE_NEAREST ? PR_STEP_FORWARD : PR_STEP_RESIZE;
    case PR_OP_RELU:
    case PR_OP_LEAKY_RELU:
    case PR_OP_ELU:
    case PR_OP_GELU:
    case PR_OP_SIGMOID:
        return PR_STEP_ACTIVATE;
    case PR_OP_SWIGLU:
        return PR_STEP_GATE;
    case PR_OP_ADD:
        return node->n_inputs == 2 ? PR_STEP_ADD : PR_STEP_FORWARD;
    default:
        return PR_STEP_FORWARD;
    }
}

static prune_status plan_node(pr_plan *plan, const pr_unit *unit)
{
    const prune_model *model = plan->low->model;
    const pr_node *node = &model->nodes[unit->first];
    if (node->op == PR_OP_INPUT) {
        plan->floats[unit->first] = (pr_place){PR_BUFFER_INPUT, 0, 3};
        touch(plan, PR_BUFFER_INPUT);
        return PRUNE_OK;
    }
    if (node->op == PR_OP_TOKENS_TO_MAP && plan->batch == 1 &&
        unit->first != model->outputs[0].node) {
        /* The map is the tokens behind the prefix, as they lie. */
        plan->floats[unit->first] = plan->floats[unit->input];
        plan->floats[unit->first].offset += node->attrs.prefix * plan->floats[unit->input].stride;
        return PRUNE_OK;
    }
    pr_step_kind kind = node_step(plan, node);
    for (int32_t i = 0; i < node->n_inputs; i++) {
        if (plan->floats[node->inputs[i]].buffer != PR_NONE) read_floats(plan, node->inputs[i]);
    }
    if (unit->residual != PR_NONE) read_floats(plan, unit->residual);
    if (unit->emits != PR_NONE) PR_TRY(write_bytes(plan, unit->emits));
    if (plan->low->need_f32[unit->last] || unit->emits == PR_NONE) {
        PR_TRY(write_floats(plan, unit->last));
    }
    return add_step(plan, kind, unit, unit->last, unit->emits);
}

/* Variants that nothing wrote on the way are quantized from the floats. */
static prune_status plan_quantization(pr_plan *plan, const pr_unit *unit)
{
    const pr_lowered *low = plan->low;
    for (int32_t i = 0; i < low->n_variants; i++) {
        if (low->variants[i].node != unit->last || plan->bytes[i].buffer != PR_NONE) continue;
        read_floats(plan, unit->last);
        PR_TRY(write_bytes(plan, i));
        PR_TRY(add_step(plan, PR_STEP_QUANTIZE, unit, unit->last, i));
    }
    return PRUNE_OK;
}

/* --- arena ------------------------------------------------------------------------------------*/

static bool overlap(const pr_buffer_plan *a, const pr_buffer_plan *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* Lowest offset where b fits beside the buffers already placed in order[0 .. count). */
static size_t lowest_offset(const pr_plan *plan, const int32_t *order, int32_t count,
                            const pr_buffer_plan *b)
{
    size_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int32_t i = 0; i < count; i++) {
            const pr_buffer_plan *other = &plan->buffers[order[i]];
            if (!overlap(b, other) || other->offset + other->bytes <= offset) continue;
            if (offset + b->bytes <= other->offset) continue;
            offset = other->offset + other->bytes;
            moved = true;
        }
    }
    return offset;
}

/* Largest first, each at the lowest place that is free for its lifetime. */
prune_status pr_plan_place(pr_plan *plan, int32_t group, size_t *total)
{
    int32_t *order, count = 0;
    PR_TRY(pr_new(plan->ctx, (void **)&order, (size_t)plan->n_buffers, sizeof *order));
    for (int32_t i = PR_BUFFER_OUTPUT + 1; i < plan->n_buffers; i++) {
        if (plan->buffers[i].group != group) continue;
        plan->buffers[i].bytes = (plan->buffers[i].bytes + 127) / 64 * 64;
        int32_t at = count++;
        for (; at > 0 && plan->buffers[order[at - 1]].bytes < plan->buffers[i].bytes; at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    *total = 0;
    for (int32_t i = 0; i < count; i++) {
        pr_buffer_plan *b = &plan->buffers[order[i]];
        b->offset = lowest_offset(plan, order, i, b);
        if (b->offset + b->bytes > *total) *total = b->offset + b->bytes;
    }
    pr_free(plan->ctx, order);
    return PRUNE_OK;
}

/* What a step that runs by itself needs besides its values. */
static size_t scratch_of(const pr_plan *plan, const pr_step *step)
{
    const pr_kernels *kernels = plan->low->kernels;
    if (step->kind == PR_STEP_CONV) {
        pr_conv conv = pr_plan_conv(plan, step->unit);
        return pr_conv_scratch(plan->ctx, kernels, &conv, step->unit->integer);
    }
    if (step->kind == PR_STEP_TRANSPOSE) {
        pr_conv_transpose t = pr_plan_transpose(plan, step->unit);
        return pr_conv_transpose_scratch(plan->ctx, kernels, &t);
    }
    if (step->kind == PR_STEP_ATTENTION) {
        pr_attention a = pr_plan_attention(plan, step->node);
        if (step->unit->integer) return pr_attention_i8_scratch(plan->ctx, kernels, &a);
        if (step->unit->bf16) return pr_attention_bf16_scratch(plan->ctx, kernels, &a);
        return pr_attention_scratch(plan->ctx, kernels, &a);
    }
    if (step->kind == PR_STEP_RESIZE) {
        return (size_t)plan->ctx->threads * pr_plan_line_bytes(plan, step->node);
    }
    return 0;
}

static prune_status measure_arena(pr_plan *plan)
{
    size_t scratch = 0, threads = (size_t)plan->ctx->threads;
    PR_TRY(pr_plan_groups(plan));
    PR_TRY(pr_plan_place(plan, PR_NONE, &plan->scratch_offset));
    for (int32_t i = 0; i < plan->n_groups; i++) {
        const pr_group *group = &plan->groups[i];
        size_t bytes = group->by_rows ? threads * group->lane_bytes
                                      : scratch_of(plan, &plan->steps[group->first]);
        if (bytes > scratch) scratch = bytes;
    }
    plan->arena_bytes = plan->scratch_offset + scratch + 64;
    plan->spent = pr_calloc(plan->ctx, threads * (size_t)plan->n_steps + 1, sizeof *plan->spent);
    return plan->spent ? PRUNE_OK : PRUNE_E_MEMORY;
}

/* --- whole ------------------------------------------------------------------------------------*/

static prune_status open_tables(pr_plan *plan)
{
    size_t nodes = (size_t)plan->low->model->n_nodes, variants = (size_t)plan->low->n_variants;
    int32_t index;
    PR_TRY(pr_new(plan->ctx, (void **)&plan->shapes, nodes, sizeof *plan->shapes));
    PR_TRY(pr_new(plan->ctx, (void **)&plan->floats, nodes, sizeof *plan->floats));
    PR_TRY(pr_new(plan->ctx, (void **)&plan->bytes, variants + 1, sizeof *plan->bytes));
    PR_TRY(pr_new(plan->ctx, (void **)&plan->row_scales, variants + 1, sizeof(int32_t)));
    for (size_t i = 0; i < nodes; i++) plan->floats[i] = (pr_place){PR_NONE, 0, 0};
    for (size_t i = 0; i < variants; i++) {
        plan->bytes[i] = (pr_place){PR_NONE, 0, 0};
        plan->row_scales[i] = PR_NONE;
    }
    PR_TRY(add_buffer(plan, 0, &index));
    return add_buffer(plan, 0, &index);
}

/* Callers reserve one float per pixel of the input: a file must not decide otherwise. */
static prune_status check_output(const pr_plan *plan)
{
    const pr_output *output = &plan->low->model->outputs[0];
    const pr_shape wanted = pr_shape4(plan->batch, plan->height, plan->width, 1);
    char text[96];
    if (pr_shape_equal(&plan->shapes[output->node], &wanted)) return PRUNE_OK;
    return pr_fail(PRUNE_E_SHAPE,
                   "output '%s' is %s for an input of %lldx%lld: sessions run models whose output "
                   "has the input's size; use a size that the model's strides divide, such as "
                   "%lldx%lld",
                   output->name, pr_shape_text(&plan->shapes[output->node], text, sizeof text),
                   (long long)plan->height, (long long)plan->width,
                   (long long)plan->shapes[output->node].dim[1],
                   (long long)plan->shapes[output->node].dim[2]);
}

prune_status pr_plan_create(pr_plan *out, const pr_lowered *low, int64_t batch, int64_t height,
                            int64_t width)
{
    prune_status status;
    pr_plan plan = {.ctx = low->ctx, .low = low};
    plan.batch = batch;
    plan.height = height;
    plan.width = width;
    PR_GO(open_tables(&plan));
    PR_GO(pr_shapes_infer(low->model, batch, height, width, plan.shapes));
    PR_GO(check_output(&plan));
    for (int32_t i = 0; i < low->n_units; i++) {
        const pr_unit *unit = &low->units[i];
        if (!unit->live && low->model->nodes[unit->first].op != PR_OP_INPUT) continue;
        if (unit->kind == PR_UNIT_NODE) {
            PR_GO(plan_node(&plan, unit));
        } else {
            PR_GO(plan_matrix(&plan, unit));
        }
        PR_GO(plan_quantization(&plan, unit));
    }
    PR_GO(measure_arena(&plan));
    *out = plan;
    return PRUNE_OK;
done:
    pr_plan_free(&plan);
    return status;
}

void pr_plan_free(pr_plan *plan)
{
    if (!plan->ctx) return;
    for (int32_t i = 0; i < plan->n_steps; i++) {
        pr_free(plan->ctx, plan->steps[i].x0);
        pr_free(plan->ctx, plan->steps[i].wx);
        pr_free(plan->ctx, plan->steps[i].table);
    }
    pr_free(plan->ctx, plan->shapes);
    pr_free(plan->ctx, plan->floats);
    pr_free(plan->ctx, plan->bytes);
    pr_free(plan->ctx, plan->row_scales);
    pr_free(plan->ctx, plan->buffers);
    pr_free(plan->ctx, plan->steps);
    pr_free(plan->ctx, plan->groups);
    pr_free(plan->ctx, plan->spent);
    *plan = (pr_plan){0};
}
