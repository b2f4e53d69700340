#include "libprune/quant/rounding.h"

#include "libprune/kernels/integer.h"
#include "libprune/kernels/sgemm.h"
#include "libprune/quant/feedback.h"
#include "libprune/quant/views.h"

#include <math.h>
#include <string.h>

/* Rows of inputs in all, as far as a view may give so many: with few pictures more of each. */
enum { ROWS = 16000, MOST_ROWS = 2000, LEAST_ROWS = 400, MAX_DEPTH = 4096 };

/* Of the mean of the diagonal: what a direction that the rows hardly show is worth. */
static const double ridge = 1e-3;

/* What is gathered for one layer. n = depth + 1: the last feature is the constant 1. conv and
 * linear have a row of weights per output, conv_transpose one per tap and output. */
typedef struct gather {
    int32_t node;
    int64_t depth, n, channels, rows, outputs;
    float *weight; /* [rows, depth], input scales absorbed */
    float *h;      /* [n, n] sum of a a^T */
    float *r;      /* [n, rows] sum of a ((x - a) W'^T) */
    int64_t seen;
} gather;

typedef struct collector {
    prune_context *ctx;
    const prune_model *model;
    gather *items;
    int32_t count;
    uint64_t seed, view, views;
    int64_t rows;     /* per view */
    float *a, *d, *e; /* scratch: [rows of a view, n], [.., depth], [.., rows] of the largest */
} collector;

static double scale_at(const pr_precision *p, int64_t channel)
{
    if (p->input == PR_INPUT_TENSOR) return (double)pr_f32(&p->input_scale)[0];
    if (p->input == PR_INPUT_CHANNEL) return (double)pr_f32(&p->input_scale)[channel];
    return 1;
}

/* A row of inputs as integers (without zero points) and what their rounding took away. Token
 * inputs stay in their own unit: there the weights have no scales to absorb. */
static void split_row(const pr_precision *p, const float *x, int64_t depth, int64_t channels,
                      float *a, float *d)
{
    pr_row_scale row = {0};
    if (p->input == PR_INPUT_TOKEN) row = pr_row_scale_from(pr_row_largest(x, depth));
    for (int64_t k = 0; k < depth; k++) {
        if (p->input == PR_INPUT_TOKEN) {
            a[k] = row.scale * (float)pr_quantize_s8(x[k], row.inv_scale, 0);
            d[k] = x[k] - a[k];
            continue;
        }
        const int64_t c = p->input == PR_INPUT_CHANNEL ? k % channels : 0;
        const float inverse = 1.0f / pr_f32(&p->input_scale)[c];
        const int8_t zero = ((const int8_t *)p->input_zero.data)[c];
        a[k] = (float)(pr_quantize_s8(x[k], inverse, zero) - zero);
        d[k] = x[k] * inverse - a[k];
    }
    a[depth] = 1;
}

/* Output positions of a convolution, else input rows. */
static pr_shape product_shape(const pr_node *node, const pr_tensor *weight, const pr_shape *in)
{
    if (node->op != PR_OP_CONV) return *in;
    const pr_attrs *at = &node->attrs;
    const int64_t *w = weight->shape.dim;
    return pr_shape4(in->dim[0],
                     pr_conv_size(in->dim[1], w[1], at->stride[0], at->pad[0], at->pad[2]),
                     pr_conv_size(in->dim[2], w[2], at->stride[1], at->pad[1], at->pad[3]), w[0]);
}

