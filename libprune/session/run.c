/* Executes a plan, group after group: finds the pointers, calls the kernels. */
#include "libprune/session/run.h"

#include "libprune/ops/ops.h"

#include <string.h>
#include <time.h>

/* --- where values are -------------------------------------------------------------------------*/

/* The first of the block's rows of `row_bytes` each. */
static char *rows_at(const pr_runner *run, int32_t buffer, size_t row_bytes, const pr_block *block)
{
    const pr_buffer_plan *b = &run->plan->buffers[buffer];
    if (b->group != PR_NONE) return block->values + b->offset;
    char *base = buffer <= PR_BUFFER_OUTPUT ? (char *)run->buffers[buffer] : run->arena + b->offset;
    return block ? base + (size_t)block->first * row_bytes : base;
}

float *pr_run_floats(const pr_runner *run, int32_t node, const pr_block *block)
{
    const pr_place *place = &run->plan->floats[node];
    if (place->buffer == PR_NONE) return NULL;
    size_t row = (size_t)place->stride * sizeof(float);
    return (float *)(void *)rows_at(run, place->buffer, row, block) + place->offset;
}

int8_t *pr_run_bytes(const pr_runner *run, int32_t variant, const pr_block *block)
{
    const pr_place *place = &run->plan->bytes[variant];
    return (int8_t *)rows_at(run, place->buffer, (size_t)place->stride, block);
}

float *pr_run_row_scales(const pr_runner *run, int32_t variant, const pr_block *block)
{
    int32_t buffer = run->plan->row_scales[variant];
    if (buffer == PR_NONE) return NULL;
    return (float *)(void *)rows_at(run, buffer, sizeof(float), block);
}

/* --- matrix products --------------------------------------------------------------------------*/

pr_epilogue pr_run_epilogue(const pr_runner *run, const pr_step *step, const pr_block *block)
{
    const pr_unit *unit = step->unit;
    const pr_plan *plan = run->plan;
    pr_epilogue e = {.act = unit->act, .alpha = unit->alpha, .late = unit->late};
    e.late_alpha = unit->late_alpha;
    e.gain = unit->gain;
    if (unit->integer) e.row_scale = pr_run_row_scales(run, unit->variant, block);
    if (unit->residual != PR_NONE) {
        e.residual = pr_run_floats(run, unit->residual, block);
        e.residual_stride = plan->floats[unit->residual].stride;
    }
    e.out = pr_run_floats(run, step->node, block);
    e.out_stride = plan->floats[step->node].stride;
    if (unit->emits != PR_NONE) {
        const pr_variant *v = &plan->low->variants[unit->emits];
        e.out8 = pr_run_bytes(run, unit->emits, block);
        e.out8_stride = v->channels;
        e.inv_scale = v->inv_scale;
        e.zero = v->zero;
        e.relu8 = v->relu;
    }
    return e;
}

const void *pr_run_matrix_input(const pr_runner *run, const pr_unit *unit, const pr_block *block)
{
    if (unit->integer) return pr_run_bytes(run, unit->variant, block);
    return pr_run_floats(run, unit->input, block);
}

static void run_conv(const pr_runner *run, const pr_step *step)
{
    pr_conv conv = pr_plan_conv(run->plan, step->unit);
    conv.image = pr_run_matrix_input(run, step->unit, NULL);
    conv.e = pr_run_epilogue(run, step, NULL);
    if (step->unit->integer) {
        conv.fill = run->plan->low->variants[step->unit->variant].fill;
        pr_conv_i8(run->plan->ctx, run->kernels, &conv, run->scratch);
    } else {
        pr_conv_f32(run->plan->ctx, run->kernels, &conv, run->scratch);
    }
}

static void run_transpose(const pr_runner *run, const pr_step *step)
{
    pr_conv_transpose t = pr_plan_transpose(run->plan, step->unit);
    t.image = pr_run_matrix_input(run, step->unit, NULL);
    t.e = pr_run_epilogue(run, step, NULL);
    pr_conv_transpose_run(run->plan->ctx, run->kernels, &t, step->unit->integer, run->scratch);
}

static void run_attention(const pr_runner *run, const pr_step *step)
{
    const pr_node *node = &run->plan->low->model->nodes[step->node];
    pr_attention a = pr_plan_attention(run->plan, step->node);
    a.q = pr_run_floats(run, node->inputs[0], NULL);
    a.k = pr_run_floats(run, node->inputs[1], NULL);
    a.v = pr_run_floats(run, node->inputs[2], NULL);
    a.out = pr_run_floats(run, step->node, NULL);
    if (step->unit->integer)
        pr_attention_i8(run->plan->ctx, run->kernels, &a, run->scratch);
    else if (step->unit->bf16)
        pr_attention_bf16(run->plan->ctx, run->kernels, &a, run->scratch);
    else
        pr_attention_f32(run->plan->ctx, run->kernels, &a, run->scratch);
}

/* --- tokens and maps --------------------------------------------------------------------------*/

typedef struct map_job {
    const pr_runner *run;
    const pr_step *step;
    const float *x;
    float *y;
    int8_t *bytes;
    int64_t channels;
    int64_t in_rows, out_rows; /* per image */
} map_job;

