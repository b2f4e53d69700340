/* Executes the steps of a plan: finds the pointers, calls the kernels. */
#include "libprune/ops/ops.h"
#include "libprune/session/plan.h"

#include <string.h>
#include <time.h>

typedef struct runner {
    pr_plan *plan;
    const pr_kernels *kernels;
    float *buffers[2]; /* the caller's input and output */
    void *scratch;
} runner;

static char *buffer_at(const runner *run, int32_t buffer)
{
    if (buffer <= PR_BUFFER_OUTPUT) return (char *)run->buffers[buffer];
    return run->plan->arena + run->plan->buffers[buffer].offset;
}

/* Floats of a node; NULL where it has none. */
static float *floats_of(const runner *run, int32_t node)
{
    const pr_place *place = &run->plan->floats[node];
    if (place->buffer == PR_NONE) return NULL;
    return (float *)(void *)buffer_at(run, place->buffer) + place->offset;
}

static int8_t *bytes_of(const runner *run, int32_t variant)
{
    return (int8_t *)buffer_at(run, run->plan->bytes[variant].buffer);
}

static float *row_scale_of(const runner *run, int32_t variant)
{
    int32_t buffer = run->plan->row_scales[variant];
    return buffer == PR_NONE ? NULL : (float *)(void *)buffer_at(run, buffer);
}

/* --- matrix products --------------------------------------------------------------------------*/

static pr_epilogue epilogue_of(const runner *run, const pr_step *step)
{
    const pr_unit *unit = step->unit;
    const pr_plan *plan = run->plan;
    pr_epilogue e = {.act = unit->act, .alpha = unit->alpha, .late = unit->late};
    e.late_alpha = unit->late_alpha;
    e.gain = unit->gain;
    if (unit->integer) e.row_scale = row_scale_of(run, unit->variant);
    if (unit->residual != PR_NONE) {
        e.residual = floats_of(run, unit->residual);
        e.residual_stride = plan->floats[unit->residual].stride;
    }
    e.out = floats_of(run, step->node);
    e.out_stride = plan->floats[step->node].stride;
    if (unit->emits != PR_NONE) {
        const pr_variant *v = &plan->low->variants[unit->emits];
        e.out8 = bytes_of(run, unit->emits);
        e.out8_stride = v->channels;
        e.inv_scale = v->inv_scale;
        e.zero = v->zero;
        e.relu8 = v->relu;
    }
    return e;
}

static const void *matrix_input(const runner *run, const pr_unit *unit)
{
    if (unit->integer) return bytes_of(run, unit->variant);
    return floats_of(run, unit->input);
}

static void run_conv(const runner *run, const pr_step *step)
{
    pr_conv conv = pr_plan_conv(run->plan, step->unit);
    conv.image = matrix_input(run, step->unit);
    conv.e = epilogue_of(run, step);
    if (step->unit->integer) {
        conv.fill = run->plan->low->variants[step->unit->variant].fill;
        pr_conv_i8(run->plan->ctx, run->kernels, &conv, run->scratch);
    } else {
        pr_conv_f32(run->plan->ctx, run->kernels, &conv, run->scratch);
    }
}

static void run_gemm(const runner *run, const pr_step *step)
{
    const pr_unit *unit = step->unit;
    pr_gemm gemm = {.m = pr_plan_rows(run->plan, unit->input), .b = unit->packs};
    gemm.a = matrix_input(run, unit);
    gemm.e = epilogue_of(run, step);
    if (unit->integer) {
        gemm.lda = run->plan->bytes[unit->variant].stride;
        pr_gemm_i8(run->plan->ctx, run->kernels, &gemm, run->scratch);
    } else {
        gemm.lda = run->plan->floats[unit->input].stride;
        pr_gemm_f32(run->plan->ctx, run->kernels, &gemm);
    }
}

static void run_transpose(const runner *run, const pr_step *step)
{
    pr_conv_transpose t = pr_plan_transpose(run->plan, step->unit);
    t.image = matrix_input(run, step->unit);
    t.e = epilogue_of(run, step);
    pr_conv_transpose_run(run->plan->ctx, run->kernels, &t, step->unit->integer, run->scratch);
}

static void run_attention(const runner *run, const pr_step *step)
{
    const pr_node *node = &run->plan->low->model->nodes[step->node];
    pr_attention a = pr_plan_attention(run->plan, step->node);
    a.q = floats_of(run, node->inputs[0]);
    a.k = floats_of(run, node->inputs[1]);
    a.v = floats_of(run, node->inputs[2]);
    a.out = floats_of(run, step->node);
    pr_attention_f32(run->plan->ctx, run->kernels, &a, run->scratch);
}

