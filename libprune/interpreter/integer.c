/* Nodes annotated INT8. EXACT computes with integers, as kernels/integer.h defines them: the
 * session must agree bit for bit on sums and requantized values. FAKE computes the same real
 * numbers in floats (quantized and back), so that gradients pass straight through the rounding. */
#include "libprune/kernels/integer.h"

#include "libprune/interpreter/run.h"
#include "libprune/kernels/igemm.h"

#include <string.h>

/* Quantized rows gathered at once by a lane. */
enum { CHUNK_BYTES = 1 << 17, CHUNK_MIN_ROWS = 16 };

bool pr_run_is_integer(const pr_run *run, int32_t index)
{
    const pr_node *node = &run->model->nodes[index];
    return (run->options.mode == PR_MODE_EXACT || run->options.mode == PR_MODE_FAKE) &&
           node->precision.compute == PR_COMPUTE_I8 && pr_op_get(node->op)->quantizable;
}

/* The input's quantization, one entry per channel; per token it is measured row by row. */
typedef struct grid {
    bool per_token;
    int64_t channels;
    float *scale, *inverse;
    int8_t *zero;
} grid;

static prune_status grid_open(grid *g, prune_context *ctx, const pr_node *node,
                              const pr_shape *shape)
{
    const pr_precision *p = &node->precision;
    const int64_t n = pr_shape_last(shape);
    *g = (grid){.per_token = p->input == PR_INPUT_TOKEN, .channels = n};
    if (p->input == PR_INPUT_NONE)
        return pr_fail(PRUNE_E_FORMAT,
                       "layer '%s' computes in INT8 but has no input quantization; quantize again",
                       node->name);
    PR_TRY(pr_new(ctx, (void **)&g->scale, (size_t)n, 2 * sizeof(float) + sizeof(int8_t)));
    g->inverse = g->scale + n;
    g->zero = (int8_t *)(g->inverse + n);
    for (int64_t c = 0; c < n; c++) {
        const int64_t at = p->input == PR_INPUT_CHANNEL ? c : 0;
        g->scale[c] = g->per_token ? 0.0f : pr_f32(&p->input_scale)[at];
        g->inverse[c] = g->per_token ? 0.0f : 1.0f / g->scale[c];
        g->zero[c] = g->per_token ? 0 : ((const int8_t *)p->input_zero.data)[at];
    }
    return PRUNE_OK;
}

/* --- exact ------------------------------------------------------------------------------------*/

typedef struct exact_job {
    pr_run *run;
    const pr_node *node;
    const pr_tensor *x;
    pr_tensor *y;
    grid grid;
    pr_integer weights;
    int8_t *q;        /* the whole input, quantized */
    float *row_scale; /* per token: scale of each row of q */
    int64_t rows;     /* of the matrix product: output positions, or input rows */
    int64_t kh, kw;
    int64_t chunk;
    int8_t *patches; /* conv, per lane: chunk x depth */
    int32_t *sums;   /* per lane: chunk x weights.rows */
} exact_job;

static void quantize_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    exact_job *j = arg;
    const int64_t n = j->grid.channels;
    (void)lane;
    for (int64_t r = begin; r < end; r++) {
        const float *x = pr_f32(j->x) + r * n;
        int8_t *q = j->q + r * n;
        if (j->grid.per_token) {
            const pr_row_scale row = pr_row_scale_from(pr_row_largest(x, n));
            j->row_scale[r] = row.scale;
            for (int64_t c = 0; c < n; c++) q[c] = pr_quantize_s8(x[c], row.inv_scale, 0);
        } else {
            for (int64_t c = 0; c < n; c++)
                q[c] = pr_quantize_s8(x[c], j->grid.inverse[c], j->grid.zero[c]);
        }
    }
}

/* Where product row r, tap t of a transposed convolution lands: position in the output map. */
static int64_t transpose_place(const exact_job *j, int64_t r, int64_t tap)
{
    const int64_t width = j->x->shape.dim[2];
    const int64_t x = r % width, y = r / width; /* y counts lines of all images */
    return (y * j->kh + tap / j->kw) * width * j->kw + x * j->kw + tap % j->kw;
}

