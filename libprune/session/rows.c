/* Steps that treat rows one by one, a block of rows through all steps of a group. */
#include "libprune/ops/ops.h"
#include "libprune/session/run.h"

#include <string.h>

static int64_t channels_of(const pr_runner *run, int32_t node)
{
    return pr_plan_channels(run->plan, node);
}

static void block_gemm(const pr_runner *run, const pr_step *step, const pr_block *block)
{
    const pr_unit *unit = step->unit;
    pr_gemm gemm = {.m = block->rows, .b = unit->packs};
    gemm.a = pr_run_matrix_input(run, unit, block);
    gemm.e = pr_run_epilogue(run, step, block);
    if (unit->integer) {
        gemm.lda = run->plan->bytes[unit->variant].stride;
        pr_gemm_i8_block(run->kernels, &gemm, block->scratch);
    } else {
        gemm.lda = run->plan->floats[unit->input].stride;
        if (unit->bf16) {
            pr_gemm_bf16_block(run->kernels, &gemm, block->scratch);
        } else {
            pr_gemm_f32_block(run->kernels, &gemm);
        }
    }
}

static void quantize(const pr_runner *run, const pr_step *step, const float *x, int64_t begin,
                     int64_t rows, const pr_block *block)
{
    const pr_variant *v = &run->plan->low->variants[step->variant];
    int8_t *q = pr_run_bytes(run, step->variant, block) + begin * v->channels;
    if (v->dynamic) {
        run->kernels->quantize_rows(rows, v->channels, x, v->channels, v->relu, q, v->channels,
                                    pr_run_row_scales(run, step->variant, block) + begin);
    } else {
        run->kernels->quantize(rows, v->channels, x, v->channels, v->inv_scale, v->zero, v->relu, q,
                               v->channels);
    }
}

static void block_norm(const pr_runner *run, const pr_step *step, const pr_block *block)
{
    const prune_model *model = run->plan->low->model;
    const pr_node *node = &model->nodes[step->node];
    const pr_tensor *bias = pr_node_param(model, node, PR_SLOT_BIAS);
    const float *weight = pr_f32(pr_node_param(model, node, PR_SLOT_WEIGHT));
    const float *x = pr_run_floats(run, node->inputs[0], block);
    float *y = pr_run_floats(run, step->node, block);
    int64_t n = channels_of(run, step->node);
    int64_t norm = node->attrs.norm_width ? node->attrs.norm_width : n;
    for (int64_t r = 0; r < block->rows; r += PR_NORM_ROWS) {
        int64_t rows = block->rows - r < PR_NORM_ROWS ? block->rows - r : PR_NORM_ROWS;
        float *to = y ? y + r * n : (float *)(void *)block->scratch;
        run->kernels->layer_norm(rows, n, norm, node->attrs.epsilon, x + r * n, n, weight,
                                 bias ? pr_f32(bias) : NULL, to, n);
        if (step->variant != PR_NONE) quantize(run, step, to, r, rows, block);
    }
}

static void block_activate(const pr_runner *run, const pr_step *step, const pr_block *block)
{
    static const struct {
        pr_op_kind op;
        pr_activation act;
    } acts[] = {{PR_OP_RELU, PR_ACT_RELU},
                {PR_OP_LEAKY_RELU, PR_ACT_LEAKY_RELU},
                {PR_OP_ELU, PR_ACT_ELU},
                {PR_OP_GELU, PR_ACT_GELU},
                {PR_OP_SIGMOID, PR_ACT_SIGMOID}};
    const pr_node *node = &run->plan->low->model->nodes[step->node];
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (acts[i].op != node->op) continue;
        run->kernels->activate(
            acts[i].act, node->attrs.alpha, pr_run_floats(run, node->inputs[0], block),
            pr_run_floats(run, step->node, block), block->rows * channels_of(run, step->node));
    }
}

static void block_pairs(const pr_runner *run, const pr_step *step, const pr_block *block)
{
    const pr_node *node = &run->plan->low->model->nodes[step->node];
    const float *a = pr_run_floats(run, node->inputs[0], block);
    const float *b = pr_run_floats(run, node->inputs[1], block);
    float *y = pr_run_floats(run, step->node, block);
    int64_t count = block->rows * channels_of(run, step->node);
    if (step->kind == PR_STEP_ADD) {
        run->kernels->add(a, b, y, count);
    } else {
        pr_gate_f32(run->kernels, a, b, y, count);
    }
}

/* --- convolution, and the resize before it ----------------------------------------------------*/

static void block_conv(const pr_runner *run, const pr_step *step, const pr_block *block)
{
    const pr_unit *unit = step->unit;
    pr_conv conv = pr_plan_conv(run->plan, unit);
    conv.e = pr_run_epilogue(run, step, block);
    if (unit->integer) conv.fill = run->plan->low->variants[unit->variant].fill;
    if (block->strip_n == 0) {
        conv.image = pr_run_matrix_input(run, unit, NULL);
        conv.origin = block->first;
        pr_conv_block(run->kernels, &conv, unit->integer, block->first, block->first + block->rows,
                      block->scratch);
        return;
    }
    /* The strip is a map of its own: padding is left only where the whole map ends. */
    int64_t line = block->first / conv.out_width, skipped = line * conv.stride[0] - conv.pad[0];
    conv.image = pr_run_matrix_input(run, unit, block);
    conv.pad[0] = block->strip_at - skipped;
    conv.height = block->strip_n;
    conv.out_height = block->rows / conv.out_width;
    pr_conv_block(run->kernels, &conv, unit->integer, 0, block->rows, block->scratch);
}