/* --- row by row -------------------------------------------------------------------------------*/

typedef struct row_job {
    const runner *run;
    const pr_step *step;
    const float *x, *other; /* inputs */
    float *y;
    int64_t channels;
    int64_t in_rows, out_rows; /* per image, where they differ */
} row_job;

static void quantize_rows(const row_job *job, const float *x, int64_t begin, int64_t rows)
{
    const pr_kernels *kernels = job->run->kernels;
    const pr_variant *v = &job->run->plan->low->variants[job->step->variant];
    int8_t *q = bytes_of(job->run, job->step->variant) + begin * v->channels;
    if (v->dynamic) {
        kernels->quantize_rows(rows, v->channels, x, v->channels, v->relu, q, v->channels,
                               row_scale_of(job->run, job->step->variant) + begin);
    } else {
        kernels->quantize(rows, v->channels, x, v->channels, v->inv_scale, v->zero, v->relu, q,
                          v->channels);
    }
}

static void quantize_body(void *arg, int64_t begin, int64_t end, int lane)
{
    const row_job *job = arg;
    (void)lane;
    quantize_rows(job, job->x + begin * job->channels, begin, end - begin);
}

/* Normalizes a few rows at a time, so that quantizing them finds them in the cache. */
static void norm_body(void *arg, int64_t begin, int64_t end, int lane)
{
    enum { ROWS = 16 };
    const row_job *job = arg;
    const prune_model *model = job->run->plan->low->model;
    const pr_node *node = &model->nodes[job->step->node];
    const pr_tensor *bias = pr_node_param(model, node, PR_SLOT_BIAS);
    int64_t n = job->channels, norm = node->attrs.norm_width ? node->attrs.norm_width : n;
    (void)lane;
    for (int64_t r = begin; r < end; r += ROWS) {
        int64_t rows = end - r < ROWS ? end - r : ROWS;
        job->run->kernels->layer_norm(rows, n, norm, node->attrs.epsilon, job->x + r * n, n,
                                      pr_f32(pr_node_param(model, node, PR_SLOT_WEIGHT)),
                                      bias ? pr_f32(bias) : NULL, job->y + r * n, n);
        if (job->step->variant != PR_NONE) quantize_rows(job, job->y + r * n, r, rows);
    }
}

static void activate_body(void *arg, int64_t begin, int64_t end, int lane)
{
    static const struct {
        pr_op_kind op;
        pr_activation act;
    } acts[] = {{PR_OP_RELU, PR_ACT_RELU},
                {PR_OP_LEAKY_RELU, PR_ACT_LEAKY_RELU},
                {PR_OP_ELU, PR_ACT_ELU},
                {PR_OP_GELU, PR_ACT_GELU},
                {PR_OP_SIGMOID, PR_ACT_SIGMOID}};
    const row_job *job = arg;
    const pr_node *node = &job->run->plan->low->model->nodes[job->step->node];
    (void)lane;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (acts[i].op != node->op) continue;
        job->run->kernels->activate(acts[i].act, node->attrs.alpha, job->x + begin * job->channels,
                                    job->y + begin * job->channels, (end - begin) * job->channels);
    }
}

static void add_body(void *arg, int64_t begin, int64_t end, int lane)
{
    const row_job *job = arg;
    int64_t at = begin * job->channels;
    (void)lane;
    job->run->kernels->add(job->x + at, job->other + at, job->y + at,
                           (end - begin) * job->channels);
}

static void gate_body(void *arg, int64_t begin, int64_t end, int lane)
{
    const row_job *job = arg;
    int64_t at = begin * job->channels;
    (void)lane;
    pr_gate_f32(job->run->kernels, job->x + at, job->other + at, job->y + at,
                (end - begin) * job->channels);
}

/* Tokens: the table holds prefix and positions; patches are added. Rows count per image. */
static void embed_body(void *arg, int64_t begin, int64_t end, int lane)
{
    const row_job *job = arg;
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
    const row_job *job = arg;
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
    const row_job *job = arg;
    const pr_step *step = job->step;
    const pr_plan *plan = job->run->plan;
    const int64_t *in = plan->shapes[plan->low->model->nodes[step->node].inputs[0]].dim;
    const int64_t *out = plan->shapes[step->node].dim;
    int64_t line = in[2] * in[3];
    (void)lane;
    for (int64_t i = begin; i < end; i++) {
        int64_t y = i % out[1];
        const float *image = job->x + i / out[1] * in[1] * line;
        job->run->kernels->resize_row(out[2], out[3], image + step->y0[y] * line,
                                      image + step->y1[y] * line, step->wy[y], step->x0, step->x1,
                                      step->wx, job->y + i * out[2] * out[3]);
    }
}

