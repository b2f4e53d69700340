/* Which steps run together. Matrix products, norms, quantizers and everything elementwise treat
 * each row (token, pixel) by itself: a run of such steps goes through a block of rows at a time,
 * and what only they read stays in the lane's scratch, hence in its cache. Between two attentions a
 * whole transformer block is one such run, entered once by every thread. A convolution can begin
 * one, and before it a bilinear resize, whose lines then only exist as the strip that the
 * convolution looks at. No sum changes its order: rows are computed as they would be alone. */
#include "libprune/kernels/driver.h"
#include "libprune/session/plan.h"

enum {
    VALUES_BYTES = 256 << 10,  /* of a block: what fits a second-level cache beside the weights */
    WEIGHTS_BYTES = 768 << 10, /* what stays there from block to block */
    ELEMENT_MACS = 24,         /* an elementwise step's time per element, in multiply-adds */
    UNITS_EACH = 8             /* units of whole lines that every thread should get at least */
};

/* Rows of the values of a step that treats them one by one; 0 where it does not. */
static int64_t rowwise(const pr_plan *plan, const pr_step *step)
{
    const pr_node *node = &plan->low->model->nodes[step->node];
    int64_t rows = pr_plan_rows(plan, step->node);
    switch (step->kind) {
    case PR_STEP_QUANTIZE:
        return rows;
    case PR_STEP_GEMM:
        return pr_plan_rows(plan, step->unit->input) == rows ? rows : 0;
    case PR_STEP_NORM:
    case PR_STEP_ACTIVATE:
    case PR_STEP_ADD:
    case PR_STEP_GATE:
        for (int32_t i = 0; i < node->n_inputs; i++) {
            if (pr_plan_rows(plan, node->inputs[i]) != rows) return 0;
        }
        return rows;
    default:
        return 0;
    }
}

static bool used_only_in(const pr_buffer_plan *b, int32_t first, int32_t last)
{
    return b->first >= first && b->last <= last;
}

/* Buffers of what a step writes: floats, bytes, scales of rows; PR_NONE where it does not. */
static void written(const pr_plan *plan, const pr_step *step, int32_t buffer[3])
{
    int32_t variant = step->unit->kind == PR_UNIT_NODE || step->kind == PR_STEP_QUANTIZE
                          ? step->variant
                          : step->unit->emits;
    buffer[0] = step->kind == PR_STEP_QUANTIZE ? PR_NONE : plan->floats[step->node].buffer;
    buffer[1] = variant == PR_NONE ? PR_NONE : plan->bytes[variant].buffer;
    buffer[2] = variant == PR_NONE ? PR_NONE : plan->row_scales[variant];
}

/* --- convolutions at the head -----------------------------------------------------------------*/

void pr_plan_lines(const pr_conv *conv, int64_t begin, int64_t end, int64_t *from, int64_t *until)
{
    int64_t first = begin * conv->stride[0] - conv->pad[0];
    int64_t last = (end - 1) * conv->stride[0] - conv->pad[0] + conv->kernel[0];
    *from = first < 0 ? 0 : first;
    *until = last > conv->height ? conv->height : last;
}

/* Whole lines that a convolution deals out together, in rows; 0: it cannot be cut. */
static int64_t line_unit(const pr_plan *plan, const pr_conv *conv)
{
    int64_t unit = pr_conv_block_unit(conv);
    if (unit == 1) unit = conv->out_width;
    if (unit == 0 || conv->batch != 1) return 0;
    int64_t lines = conv->out_height * conv->out_width;
    return lines / unit < (int64_t)UNITS_EACH * plan->ctx->threads ? 0 : unit;
}

/* A resize that only the convolution behind it reads, as lines in order. */
static bool feeds_convolution(const pr_plan *plan, int32_t index)
{
    const pr_step *resize = &plan->steps[index], *step = resize + 1;
    int32_t buffer[3];
    if (index + 1 >= plan->n_steps || step->kind != PR_STEP_CONV) return false;
    if (step->unit->input != resize->node || step->unit->residual == resize->node) return false;
    pr_conv conv = pr_plan_conv(plan, step->unit);
    if (conv.reflect || conv.upsample != 1 || line_unit(plan, &conv) == 0) return false;
    written(plan, resize, buffer);
    for (int i = 0; i < 3; i++) {
        if (buffer[i] != PR_NONE && !used_only_in(&plan->buffers[buffer[i]], index, index + 1))
            return false;
    }
    /* One form, the one that the convolution reads. */
    return (buffer[0] == PR_NONE) != (buffer[1] == PR_NONE);
}

