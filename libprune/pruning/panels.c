#include "libprune/pruning/panels.h"

#include "libprune/kernels/dense.h"

#include <string.h>

/* Kernel height and width of a consumer. */
static void kernel_size(const prune_model *model, const pr_node *node, int64_t *kh, int64_t *kw)
{
    const pr_shape *shape = &pr_node_param(model, node, PR_SLOT_WEIGHT)->shape;
    *kh = *kw = 1;
    if (node->op == PR_OP_CONV) {
        *kh = shape->dim[1];
        *kw = shape->dim[2];
    } else if (node->op == PR_OP_CONV_TRANSPOSE) {
        *kh = shape->dim[0];
        *kw = shape->dim[1];
    }
}

/* Reads (or, with write, stores) the panel's weight [outputs, rows] in the model's tensors. The
 * stored weight is [all outputs, inputs] for every operator. A transposed convolution's outputs
 * (ky, kx, o) share the bias of o: storing takes their mean. */
static void exchange_weight(const pr_panel *p, prune_model *model, float *weight, bool write)
{
    const pr_node *node = &model->nodes[p->node];
    float *stored = pr_f32(pr_node_param(model, node, PR_SLOT_WEIGHT));
    stored += (int64_t)p->group * p->outputs * p->inputs;
    for (int64_t o = 0; o < p->outputs; o++) {
        float *from = write ? weight + o * p->rows : stored + o * p->inputs;
        float *to = write ? stored + o * p->inputs : weight + o * p->rows;
        memcpy(to, from, (size_t)p->inputs * sizeof *to);
    }
    if (p->rows == p->inputs) return;
    const pr_tensor *bias_tensor = pr_node_param(model, node, PR_SLOT_BIAS);
    const int64_t all = pr_tensor_count(bias_tensor);
    const int64_t channels = p->outputs < all ? p->outputs : all;
    float *bias = pr_f32(bias_tensor) + p->group * channels;
    const int64_t repeats = p->outputs / channels;
    for (int64_t c = 0; c < channels; c++) {
        double sum = 0;
        for (int64_t t = 0; t < repeats; t++) {
            float *entry = &weight[(t * channels + c) * p->rows + p->inputs];
            if (!write) *entry = bias[c];
            sum += (double)*entry;
        }
        if (write) bias[c] = (float)(sum / (double)repeats);
    }
}

static prune_status add_panel(pr_panels *panels, const prune_model *model, int32_t index,
                              int32_t group, bool gradients)
{
    const pr_node *node = &model->nodes[index];
    const pr_tensor *weight = pr_node_param(model, node, PR_SLOT_WEIGHT);
    int64_t kh, kw;
    kernel_size(model, node, &kh, &kw);
    const int32_t groups = node->op == PR_OP_CONV ? node->attrs.groups : 1;
    pr_panel *p = &panels->items[panels->count++];
    *p = (pr_panel){.node = index, .group = group};
    p->columns = (int32_t)pr_shape_last(&weight->shape);
    p->first = group * p->columns;
    p->taps = node->op == PR_OP_CONV ? (int32_t)(kh * kw) : 1;
    p->inputs = (int64_t)p->taps * p->columns;
    p->rows = p->inputs + (pr_node_param(model, node, PR_SLOT_BIAS) != NULL);
    p->outputs = pr_tensor_count(weight) / p->inputs / groups;
    if (p->rows > panels->largest) panels->largest = p->rows;
    if (p->outputs > panels->largest) panels->largest = p->outputs;
    PR_TRY(pr_new(panels->ctx, (void **)&p->weight, (size_t)(p->outputs * p->rows),
                  sizeof *p->weight));
    /* Reading leaves the model as it is. */
    exchange_weight(p, (prune_model *)model, p->weight, false);
    p->h = pr_calloc(panels->ctx, (size_t)(p->rows * p->rows), sizeof *p->h);
    p->g = pr_calloc(panels->ctx, (size_t)(p->outputs * p->outputs), sizeof *p->g);
    if (!p->h || !p->g) return PRUNE_E_MEMORY;
    for (int64_t o = 0; !gradients && o < p->outputs; o++) p->g[o * p->outputs + o] = 1;
    return PRUNE_OK;
}