static void epilogue(exact_job *j, int64_t row, const int32_t *sums)
{
    const float *scale = pr_f32(&j->weights.scale), *bias = pr_f32(&j->weights.bias);
    const int64_t outputs = pr_shape_last(&j->y->shape);
    for (int64_t first = 0; first < j->weights.rows; first += outputs) { /* one tap */
        int64_t place = row;
        if (j->node->op == PR_OP_CONV_TRANSPOSE) place = transpose_place(j, row, first / outputs);
        float *y = pr_f32(j->y) + place * outputs;
        for (int64_t o = 0; o < outputs; o++) {
            const float s = scale[first + o] * (j->grid.per_token ? j->row_scale[row] : 1.0f);
            y[o] = pr_dequantize_acc(sums[first + o], s, bias[first + o]);
        }
    }
}

static void exact_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    exact_job *j = arg;
    const pr_integer *w = &j->weights;
    int8_t *patches = j->patches ? j->patches + lane * j->chunk * w->depth : NULL;
    int32_t *sums = j->sums + lane * j->chunk * w->rows;
    for (int64_t r = begin; r < end; r += j->chunk) {
        const int64_t n = end - r < j->chunk ? end - r : j->chunk;
        const int8_t *a = j->q + r * w->depth;
        if (patches) {
            pr_im2col_s8(j->q, &j->x->shape, j->node, j->kh, j->kw, &j->y->shape, r, r + n,
                         j->grid.zero, patches);
            a = patches;
        }
        pr_igemm_portable_serial(n, w->rows, w->depth, a, w->depth, w->weight.data, sums, w->rows);
        for (int64_t i = 0; i < n; i++) epilogue(j, r + i, sums + i * w->rows);
    }
}

static prune_status exact_open(exact_job *j, prune_context *ctx)
{
    const pr_tensor *weight = pr_node_param(j->run->model, j->node, PR_SLOT_WEIGHT);
    const int64_t input_rows = pr_tensor_count(j->x) / j->grid.channels;
    const int64_t *w = weight->shape.dim;
    j->rows = input_rows;
    if (j->node->op == PR_OP_CONV) {
        j->kh = w[1];
        j->kw = w[2];
        j->rows = pr_tensor_count(j->y) / pr_shape_last(&j->y->shape);
    } else if (j->node->op == PR_OP_CONV_TRANSPOSE) {
        j->kh = w[0];
        j->kw = w[1];
    }
    j->chunk = CHUNK_BYTES / j->weights.depth;
    if (j->chunk < CHUNK_MIN_ROWS) j->chunk = CHUNK_MIN_ROWS;
    const size_t lanes = (size_t)(ctx->threads * j->chunk);
    PR_TRY(pr_new(ctx, (void **)&j->q, (size_t)input_rows, (size_t)j->grid.channels));
    PR_TRY(pr_new(ctx, (void **)&j->row_scale, (size_t)input_rows, sizeof *j->row_scale));
    PR_TRY(pr_new(ctx, (void **)&j->sums, lanes, (size_t)j->weights.rows * sizeof *j->sums));
    if (j->node->op != PR_OP_CONV) return PRUNE_OK;
    return pr_new(ctx, (void **)&j->patches, lanes, (size_t)j->weights.depth);
}

static prune_status exact_forward(pr_run *run, int32_t index)
{
    const pr_node *node = &run->model->nodes[index];
    prune_context *ctx = run->ctx;
    prune_status status = PRUNE_OK;
    exact_job j = {.run = run, .node = node, .y = &run->values[index]};
    j.x = &run->values[node->inputs[0]];
    PR_GO(pr_integer_derive(&j.weights, run->model, index));
    PR_GO(grid_open(&j.grid, ctx, node, &j.x->shape));
    PR_GO(exact_open(&j, ctx));
    pr_parallel(ctx, pr_tensor_count(j.x) / j.grid.channels, 64, quantize_rows, &j);
    pr_parallel(ctx, j.rows, 16, exact_rows, &j);
done:
    pr_integer_free(&j.weights);
    pr_free(ctx, j.grid.scale);
    pr_free(ctx, j.q);
    pr_free(ctx, j.row_scale);
    pr_free(ctx, j.sums);
    pr_free(ctx, j.patches);
    return status;
}

/* --- fake -------------------------------------------------------------------------------------*/

typedef struct fake_job {
    const grid *grid;
    const float *x;
    float *out;      /* quantized and back; or the gradient of it */
    float *gradient; /* backward: what `out` is added to where x was not clipped */
} fake_job;