/* --- forming ----------------------------------------------------------------------------------*/

/* The group that begins with this step. */
static pr_group open_group(const pr_plan *plan, int32_t index)
{
    const int64_t unit = pr_panel_unit(plan->low->kernels);
    pr_group g = {.first = index, .last = index, .unit = unit};
    g.rows = rowwise(plan, &plan->steps[index]);
    g.by_rows = g.rows > 0;
    if (plan->steps[index].kind == PR_STEP_RESIZE && feeds_convolution(plan, index)) {
        g.strip = true;
        g.last = ++index;
    }
    if (plan->steps[index].kind == PR_STEP_CONV) {
        pr_conv conv = pr_plan_conv(plan, plan->steps[index].unit);
        g.unit = g.strip || pr_conv_block_unit(&conv) != 1 ? line_unit(plan, &conv) : unit;
        g.rows = pr_plan_rows(plan, plan->steps[index].node);
        g.by_rows = g.unit > 0;
    }
    while (g.by_rows && g.last + 1 < plan->n_steps &&
           rowwise(plan, &plan->steps[g.last + 1]) == g.rows) {
        g.last++;
    }
    /* A convolution alone is split better by its own driver. */
    if (g.last == g.first && plan->steps[index].kind == PR_STEP_CONV) g.by_rows = false;
    return g;
}

static bool is_strip(const pr_plan *plan, const pr_group *g, int32_t buffer)
{
    int32_t own[3];
    if (!g->strip) return false;
    written(plan, &plan->steps[g->first], own);
    return buffer == own[0] || buffer == own[1];
}

/* Steps of a group run side by side, block after block: what outlives it must stay all the time. */
static void claim_buffers(pr_plan *plan, const pr_group *g, int32_t index)
{
    for (int32_t i = PR_BUFFER_OUTPUT + 1; i < plan->n_buffers; i++) {
        pr_buffer_plan *b = &plan->buffers[i];
        if (b->first > g->last || b->last < g->first) continue;
        if (used_only_in(b, g->first, g->last)) {
            b->group = index;
            /* The next block still finds lines of this one there. */
            if (is_strip(plan, g, i)) b->last = g->last;
        } else {
            if (b->first > g->first) b->first = g->first;
            if (b->last < g->last) b->last = g->last;
        }
    }
}

/* --- sizes ------------------------------------------------------------------------------------*/

/* Bytes of the strip that a block of `rows` output rows looks at. */
static size_t strip_bytes(const pr_plan *plan, const pr_group *g, int64_t rows)
{
    const pr_step *resize = &plan->steps[g->first];
    pr_conv conv = pr_plan_conv(plan, resize[1].unit);
    int64_t lines = (rows / conv.out_width - 1) * conv.stride[0] + conv.kernel[0];
    int64_t line = conv.width * conv.channels;
    return (size_t)(lines * line) * (resize->variant == PR_NONE ? sizeof(float) : 1);
}

/* Bytes of one row of all values that a lane holds at the same time, at most. */
static int64_t row_bytes(const pr_plan *plan, const pr_group *g, int32_t index)
{
    size_t most = 0;
    for (int32_t step = g->first; step <= g->last; step++) {
        size_t sum = 0;
        for (int32_t i = 0; i < plan->n_buffers; i++) {
            const pr_buffer_plan *b = &plan->buffers[i];
            if (b->group != index || b->first > step || b->last < step) continue;
            if (!is_strip(plan, g, i)) sum += b->bytes / (size_t)g->rows;
        }
        if (sum > most) most = sum;
    }
    return (int64_t)most;
}

/* Rows of a block that make good for reading all weights of the group for it. */
static int64_t reuse_rows(const pr_plan *plan, const pr_group *g)
{
    size_t bytes = 0;
    for (int32_t i = g->first; i <= g->last; i++) {
        const pr_step *step = &plan->steps[i];
        if (step->kind == PR_STEP_GEMM) bytes += step->unit->packs->bytes;
    }
    return bytes > WEIGHTS_BYTES ? plan->low->kernels->reuse : 0;
}