/* Tokens: the table holds prefix and positions; patches are added. Rows count per image. */
static void embed_body(void *arg, int64_t begin, int64_t end, int lane)
{
    const map_job *job = arg;
    int64_t n = job->channels, prefix = job->out_rows - job->in_rows;
    (void)lane;
    for (int64_t r = begin; r < end; r++) {
        int64_t image = r / job->out_rows, token = r % job->out_rows;
        const float *position = job->step->table + token * n;
        float *y = job->y + r * n;
        if (token < prefix) {
            memcpy(y, position, (size_t)n * sizeof *y);
        } else {
            const float *x = job->x + (image * job->in_rows + token - prefix) * n;
            job->run->kernels->add(x, position, y, n);
        }
    }
}

static void crop_body(void *arg, int64_t begin, int64_t end, int lane)
{
    const map_job *job = arg;
    int64_t n = job->channels, prefix = job->in_rows - job->out_rows;
    (void)lane;
    for (int64_t r = begin; r < end; r++) {
        int64_t image = r / job->out_rows, at = image * job->in_rows + prefix + r % job->out_rows;
        memcpy(job->y + r * n, job->x + at * n, (size_t)n * sizeof *job->y);
    }
}

/* Lines of all images. */
static void resize_body(void *arg, int64_t begin, int64_t end, int lane)
{
    const map_job *job = arg;
    const pr_plan *plan = job->run->plan;
    int64_t line = plan->shapes[job->step->node].dim[2] * job->channels;
    char *scratch = job->run->scratch + (size_t)lane * pr_plan_line_bytes(plan, job->step->node);
    for (int64_t i = begin; i < end; i++) {
        pr_run_resize_line(job->run, job->step, i, job->y ? job->y + i * line : NULL,
                           job->bytes ? job->bytes + i * line : NULL, (float *)(void *)scratch);
    }
}

static void run_map(const pr_runner *run, const pr_step *step,
                    void (*body)(void *arg, int64_t begin, int64_t end, int lane))
{
    const pr_plan *plan = run->plan;
    int32_t input = step->unit->input;
    map_job job = {.run = run, .step = step, .y = pr_run_floats(run, step->node, NULL)};
    job.x = pr_run_floats(run, input, NULL);
    if (step->variant != PR_NONE) job.bytes = pr_run_bytes(run, step->variant, NULL);
    job.channels = pr_plan_channels(plan, step->node);
    int64_t rows = pr_plan_rows(plan, step->node), width = job.channels;
    job.in_rows = pr_plan_rows(plan, input) / plan->batch;
    job.out_rows = rows / plan->batch;
    if (step->kind == PR_STEP_RESIZE) {
        rows = plan->batch * plan->shapes[step->node].dim[1];
        width *= plan->shapes[step->node].dim[2];
    }
    /* Pieces of about ten microseconds at least. */
    pr_parallel(plan->ctx, rows, 16384 / width + 1, body, &job);
}

static prune_status run_forward(const pr_runner *run, const pr_step *step)
{
    const pr_plan *plan = run->plan;
    const prune_model *model = plan->low->model;
    const pr_node *node = &model->nodes[step->node];
    pr_tensor in[PR_MAX_INPUTS], out;
    pr_op_call call = {.ctx = plan->ctx, .node = node, .out = &out};
    for (int32_t i = 0; i < node->n_inputs; i++) {
        in[i] = (pr_tensor){PR_F32, plan->shapes[node->inputs[i]],
                            pr_run_floats(run, node->inputs[i], NULL), NULL};
        call.in[i] = &in[i];
    }
    for (int32_t i = 0; i < PR_MAX_PARAMS; i++) call.param[i] = pr_node_param(model, node, i);
    out = (pr_tensor){PR_F32, plan->shapes[step->node], pr_run_floats(run, step->node, NULL), NULL};
    return pr_op_get(node->op)->forward(&call);
}

/* --- whole ------------------------------------------------------------------------------------*/

/* A step that is a group by itself. */
static prune_status run_step(const pr_runner *run, const pr_step *step)
{
    switch (step->kind) {
    case PR_STEP_CONV:
        run_conv(run, step);
        break;
    case PR_STEP_TRANSPOSE:
        run_transpose(run, step);
        break;
    case PR_STEP_ATTENTION:
        run_attention(run, step);
        break;
    case PR_STEP_EMBED:
        run_map(run, step, embed_body);
        break;
    case PR_STEP_RESIZE:
        run_map(run, step, resize_body);
        break;
    case PR_STEP_CROP:
        run_map(run, step, crop_body);
        break;
    default: /* rows.c runs the others */
        return run_forward(run, step);
    }
    return PRUNE_OK;
}

double pr_run_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

prune_status pr_plan_run(pr_plan *plan, char *arena, const float *input, float *output,
                         bool profile)
{
    pr_runner run = {.plan = plan, .kernels = plan->low->kernels, .profile = profile};
    run.arena = arena;
    run.buffers[PR_BUFFER_INPUT] = (float *)(uintptr_t)input; /* only ever read */
    run.buffers[PR_BUFFER_OUTPUT] = output;
    run.scratch = arena + plan->scratch_offset;
    for (int32_t i = 0; i < plan->n_groups; i++) {
        const pr_group *group = &plan->groups[i];
        if (group->by_rows) {
            pr_run_rows(&run, group);
            continue;
        }
        double start = profile ? pr_run_seconds() : 0.0;
        PR_TRY(run_step(&run, &plan->steps[group->first]));
        if (profile) plan->steps[group->first].seconds = pr_run_seconds() - start;
    }
    return PRUNE_OK;
}