static void run_rows(const runner *run, const pr_step *step,
                     void (*body)(void *arg, int64_t begin, int64_t end, int lane))
{
    const pr_plan *plan = run->plan;
    const pr_node *node = &plan->low->model->nodes[step->node];
    row_job job = {.run = run, .step = step, .y = floats_of(run, step->node)};
    int32_t input = step->kind == PR_STEP_QUANTIZE ? step->node : node->inputs[0];
    job.x = floats_of(run, input);
    if (step->kind == PR_STEP_ADD || step->kind == PR_STEP_GATE)
        job.other = floats_of(run, node->inputs[1]);
    job.channels = pr_plan_channels(plan, step->node);
    int64_t rows = pr_plan_rows(plan, step->node), batch = plan->batch;
    job.in_rows = pr_plan_rows(plan, input) / batch;
    job.out_rows = rows / batch;
    if (step->kind == PR_STEP_RESIZE) rows = batch * plan->shapes[step->node].dim[1];
    /* Pieces of about ten microseconds at least. */
    int64_t width = job.channels;
    if (step->kind == PR_STEP_RESIZE) width *= plan->shapes[step->node].dim[2];
    int64_t grain = 16384 / width + 1;
    pr_parallel(plan->ctx, rows, grain, body, &job);
}

static prune_status run_forward(const runner *run, const pr_step *step)
{
    const pr_plan *plan = run->plan;
    const prune_model *model = plan->low->model;
    const pr_node *node = &model->nodes[step->node];
    pr_tensor in[PR_MAX_INPUTS], out;
    pr_op_call call = {.ctx = plan->ctx, .node = node, .out = &out};
    for (int32_t i = 0; i < node->n_inputs; i++) {
        in[i] = (pr_tensor){PR_F32, plan->shapes[node->inputs[i]], floats_of(run, node->inputs[i]),
                            NULL};
        call.in[i] = &in[i];
    }
    for (int32_t i = 0; i < PR_MAX_PARAMS; i++) call.param[i] = pr_node_param(model, node, i);
    out = (pr_tensor){PR_F32, plan->shapes[step->node], floats_of(run, step->node), NULL};
    return pr_op_get(node->op)->forward(&call);
}

/* --- whole ------------------------------------------------------------------------------------*/

static prune_status run_step(const runner *run, const pr_step *step)
{
    switch (step->kind) {
    case PR_STEP_CONV:
        run_conv(run, step);
        break;
    case PR_STEP_GEMM:
        run_gemm(run, step);
        break;
    case PR_STEP_TRANSPOSE:
        run_transpose(run, step);
        break;
    case PR_STEP_ATTENTION:
        run_attention(run, step);
        break;
    case PR_STEP_NORM:
        run_rows(run, step, norm_body);
        break;
    case PR_STEP_EMBED:
        run_rows(run, step, embed_body);
        break;
    case PR_STEP_RESIZE:
        run_rows(run, step, resize_body);
        break;
    case PR_STEP_ACTIVATE:
        run_rows(run, step, activate_body);
        break;
    case PR_STEP_ADD:
        run_rows(run, step, add_body);
        break;
    case PR_STEP_GATE:
        run_rows(run, step, gate_body);
        break;
    case PR_STEP_CROP:
        run_rows(run, step, crop_body);
        break;
    case PR_STEP_QUANTIZE:
        run_rows(run, step, quantize_body);
        break;
    case PR_STEP_FORWARD:
        return run_forward(run, step);
    }
    return PRUNE_OK;
}

static double seconds_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

prune_status pr_plan_run(pr_plan *plan, const float *input, float *output, bool profile)
{
    runner run = {.plan = plan, .kernels = plan->low->kernels};
    run.buffers[PR_BUFFER_INPUT] = (float *)(uintptr_t)input; /* only ever read */
    run.buffers[PR_BUFFER_OUTPUT] = output;
    run.scratch = plan->arena + plan->scratch_offset;
    for (int32_t i = 0; i < plan->n_steps; i++) {
        double start = profile ? seconds_now() : 0.0;
        PR_TRY(run_step(&run, &plan->steps[i]));
        if (profile) plan->steps[i].seconds = seconds_now() - start;
    }
    return PRUNE_OK;
}