static void gather_rows(collector *c, gather *g, const pr_tensor *x)
{
    const pr_node *node = &c->model->nodes[g->node];
    const pr_tensor *weight = pr_node_param(c->model, node, PR_SLOT_WEIGHT);
    const pr_shape out = product_shape(node, weight, &x->shape);
    const int64_t all = pr_shape_count(&out) / pr_shape_last(&out);
    const int64_t rows = all < c->rows ? all : c->rows;
    pr_random random;
    pr_random_seed(&random, c->seed, c->view * 65537 + (uint64_t)g->node);
    for (int64_t i = 0; i < rows; i++) {
        const int64_t at = rows == all ? i : (int64_t)pr_random_below(&random, (uint32_t)all);
        const float *row = pr_f32(x) + at * g->depth;
        if (node->op == PR_OP_CONV) {
            pr_im2col(pr_f32(x), &x->shape, node, weight->shape.dim[1], weight->shape.dim[2], &out,
                      at, at + 1, 0, c->e);
            row = c->e;
        }
        split_row(&node->precision, row, g->depth, g->channels, c->a + i * g->n,
                  c->d + i * g->depth);
    }
    pr_sgemm(c->ctx, false, true, rows, g->rows, g->depth, 1, c->d, g->depth, g->weight, g->depth,
             0, c->e, g->rows);
    pr_sgemm(c->ctx, true, false, g->n, g->n, rows, 1, c->a, g->n, c->a, g->n, 1, g->h, g->n);
    pr_sgemm(c->ctx, true, false, g->n, g->rows, rows, 1, c->a, g->n, c->e, g->rows, 1, g->r,
             g->rows);
    g->seen += rows;
}

static prune_status on_value(void *user, int32_t node, pr_tensor *value)
{
    collector *c = user;
    for (int32_t i = 0; i < c->count; i++)
        if (c->model->nodes[c->items[i].node].inputs[0] == node)
            gather_rows(c, &c->items[i], value);
    return PRUNE_OK;
}

static prune_status open_gather(collector *c, gather *g, int32_t index)
{
    const pr_node *node = &c->model->nodes[index];
    const pr_tensor *weight = pr_node_param(c->model, node, PR_SLOT_WEIGHT);
    pr_tensor floats;
    g->node = index;
    g->channels = pr_shape_last(&weight->shape);
    g->outputs = weight->shape.dim[node->op == PR_OP_CONV_TRANSPOSE ? 2 : 0];
    g->depth =
        node->op == PR_OP_CONV_TRANSPOSE ? g->channels : pr_tensor_count(weight) / g->outputs;
    g->rows = pr_tensor_count(weight) / g->depth;
    g->n = g->depth + 1;
    PR_TRY(pr_new(c->ctx, (void **)&g->weight, (size_t)pr_tensor_count(weight), sizeof(float)));
    g->h = pr_calloc(c->ctx, (size_t)(g->n * g->n), sizeof *g->h);
    g->r = pr_calloc(c->ctx, (size_t)(g->n * g->rows), sizeof *g->r);
    if (!g->h || !g->r) return PRUNE_E_MEMORY;
    PR_TRY(pr_tensor_convert(&floats, c->ctx, weight, PR_F32));
    for (int64_t i = 0; i < pr_tensor_count(weight); i++)
        g->weight[i] =
            (float)((double)pr_f32(&floats)[i] * scale_at(&node->precision, i % g->channels));
    pr_tensor_release(&floats);
    return PRUNE_OK;
}

static prune_status open_collector(collector *c, const bool *wanted)
{
    size_t n = 1, depth = 1, rows = 1;
    c->items = pr_calloc(c->ctx, (size_t)c->model->n_nodes + 1, sizeof *c->items);
    if (!c->items) return PRUNE_E_MEMORY;
    for (int32_t i = 0; i < c->model->n_nodes; i++) {
        if (!wanted[i]) continue;
        const pr_tensor *weight = pr_node_param(c->model, &c->model->nodes[i], PR_SLOT_WEIGHT);
        gather *g = &c->items[c->count];
        if (c->model->nodes[i].op != PR_OP_CONV_TRANSPOSE &&
            pr_tensor_count(weight) / weight->shape.dim[0] > MAX_DEPTH)
            continue;
        c->count++;
        PR_TRY(open_gather(c, g, i));
        n = (size_t)g->n > n ? (size_t)g->n : n;
        depth = (size_t)g->depth > depth ? (size_t)g->depth : depth;
        rows = (size_t)g->rows > rows ? (size_t)g->rows : rows;
    }
    if (rows < depth) rows = depth; /* e also holds a row of patches */
    PR_TRY(pr_new(c->ctx, (void **)&c->a, n, (size_t)c->rows * sizeof *c->a));
    PR_TRY(pr_new(c->ctx, (void **)&c->d, depth, (size_t)c->rows * sizeof *c->d));
    return pr_new(c->ctx, (void **)&c->e, rows, (size_t)c->rows * sizeof *c->e);
}

