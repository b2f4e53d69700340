/* Block OBS (Hassibi and Stork 1993, whole units at a time): what the consumers of a unit cannot
 * reconstruct from the inputs that stay. For every panel P = H^-1 and W [rows, outputs], weighted
 * by a factor of G = L L^T. Removing the rows r of unit u costs, and leaves behind,
 *   cost(u) = trace(W_r^T P_rr^-1 W_r G)
 *   W <- W - P_:r P_rr^-1 W_r,   P <- P - P_:r P_rr^-1 P_r:
 * The cheapest unit goes, and again. Both updates are linear in W, so W L takes the place of W and
 * the trace becomes a sum of squares. */
#include "libprune/kernels/dense.h"
#include "libprune/ops/ops.h"
#include "libprune/pruning/saliency.h"

#include <math.h>
#include <string.h>

/* Units that a wide layer loses at once, at most. */
enum { MAX_BATCH = 16 };

typedef struct fit {
    const pr_panel *panel;
    double *p;          /* [rows, rows] */
    double *w;          /* [rows, outputs], times L */
    int32_t *row_begin; /* [n_units + 1] into unit_rows */
    int32_t *unit_rows;
} fit;

typedef struct elimination {
    prune_context *ctx;
    const pr_evidence *evidence;
    const pr_space *space;
    fit *fits;
    int32_t n_fits;
    int64_t unit_rows; /* most rows of a unit in a panel */
    bool *gone;        /* [n_units] */
    double *cost;      /* [n_units] */
    double *block;     /* scratch: m x m, m = MAX_BATCH * unit_rows */
    double *part;      /* scratch: m x max(rows, outputs) */
    double *strip;     /* scratch: m x rows */
    int32_t *rows;     /* scratch: m */
} elimination;

static prune_status list_rows(elimination *e, fit *f)
{
    const pr_panel *p = f->panel;
    const pr_space *space = e->space;
    const int32_t value = e->evidence->model->nodes[p->node].inputs[0];
    int32_t count = 0;
    PR_TRY(
        pr_new(e->ctx, (void **)&f->row_begin, (size_t)space->n_units + 1, sizeof *f->row_begin));
    PR_TRY(pr_new(e->ctx, (void **)&f->unit_rows, (size_t)p->rows, sizeof *f->unit_rows));
    for (int32_t u = 0; u < space->n_units; u++) {
        f->row_begin[u] = count;
        for (int32_t r = space->run_begin[u]; r < space->run_begin[u + 1]; r++) {
            const pr_channel_run *run = &space->runs[r];
            for (int32_t c = run->first; c < run->first + run->count; c++) {
                if (run->value != value || c < p->first || c >= p->first + p->columns) continue;
                for (int32_t t = 0; t < p->taps; t++)
                    f->unit_rows[count++] = t * p->columns + c - p->first;
            }
        }
        if (count - f->row_begin[u] > e->unit_rows) e->unit_rows = count - f->row_begin[u];
    }
    f->row_begin[space->n_units] = count;
    return PRUNE_OK;
}

static prune_status open_fit(elimination *e, fit *f)
{
    const pr_panel *p = f->panel;
    double *l = NULL, *plain = NULL;
    prune_status status = PRUNE_OK;
    PR_GO(list_rows(e, f));
    PR_GO(pr_new(e->ctx, (void **)&f->p, (size_t)(p->rows * p->rows), sizeof *f->p));
    PR_GO(pr_new(e->ctx, (void **)&f->w, (size_t)(p->rows * p->outputs), sizeof *f->w));
    PR_GO(pr_new(e->ctx, (void **)&l, (size_t)(p->outputs * p->outputs), sizeof *l));
    PR_GO(pr_new(e->ctx, (void **)&plain, (size_t)(p->rows * p->outputs), sizeof *plain));
    memcpy(f->p, p->h, (size_t)(p->rows * p->rows) * sizeof *f->p);
    memcpy(l, p->g, (size_t)(p->outputs * p->outputs) * sizeof *l);
    if (!pr_spd_inverse(p->rows, f->p) || !pr_cholesky(p->outputs, l))
        PR_GO(pr_fail(PRUNE_E_ARGUMENT, "the inputs of a layer have no stable fit: raise ridge"));
    for (int64_t i = 0; i < p->outputs; i++)
        for (int64_t j = i + 1; j < p->outputs; j++) l[i * p->outputs + j] = 0;
    for (int64_t r = 0; r < p->rows; r++)
        for (int64_t o = 0; o < p->outputs; o++)
            plain[r * p->outputs + o] = (double)p->weight[o * p->rows + r];
    pr_dgemm_serial(false, false, p->rows, p->outputs, p->outputs, 1, plain, p->outputs, l,
                    p->outputs, 0, f->w, p->outputs);
done:
    pr_free(e->ctx, plain);
    pr_free(e->ctx, l);
    return status;
}