static void fake_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    fake_job *j = arg;
    const grid *g = j->grid;
    (void)lane;
    for (int64_t r = begin; r < end; r++) {
        const float *x = j->x + r * g->channels;
        float *y = j->out + r * g->channels;
        pr_row_scale row = {0};
        if (g->per_token) row = pr_row_scale_from(pr_row_largest(x, g->channels));
        for (int64_t c = 0; c < g->channels; c++) {
            if (g->per_token)
                y[c] = row.scale * (float)pr_quantize_s8(x[c], row.inv_scale, 0);
            else
                y[c] = g->scale[c] *
                       (float)(pr_quantize_s8(x[c], g->inverse[c], g->zero[c]) - g->zero[c]);
        }
    }
}

static prune_status fake_input(pr_run *run, const grid *g, const pr_tensor *x, pr_tensor *out)
{
    PR_TRY(pr_run_take(run, &x->shape, out));
    fake_job job = {g, pr_f32(x), pr_f32(out), NULL};
    pr_parallel(run->ctx, pr_tensor_count(x) / g->channels, 64, fake_rows, &job);
    return PRUNE_OK;
}

/* Inputs and weight of a call as the integers see them. A weight that the caller views through
 * something of its own (view_param) is left as it is given. */
static prune_status fake_open(pr_run *run, int32_t index, pr_op_call *call, grid *g, pr_tensor *x,
                              pr_tensor *w)
{
    const pr_node *node = &run->model->nodes[index];
    const int32_t param = node->params[PR_SLOT_WEIGHT];
    PR_TRY(grid_open(g, run->ctx, node, &call->in[0]->shape));
    PR_TRY(fake_input(run, g, call->in[0], x));
    call->in[0] = x;
    if (run->options.view_param && run->options.view_param(run->options.user, param))
        return PRUNE_OK;
    PR_TRY(pr_integer_round_trip(w, run->model, index));
    call->param[PR_SLOT_WEIGHT] = w;
    return PRUNE_OK;
}

static void fake_close(pr_run *run, grid *g, pr_tensor *x, pr_tensor *w)
{
    pr_free(run->ctx, g->scale);
    pr_run_give(run, x);
    pr_tensor_release(w);
}

static prune_status fake_forward(pr_run *run, int32_t index)
{
    grid g = {0};
    pr_tensor x = {0}, w = {0};
    pr_op_call call;
    prune_status status = PRUNE_OK;
    PR_TRY(pr_run_call(run, index, &call));
    PR_GO(fake_open(run, index, &call, &g, &x, &w));
    PR_GO(pr_run_kernel_forward(&call));
done:
    fake_close(run, &g, &x, &w);
    return status;
}

prune_status pr_run_integer_forward(pr_run *run, int32_t index)
{
    return run->options.mode == PR_MODE_EXACT ? exact_forward(run, index)
                                              : fake_forward(run, index);
}

/* Clipped values do not move their integers, so no gradient passes there. */
static void pass_rows(void *arg, int64_t begin, int64_t end, int lane)
{
    fake_job *j = arg;
    const grid *g = j->grid;
    (void)lane;
    for (int64_t r = begin; r < end; r++)
        for (int64_t c = 0; c < g->channels; c++) {
            const int64_t i = r * g->channels + c;
            const float v = j->x[i] * g->inverse[c] + (float)g->zero[c];
            if (g->per_token || (v > -127.5f && v < 127.5f)) j->gradient[i] += j->out[i];
        }
}

prune_status pr_run_integer_backward(pr_run *run, int32_t index, pr_op_call *call)
{
    grid g = {0};
    pr_tensor x = {0}, w = {0}, d_x = {0};
    const pr_tensor *real = call->in[0];
    pr_tensor *d_real = call->d_in[0];
    prune_status status = PRUNE_OK;
    if (run->options.mode != PR_MODE_FAKE)
        return pr_fail(PRUNE_E_INTERNAL, "exact integers have no gradient; use the fake mode");
    PR_GO(fake_open(run, index, call, &g, &x, &w));
    if (d_real) {
        PR_GO(pr_run_take(run, &d_real->shape, &d_x));
        memset(d_x.data, 0, pr_tensor_bytes(&d_x));
        call->d_in[0] = &d_x;
    }
    PR_GO(pr_op_get(call->node->op)->backward(call));
    if (d_real) {
        fake_job job = {&g, pr_f32(real), pr_f32(&d_x), pr_f32(d_real)};
        pr_parallel(run->ctx, pr_tensor_count(real) / g.channels, 64, pass_rows, &job);
    }
done:
    fake_close(run, &g, &x, &w);
    pr_run_give(run, &d_x);
    return status;
}