static void close_collector(collector *c)
{
    for (int32_t i = 0; c->items && i < c->count; i++) {
        pr_free(c->ctx, c->items[i].weight);
        pr_free(c->ctx, c->items[i].h);
        pr_free(c->ctx, c->items[i].r);
    }
    pr_free(c->ctx, c->items);
    pr_free(c->ctx, c->a);
    pr_free(c->ctx, c->d);
    pr_free(c->ctx, c->e);
}

static prune_status collect(collector *c, prune_samples *samples)
{
    const pr_run_options options = {.on_value = on_value, .user = c};
    const uint64_t all = prune_samples_count(samples);
    pr_viewer viewer;
    prune_status status = PRUNE_OK;
    PR_TRY(pr_viewer_open(&viewer, c->model, &options));
    for (c->view = 0; c->view < c->views; c->view++) {
        PR_GO(pr_check_cancel(c->ctx));
        PR_GO(pr_viewer_load(&viewer, samples, c->view * all / c->views, NULL, NULL));
        PR_GO(pr_run_forward(viewer.run, viewer.input));
        pr_progress(c->ctx, "round", c->view + 1, c->views);
    }
done:
    pr_viewer_close(&viewer);
    return status;
}

/* --- one layer --------------------------------------------------------------------------------*/

/* Means, in double, with the ridge on all but the constant. */
static void means(const gather *g, double *h, double *r)
{
    const double share = 1.0 / (double)(g->seen > 0 ? g->seen : 1);
    double diagonal = 0;
    for (int64_t i = 0; i < g->n * g->n; i++) h[i] = share * (double)g->h[i];
    for (int64_t i = 0; i < g->n * g->rows; i++) r[i] = share * (double)g->r[i];
    for (int64_t k = 0; k < g->depth; k++) diagonal += h[k * g->n + k] / (double)g->depth;
    for (int64_t k = 0; k < g->depth; k++) h[k * g->n + k] += ridge * diagonal + 1e-12;
}

/* w [n, rows] += W' transposed, bias below. */
static void add_weights(const gather *g, const float *bias, double *w)
{
    for (int64_t o = 0; o < g->rows; o++) {
        for (int64_t k = 0; k < g->depth; k++)
            w[k * g->rows + o] += (double)g->weight[o * g->depth + k];
        w[g->depth * g->rows + o] += (double)bias[o % g->outputs];
    }
}

/* One step per output channel; the taps of a transposed convolution share it. */
static void steps(const gather *g, const double *w, double *step)
{
    for (int64_t o = 0; o < g->rows; o++) step[o] = 1e-30;
    for (int64_t k = 0; k < g->depth; k++)
        for (int64_t o = 0; o < g->rows; o++)
            step[o % g->outputs] = fmax(step[o % g->outputs], fabs(w[k * g->rows + o]) / 127.0);
    for (int64_t o = g->outputs; o < g->rows; o++) step[o] = step[o % g->outputs];
}

/* Back to the parameters' layout and units. The taps' biases differ a little: their mean counts. */
static prune_status store(const collector *c, const gather *g, const double *w, pr_rounded *out)
{
    const pr_node *node = &c->model->nodes[g->node];
    PR_TRY(pr_tensor_create(&out->weight, c->ctx, PR_F32,
                            &pr_node_param(c->model, node, PR_SLOT_WEIGHT)->shape));
    PR_TRY(pr_tensor_zeros(&out->bias, c->ctx, PR_F32,
                           &pr_node_param(c->model, node, PR_SLOT_BIAS)->shape));
    const double taps = (double)(g->rows / g->outputs);
    for (int64_t o = 0; o < g->rows; o++) {
        for (int64_t k = 0; k < g->depth; k++)
            pr_f32(&out->weight)[o * g->depth + k] =
                (float)(w[k * g->rows + o] / scale_at(&node->precision, k % g->channels));
        pr_f32(&out->bias)[o % g->outputs] += (float)(w[g->depth * g->rows + o] / taps);
    }
    return PRUNE_OK;
}