static void close_elimination(elimination *e)
{
    for (int32_t i = 0; e->fits && i < e->n_fits; i++) {
        pr_free(e->ctx, e->fits[i].p);
        pr_free(e->ctx, e->fits[i].w);
        pr_free(e->ctx, e->fits[i].row_begin);
        pr_free(e->ctx, e->fits[i].unit_rows);
    }
    pr_free(e->ctx, e->fits);
    pr_free(e->ctx, e->gone);
    pr_free(e->ctx, e->cost);
    pr_free(e->ctx, e->block);
    pr_free(e->ctx, e->part);
    pr_free(e->ctx, e->strip);
    pr_free(e->ctx, e->rows);
}

static prune_status open_elimination(elimination *e)
{
    const pr_panels *panels = e->evidence->panels;
    int64_t width = 1;
    e->fits = pr_calloc(e->ctx, (size_t)panels->count + 1, sizeof *e->fits);
    e->gone = pr_calloc(e->ctx, (size_t)e->space->n_units, sizeof *e->gone);
    if (!e->fits || !e->gone) return PRUNE_E_MEMORY;
    for (int32_t i = 0; i < panels->count; i++) {
        const pr_panel *p = &panels->items[i];
        bool reads = false;
        for (int32_t c = 0; c < e->space->n_consumers; c++)
            reads = reads || e->space->consumers[c] == p->node;
        if (!reads) continue;
        e->fits[e->n_fits].panel = p;
        PR_TRY(open_fit(e, &e->fits[e->n_fits++]));
        if (p->rows > width) width = p->rows;
        if (p->outputs > width) width = p->outputs;
    }
    const size_t m = (size_t)(MAX_BATCH * e->unit_rows) + 1;
    PR_TRY(pr_new(e->ctx, (void **)&e->cost, (size_t)e->space->n_units, sizeof *e->cost));
    PR_TRY(pr_new(e->ctx, (void **)&e->block, m * m, sizeof *e->block));
    PR_TRY(pr_new(e->ctx, (void **)&e->part, m * (size_t)width, sizeof *e->part));
    PR_TRY(pr_new(e->ctx, (void **)&e->strip, m * (size_t)width, sizeof *e->strip));
    return pr_new(e->ctx, (void **)&e->rows, m, sizeof *e->rows);
}

/* block = P_rr for the listed rows, factored. False when elimination has left it singular. */
static bool factor_rows(const elimination *e, const fit *f, const int32_t *rows, int64_t m)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < m; j++)
            e->block[i * m + j] = f->p[(int64_t)rows[i] * f->panel->rows + rows[j]];
    return pr_cholesky(m, e->block);
}

static double unit_cost(const elimination *e, const fit *f, int32_t unit)
{
    const int64_t outputs = f->panel->outputs, m = f->row_begin[unit + 1] - f->row_begin[unit];
    const int32_t *rows = f->unit_rows + f->row_begin[unit];
    double sum = 0;
    if (m == 0) return 0;
    if (!factor_rows(e, f, rows, m)) return 0;
    for (int64_t i = 0; i < m; i++)
        memcpy(e->part + i * outputs, f->w + rows[i] * outputs, (size_t)outputs * sizeof(double));
    pr_cholesky_solve(m, outputs, e->block, e->part);
    for (int64_t i = 0; i < m; i++)
        for (int64_t o = 0; o < outputs; o++)
            sum += e->part[i * outputs + o] * f->w[rows[i] * outputs + o];
    return sum;
}