prune_status pr_panels_create(pr_panels *out, const prune_model *model, const uint8_t *wanted,
                              int32_t positions, bool gradients)
{
    pr_panels panels = {.ctx = model->ctx, .positions = positions};
    prune_status status = PRUNE_OK;
    size_t count = 0;
    for (int32_t v = 0; v < model->n_nodes; v++)
        if (wanted[v])
            count += model->nodes[v].op == PR_OP_CONV ? (size_t)model->nodes[v].attrs.groups : 1;
    panels.items = pr_calloc(model->ctx, count + 1, sizeof *panels.items);
    if (!panels.items) return PRUNE_E_MEMORY;
    for (int32_t v = 0; v < model->n_nodes; v++) {
        if (!wanted[v]) continue;
        const int32_t groups = model->nodes[v].op == PR_OP_CONV ? model->nodes[v].attrs.groups : 1;
        for (int32_t g = 0; g < groups; g++) PR_GO(add_panel(&panels, model, v, g, gradients));
    }
    PR_GO(pr_new(model->ctx, (void **)&panels.scratch,
                 (size_t)(model->ctx->threads * (positions + panels.largest)),
                 (size_t)(panels.largest + 1) * sizeof *panels.scratch));
    *out = panels;
    return PRUNE_OK;
done:
    pr_panels_free(&panels);
    return status;
}

void pr_panels_free(pr_panels *panels)
{
    for (int32_t i = 0; panels->items && i < panels->count; i++) {
        pr_free(panels->ctx, panels->items[i].weight);
        pr_free(panels->ctx, panels->items[i].h);
        pr_free(panels->ctx, panels->items[i].g);
    }
    if (panels->ctx) {
        pr_free(panels->ctx, panels->items);
        pr_free(panels->ctx, panels->scratch);
    }
    memset(panels, 0, sizeof *panels);
}

/* --- observing ------------------------------------------------------------------------------- */

typedef struct observation {
    pr_panels *panels;
    const prune_model *model;
    const pr_run *run;         /* inputs */
    const pr_tensor *gradient; /* or gradients of this node's output */
    int32_t node;
    uint64_t seed;
} observation;

/* Which sites a panel looks at: all of them where there are few, else random ones. */
static int64_t site(pr_random *random, int64_t index, int64_t available, int64_t wanted)
{
    return available <= wanted ? index : (int64_t)pr_random_below(random, (uint32_t)available);
}

static int64_t gather_inputs(const observation *o, const pr_panel *p, pr_random *random,
                             float *rows)
{
    const pr_node *node = &o->model->nodes[p->node];
    const pr_tensor *input = pr_run_value(o->run, node->inputs[0]);
    const pr_shape *out = pr_run_shape(o->run, p->node);
    const int64_t channels = pr_shape_last(&input->shape);
    const bool conv = node->op == PR_OP_CONV;
    const int64_t available =
        conv ? pr_shape_count(out) / pr_shape_last(out) : pr_tensor_count(input) / channels;
    const int64_t n = available < o->panels->positions ? available : o->panels->positions;
    int64_t kh, kw;
    kernel_size(o->model, node, &kh, &kw);
    for (int64_t i = 0; i < n; i++) {
        const int64_t at = site(random, i, available, n);
        float *row = rows + i * p->rows;
        if (conv)
            pr_im2col(pr_f32(input), &input->shape, node, kh, kw, out, at, at + 1, p->group, row);
        else
            memcpy(row, pr_f32(input) + at * channels, (size_t)channels * sizeof *row);
        if (p->rows > p->inputs) row[p->inputs] = 1;
    }
    return n;
}

/* A transposed convolution's site is an input pixel; its gradients are those of the kh x kw output
 * pixels that it makes, in the order of the weight's rows. */
static void gather_block(const pr_tensor *gradient, int64_t at, int64_t kh, int64_t kw, float *row)
{
    const int64_t *dim = gradient->shape.dim; /* N, H, W, O */
    const int64_t columns = dim[2] / kw, lines = dim[1] / kh;
    const int64_t image = at / (lines * columns), y = at / columns % lines, x = at % columns;
    for (int64_t ky = 0; ky < kh; ky++)
        memcpy(row + ky * kw * dim[3],
               pr_f32(gradient) + ((image * dim[1] + y * kh + ky) * dim[2] + x * kw) * dim[3],
               (size_t)(kw * dim[3]) * sizeof *row);
}