void pr_run_resize_line(const pr_runner *run, const pr_step *step, int64_t y, float *floats,
                        int8_t *bytes, float *scratch)
{
    const pr_plan *plan = run->plan;
    const pr_unit *unit = step->unit;
    const int64_t *in = plan->shapes[unit->input].dim, *out = plan->shapes[step->node].dim;
    int64_t line = in[2] * in[3], count = out[2] * out[3], row = y % out[1];
    const float *image = pr_run_floats(run, unit->input, NULL) + y / out[1] * in[1] * line;
    float *to = floats ? floats : scratch;
    run->kernels->resize_row(out[2], out[3], image + step->y0[row] * line,
                             image + step->y1[row] * line, step->wy[row], step->x0, step->x1,
                             step->wx, to);
    if (unit->residual != PR_NONE) {
        run->kernels->add(to, pr_run_floats(run, unit->residual, NULL) + y * count, to, count);
    }
    if (!bytes) return;
    const pr_variant *v = &plan->low->variants[step->variant];
    run->kernels->quantize(out[2], out[3], to, out[3], v->inv_scale, v->zero, v->relu, bytes,
                           out[3]);
}

/* The lines that the convolution behind looks at. A lane's blocks follow each other: lines that it
 * already has move to the front. */
static void block_strip(const pr_runner *run, const pr_step *step, pr_block *block)
{
    pr_conv conv = pr_plan_conv(run->plan, step[1].unit);
    int64_t from, until, line = block->first / conv.out_width;
    int64_t count = conv.width * conv.channels, have = block->strip_at + block->strip_n;
    float *floats = pr_run_floats(run, step->node, block);
    int8_t *bytes = step->variant == PR_NONE ? NULL : pr_run_bytes(run, step->variant, block);
    pr_plan_lines(&conv, line, line + block->rows / conv.out_width, &from, &until);
    int64_t kept = have > from && from >= block->strip_at ? have - from : 0;
    if (kept > 0) {
        size_t size = (size_t)count * (bytes ? 1 : sizeof(float));
        char *strip = bytes ? (char *)bytes : (char *)floats;
        memmove(strip, strip + (size_t)(from - block->strip_at) * size, (size_t)kept * size);
    }
    for (int64_t y = from + kept; y < until; y++) {
        int64_t at = (y - from) * count;
        pr_run_resize_line(run, step, y, floats ? floats + at : NULL, bytes ? bytes + at : NULL,
                           (float *)(void *)block->scratch);
    }
    block->strip_at = from;
    block->strip_n = until - from;
}

/* --- all --------------------------------------------------------------------------------------*/

static void block_step(const pr_runner *run, const pr_step *step, pr_block *block)
{
    switch (step->kind) {
    case PR_STEP_GEMM:
        block_gemm(run, step, block);
        break;
    case PR_STEP_CONV:
        block_conv(run, step, block);
        break;
    case PR_STEP_RESIZE:
        block_strip(run, step, block);
        break;
    case PR_STEP_NORM:
        block_norm(run, step, block);
        break;
    case PR_STEP_ACTIVATE:
        block_activate(run, step, block);
        break;
    case PR_STEP_ADD:
    case PR_STEP_GATE:
        block_pairs(run, step, block);
        break;
    case PR_STEP_QUANTIZE:
        quantize(run, step, pr_run_floats(run, step->node, block), 0, block->rows, block);
        break;
    default: /* groups.c takes no others */
        break;
    }
}

typedef struct rows_job {
    const pr_runner *run;
    const pr_group *group;
} rows_job;

static void run_blocks(void *arg, int64_t begin, int64_t end, int lane)
{
    const rows_job *job = arg;
    const pr_runner *run = job->run;
    const pr_group *g = job->group;
    const pr_plan *plan = run->plan;
    double *spent = plan->spent + (size_t)lane * (size_t)plan->n_steps;
    int64_t last = end * g->unit < g->rows ? end * g->unit : g->rows;
    pr_block block = {.values = run->scratch + (size_t)lane * g->lane_bytes};
    block.scratch = block.values + g->values_bytes;
    for (int64_t r = begin * g->unit; r < last; r += g->block) {
        block.first = r;
        block.rows = last - r < g->block ? last - r : g->block;
        for (int32_t i = g->first; i <= g->last; i++) {
            double start = run->profile ? pr_run_seconds() : 0.0;
            block_step(run, &plan->steps[i], &block);
            if (run->profile) spent[i] += pr_run_seconds() - start;
        }
    }
}

/* Every step gets its share of the group's time, by what the lanes spent on it. */
static void share_time(pr_plan *plan, const pr_group *g, double seconds)
{
    double total = 0.0;
    for (int32_t i = g->first; i <= g->last; i++) {
        double sum = 0.0;
        for (int32_t lane = 0; lane < plan->ctx->threads; lane++) {
            sum += plan->spent[(size_t)lane * (size_t)plan->n_steps + (size_t)i];
        }
        plan->steps[i].seconds = sum;
        total += sum;
    }
    for (int32_t i = g->first; total > 0.0 && i <= g->last; i++) {
        plan->steps[i].seconds *= seconds / total;
    }
}

void pr_run_rows(const pr_runner *run, const pr_group *group)
{
    pr_plan *plan = run->plan;
    rows_job job = {run, group};
    double start = 0.0;
    if (run->profile) {
        memset(plan->spent, 0,
               (size_t)plan->ctx->threads * (size_t)plan->n_steps * sizeof *plan->spent);
        start = pr_run_seconds();
    }
    pr_parallel(plan->ctx, (group->rows + group->unit - 1) / group->unit, group->grain, run_blocks,
                &job);
    if (run->profile) share_time(plan, group, pr_run_seconds() - start);
}