static prune_status round_layer(const collector *c, const gather *g, pr_rounded *out)
{
    const pr_tensor *bias = pr_node_param(c->model, &c->model->nodes[g->node], PR_SLOT_BIAS);
    pr_tensor bias_floats = {0};
    double *h = NULL, *w = NULL, *step = NULL;
    prune_status status = PRUNE_OK;
    PR_GO(pr_tensor_convert(&bias_floats, c->ctx, bias, PR_F32));
    PR_GO(pr_new(c->ctx, (void **)&h, (size_t)(g->n * g->n), sizeof *h));
    PR_GO(pr_new(c->ctx, (void **)&w, (size_t)(g->n * g->rows), sizeof *w));
    PR_GO(pr_new(c->ctx, (void **)&step, (size_t)g->rows, sizeof *step));
    means(g, h, w);
    pr_feedback_factor(c->ctx, h, g->n);
    pr_feedback_solve(c->ctx, h, g->n, w, g->rows);
    add_weights(g, pr_f32(&bias_floats), w);
    steps(g, w, step);
    PR_GO(pr_feedback_round(c->ctx, h, g->n, w, g->rows, step));
    PR_GO(store(c, g, w, out));
done:
    pr_tensor_release(&bias_floats);
    pr_free(c->ctx, h);
    pr_free(c->ctx, w);
    pr_free(c->ctx, step);
    return status;
}

prune_status pr_rounding_create(pr_rounding *out, const prune_model *model, const bool *wanted,
                                prune_samples *samples, int32_t views, uint64_t seed)
{
    collector c = {.ctx = model->ctx, .model = model, .seed = seed};
    pr_rounding made = {.ctx = model->ctx, .n_nodes = model->n_nodes};
    prune_status status = PRUNE_OK;
    made.nodes = pr_calloc(model->ctx, (size_t)model->n_nodes + 1, sizeof *made.nodes);
    if (!made.nodes) return PRUNE_E_MEMORY;
    c.views = prune_samples_count(samples);
    if (c.views > (uint64_t)views) c.views = (uint64_t)views;
    c.rows = ROWS / (c.views > 0 ? (int64_t)c.views : 1);
    c.rows = c.rows > MOST_ROWS ? MOST_ROWS : c.rows < LEAST_ROWS ? LEAST_ROWS : c.rows;
    PR_GO(open_collector(&c, wanted));
    PR_GO(collect(&c, samples));
    for (int32_t i = 0; i < c.count; i++) {
        PR_GO(pr_check_cancel(model->ctx));
        PR_GO(round_layer(&c, &c.items[i], &made.nodes[c.items[i].node]));
    }
    *out = made;
done:
    close_collector(&c);
    if (status != PRUNE_OK) pr_rounding_free(&made);
    return status;
}

void pr_rounding_free(pr_rounding *rounding)
{
    for (int32_t i = 0; rounding->nodes && i < rounding->n_nodes; i++) {
        pr_tensor_release(&rounding->nodes[i].weight);
        pr_tensor_release(&rounding->nodes[i].bias);
    }
    if (rounding->ctx) pr_free(rounding->ctx, rounding->nodes);
    *rounding = (pr_rounding){0};
}

static void exchange(pr_tensor *a, pr_tensor *b)
{
    const pr_tensor keep = *a;
    *a = *b;
    *b = keep;
}

void pr_rounding_swap(pr_rounding *rounding, prune_model *model, int32_t node)
{
    pr_rounded *stored = &rounding->nodes[node];
    const int32_t *params = model->nodes[node].params;
    if (!stored->weight.data) return;
    exchange(&stored->weight, &model->params[params[PR_SLOT_WEIGHT]].tensor);
    exchange(&stored->bias, &model->params[params[PR_SLOT_BIAS]].tensor);
}