static int64_t gather_gradients(const observation *o, const pr_panel *p, pr_random *random,
                                float *rows)
{
    const pr_node *node = &o->model->nodes[p->node];
    const int64_t channels = pr_shape_last(&o->gradient->shape);
    int64_t kh, kw, block = 1;
    kernel_size(o->model, node, &kh, &kw);
    if (node->op == PR_OP_CONV_TRANSPOSE) block = kh * kw;
    const int64_t available = pr_tensor_count(o->gradient) / channels / block;
    const int64_t n = available < o->panels->positions ? available : o->panels->positions;
    for (int64_t i = 0; i < n; i++) {
        const int64_t at = site(random, i, available, n);
        float *row = rows + i * p->outputs;
        if (node->op == PR_OP_CONV_TRANSPOSE)
            gather_block(o->gradient, at, kh, kw, row);
        else
            memcpy(row, pr_f32(o->gradient) + at * channels + p->group * p->outputs,
                   (size_t)p->outputs * sizeof *row);
    }
    return n;
}

static void observe_panels(void *arg, int64_t begin, int64_t end, int lane)
{
    const observation *o = arg;
    pr_panels *panels = o->panels;
    const int64_t width = panels->largest + 1;
    float *rows = panels->scratch + lane * (panels->positions + panels->largest) * width;
    float *square = rows + panels->positions * width;
    for (int64_t i = begin; i < end; i++) {
        pr_panel *p = &panels->items[i];
        if (o->gradient && p->node != o->node) continue;
        pr_random random;
        pr_random_seed(&random, o->seed, (uint64_t)i * 2 + (o->gradient != NULL));
        if (o->gradient) {
            const int64_t n = gather_gradients(o, p, &random, rows);
            pr_gram_add(n, p->outputs, rows, square, p->g);
            p->n_gradients += n;
        } else {
            const int64_t n = gather_inputs(o, p, &random, rows);
            pr_gram_add(n, p->rows, rows, square, p->h);
            p->n_inputs += n;
        }
    }
}

void pr_panels_observe(pr_panels *panels, const prune_model *model, const pr_run *run,
                       uint64_t seed)
{
    observation o = {.panels = panels, .model = model, .run = run, .seed = seed};
    pr_parallel(panels->ctx, panels->count, 1, observe_panels, &o);
}

prune_status pr_panels_observe_gradient(pr_panels *panels, const prune_model *model, int32_t node,
                                        const pr_tensor *gradient, uint64_t seed)
{
    observation o = {
        .panels = panels, .model = model, .gradient = gradient, .node = node, .seed = seed};
    for (int32_t i = 0; i < panels->count; i++)
        if (panels->items[i].node == node) observe_panels(&o, i, i + 1, 0);
    return PRUNE_OK;
}

/* m [n, n] <- both triangles of m / count, plus `ridge` times the mean diagonal on the diagonal.
 * An input that is never seen (all zeros) leaves a matrix of zeros: then the identity. */
static void finish_matrix(int64_t n, double *m, int64_t count, double ridge)
{
    double trace = 0;
    if (count == 0) return;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j <= i; j++) m[i * n + j] /= (double)count;
        trace += m[i * n + i];
    }
    pr_mirror_lower(n, m);
    const double add = trace > 0 ? ridge * trace / (double)n : 1;
    for (int64_t i = 0; i < n; i++) m[i * n + i] += add;
}

void pr_panels_finish(pr_panels *panels, double ridge)
{
    for (int32_t i = 0; i < panels->count; i++) {
        pr_panel *p = &panels->items[i];
        finish_matrix(p->rows, p->h, p->n_inputs, ridge);
        finish_matrix(p->outputs, p->g, p->n_gradients, 0.01);
    }
}

/* --- refitting ------------------------------------------------------------------------------- */

/* Splits the panel's rows: kept ones first in `order`, then the removed ones; returns the number
 * kept. The constant's row is always kept. */