static void choose_block(const pr_plan *plan, pr_group *g, int32_t index)
{
    int64_t row = row_bytes(plan, g, index), most = PR_PANEL_MOST;
    if (g->strip) row += (int64_t)strip_bytes(plan, g, g->unit) / g->unit;
    if (g->unit > pr_panel_unit(plan->low->kernels) || most < g->unit) most = g->rows;
    int64_t rows = row > 0 ? VALUES_BYTES / row : most, reuse = reuse_rows(plan, g);
    if (rows < reuse) rows = reuse < g->rows ? reuse : g->rows;
    g->block = (rows < most ? rows : most) / g->unit * g->unit;
    if (g->block < g->unit) g->block = g->unit;
}

/* What the kernels of one step need on a lane besides the values. */
static size_t kernel_scratch(const pr_plan *plan, const pr_step *step)
{
    const pr_kernels *kernels = plan->low->kernels;
    const pr_unit *unit = step->unit;
    if (step->kind == PR_STEP_GEMM && unit->integer) {
        return pr_gemm_i8_block_scratch(kernels, unit->packs);
    }
    if (step->kind == PR_STEP_GEMM && unit->bf16) {
        return pr_gemm_bf16_block_scratch(kernels, unit->packs);
    }
    if (step->kind == PR_STEP_CONV) {
        pr_conv conv = pr_plan_conv(plan, unit);
        return pr_conv_block_scratch(kernels, &conv, unit->integer);
    }
    if (step->kind == PR_STEP_RESIZE) return pr_plan_line_bytes(plan, step->node);
    if (step->kind == PR_STEP_NORM) {
        return pr_scratch_round((size_t)pr_plan_channels(plan, step->node) * PR_NORM_ROWS *
                                sizeof(float));
    }
    return 0;
}

static int64_t row_cost(const pr_plan *plan, const pr_group *g)
{
    int64_t cost = 0;
    for (int32_t i = g->first; i <= g->last; i++) {
        const pr_step *step = &plan->steps[i];
        int64_t macs = (int64_t)step->macs / g->rows;
        if (step->unit->integer || step->unit->bf16)
            macs = pr_panel_float_macs(plan->low->kernels, macs, step->unit->integer);
        cost += macs + ELEMENT_MACS * pr_plan_channels(plan, step->node);
    }
    return cost * g->unit / PR_PANEL_UNIT;
}

static prune_status size_group(pr_plan *plan, pr_group *g, int32_t index)
{
    size_t scratch = 0;
    choose_block(plan, g, index);
    for (int32_t i = 0; i < plan->n_buffers; i++) {
        pr_buffer_plan *b = &plan->buffers[i];
        if (b->group != index) continue;
        b->bytes = is_strip(plan, g, i) ? strip_bytes(plan, g, g->block)
                                        : b->bytes / (size_t)g->rows * (size_t)g->block;
    }
    PR_TRY(pr_plan_place(plan, index, &g->values_bytes));
    for (int32_t i = g->first; i <= g->last; i++) {
        size_t bytes = kernel_scratch(plan, &plan->steps[i]);
        if (bytes > scratch) scratch = bytes;
    }
    g->lane_bytes = pr_scratch_round(g->values_bytes + scratch);
    g->grain = pr_panel_grain(row_cost(plan, g));
    return PRUNE_OK;
}

prune_status pr_plan_groups(pr_plan *plan)
{
    PR_TRY(
        pr_new(plan->ctx, (void **)&plan->groups, (size_t)plan->n_steps + 1, sizeof *plan->groups));
    for (int32_t i = 0; i < plan->n_steps; i = plan->groups[plan->n_groups++].last + 1) {
        plan->groups[plan->n_groups] = open_group(plan, i);
    }
    for (int32_t i = 0; i < plan->n_groups; i++) {
        if (plan->groups[i].by_rows) claim_buffers(plan, &plan->groups[i], i);
    }
    for (int32_t i = 0; i < plan->n_groups; i++) {
        if (plan->groups[i].by_rows) PR_TRY(size_group(plan, &plan->groups[i], i));
    }
    return PRUNE_OK;
}