/* Takes the units' rows out of one panel together. */
static void eliminate(const elimination *e, fit *f, const int32_t *units, int32_t n)
{
    const int64_t size = f->panel->rows, outputs = f->panel->outputs;
    int64_t m = 0;
    for (int32_t k = 0; k < n; k++)
        for (int32_t i = f->row_begin[units[k]]; i < f->row_begin[units[k] + 1]; i++)
            e->rows[m++] = f->unit_rows[i];
    if (m == 0) return;
    if (factor_rows(e, f, e->rows, m)) {
        for (int64_t i = 0; i < m; i++)
            memcpy(e->strip + i * size, f->p + e->rows[i] * size, (size_t)size * sizeof(double));
        for (int64_t i = 0; i < m; i++)
            memcpy(e->part + i * outputs, f->w + e->rows[i] * outputs,
                   (size_t)outputs * sizeof(double));
        pr_cholesky_solve(m, outputs, e->block, e->part);
        pr_dgemm_serial(true, false, size, outputs, m, -1, e->strip, size, e->part, outputs, 1,
                        f->w, outputs);
        memcpy(e->part, e->strip, (size_t)(m * size) * sizeof(double));
        pr_cholesky_solve(m, size, e->block, e->part);
        pr_dgemm_serial(true, false, size, size, m, -1, e->strip, size, e->part, size, 1, f->p,
                        size);
    }
    for (int64_t i = 0; i < m; i++)
        memset(f->w + e->rows[i] * outputs, 0, (size_t)outputs * sizeof(double));
}

/* The n cheapest units that are still there, cheapest first. */
static void pick(const elimination *e, int32_t *units, int32_t n)
{
    for (int32_t k = 0; k < n; k++) {
        int32_t best = -1;
        for (int32_t u = 0; u < e->space->n_units; u++)
            if (!e->gone[u] && (best < 0 || e->cost[u] < e->cost[best])) best = u;
        units[k] = best;
        e->gone[best] = true;
    }
}

static void run_elimination(elimination *e, pr_order *out)
{
    /* Wide layers lose several at a time: the order inside such a batch hardly matters. */
    int32_t batch = e->space->n_units / 128, done = 0;
    if (batch < 1) batch = 1;
    if (batch > MAX_BATCH) batch = MAX_BATCH;
    while (done < out->limit) {
        const int32_t n = batch < out->limit - done ? batch : out->limit - done;
        for (int32_t u = 0; u < e->space->n_units; u++) {
            if (e->gone[u]) continue;
            e->cost[u] = 0;
            for (int32_t i = 0; i < e->n_fits; i++) e->cost[u] += unit_cost(e, &e->fits[i], u);
        }
        pick(e, out->order + done, n);
        for (int32_t i = 0; i < e->n_fits; i++) eliminate(e, &e->fits[i], out->order + done, n);
        done += n;
    }
    for (int32_t u = 0; u < e->space->n_units; u++)
        if (!e->gone[u]) out->order[done++] = u;
}

prune_status pr_saliency_reconstruction(const pr_evidence *evidence, const pr_space *space,
                                        pr_order *out)
{
    elimination e = {.ctx = evidence->spaces->ctx, .evidence = evidence, .space = space};
    prune_status status = PRUNE_OK;
    if (space->kind == PR_SPACE_QK) {
        double *score = NULL;
        PR_TRY(pr_new(e.ctx, (void **)&score, (size_t)space->n_units, sizeof *score));
        pr_saliency_qk_energy(evidence, space, score);
        status = pr_saliency_sort(e.ctx, space, score, out);
        pr_free(e.ctx, score);
        return status;
    }
    status = open_elimination(&e);
    if (status == PRUNE_OK) run_elimination(&e, out);
    close_elimination(&e);
    return status;
}