static int64_t split_rows(const pr_panel *p, const uint8_t *removed, int64_t *order)
{
    int64_t kept = 0, gone = p->rows;
    for (int64_t r = 0; r < p->rows; r++) {
        const bool out = r < p->inputs && removed[p->first + r % p->columns];
        if (!out) order[kept++] = r;
    }
    for (int64_t r = p->inputs - 1; r >= 0; r--)
        if (removed[p->first + r % p->columns]) order[--gone] = r;
    return kept;
}

/* fit [kept, outputs] = H_kk^-1 H_kr W_r^T. */
static prune_status solve_fit(const pr_panels *panels, const pr_panel *p, const int64_t *order,
                              int64_t kept, double *fit)
{
    prune_context *ctx = panels->ctx;
    const int64_t gone = p->rows - kept;
    double *hkk = NULL, *hkr = NULL, *wr = NULL;
    prune_status status = PRUNE_OK;
    PR_GO(pr_new(ctx, (void **)&hkk, (size_t)(kept * kept), sizeof *hkk));
    PR_GO(pr_new(ctx, (void **)&hkr, (size_t)(kept * gone), sizeof *hkr));
    PR_GO(pr_new(ctx, (void **)&wr, (size_t)(gone * p->outputs), sizeof *wr));
    for (int64_t i = 0; i < kept; i++) {
        const double *row = p->h + order[i] * p->rows;
        for (int64_t j = 0; j < kept; j++) hkk[i * kept + j] = row[order[j]];
        for (int64_t j = 0; j < gone; j++) hkr[i * gone + j] = row[order[kept + j]];
    }
    for (int64_t j = 0; j < gone; j++)
        for (int64_t o = 0; o < p->outputs; o++)
            wr[j * p->outputs + o] = (double)p->weight[o * p->rows + order[kept + j]];
    pr_dgemm_serial(false, false, kept, p->outputs, gone, 1, hkr, gone, wr, p->outputs, 0, fit,
                    p->outputs);
    if (!pr_cholesky(kept, hkk))
        PR_GO(pr_fail(PRUNE_E_ARGUMENT, "the inputs of a layer have no stable fit: raise ridge"));
    pr_cholesky_solve(kept, p->outputs, hkk, fit);
done:
    pr_free(ctx, wr);
    pr_free(ctx, hkr);
    pr_free(ctx, hkk);
    return status;
}

static prune_status refit_panel(const pr_panels *panels, const pr_panel *p, prune_model *model,
                                const uint8_t *removed, bool refit)
{
    prune_context *ctx = panels->ctx;
    int64_t *order = NULL;
    double *fit = NULL;
    float *weight = NULL;
    prune_status status = PRUNE_OK;
    PR_GO(pr_new(ctx, (void **)&order, (size_t)p->rows, sizeof *order));
    PR_GO(pr_new(ctx, (void **)&weight, (size_t)(p->rows * p->outputs), sizeof *weight));
    const int64_t kept = split_rows(p, removed, order);
    memcpy(weight, p->weight, (size_t)(p->rows * p->outputs) * sizeof *weight);
    if (refit && kept < p->rows && kept > 0) {
        PR_GO(pr_new(ctx, (void **)&fit, (size_t)(kept * p->outputs), sizeof *fit));
        PR_GO(solve_fit(panels, p, order, kept, fit));
        for (int64_t i = 0; i < kept; i++)
            for (int64_t o = 0; o < p->outputs; o++)
                weight[o * p->rows + order[i]] += (float)fit[i * p->outputs + o];
    }
    for (int64_t i = kept; i < p->rows; i++)
        for (int64_t o = 0; o < p->outputs; o++) weight[o * p->rows + order[i]] = 0;
    exchange_weight(p, model, weight, true);
done:
    pr_free(ctx, weight);
    pr_free(ctx, fit);
    pr_free(ctx, order);
    return status;
}

prune_status pr_panels_refit(const pr_panels *panels, prune_model *model, int32_t node,
                             const uint8_t *removed, bool refit)
{
    for (int32_t i = 0; i < panels->count; i++)
        if (panels->items[i].node == node)
            PR_TRY(refit_panel(panels, &panels->items[i], model, removed, refit));
    return PRUNE_OK;
}
