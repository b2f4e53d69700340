#include "libprune/quant/scan.h"

#include "libprune/passes/shapes.h"
#include "libprune/quant/views.h"

#include <string.h>

/* How many of the worst-ranked units each step of the fallback tries. */
enum { TRIED = 5 };

static prune_status unit_macs(pr_scan *scan, const prune_model *model)
{
    int64_t height, width;
    pr_shape *shapes = NULL;
    prune_status status = PRUNE_OK;
    pr_model_input_size(model, &height, &width);
    PR_TRY(pr_new(model->ctx, (void **)&shapes, (size_t)model->n_nodes, sizeof *shapes));
    PR_GO(pr_shapes_infer(model, 1, height, width, shapes));
    for (int32_t i = 0; i < model->n_nodes; i++)
        if (scan->unit_of[i] != PR_NONE)
            scan->units[scan->unit_of[i]].macs += pr_node_macs(model, shapes, i);
done:
    pr_free(model->ctx, shapes);
    return status;
}

prune_status pr_scan_create(pr_scan *out, const prune_model *model, const bool *candidate,
                            bool by_input)
{
    const size_t n = (size_t)model->n_nodes;
    pr_scan scan = {.ctx = model->ctx, .n_nodes = model->n_nodes};
    prune_status status = PRUNE_OK;
    PR_GO(pr_new(scan.ctx, (void **)&scan.unit_of, n + 1, sizeof *scan.unit_of));
    PR_GO(pr_new(scan.ctx, (void **)&scan.order, n + 1, sizeof *scan.order));
    scan.units = pr_calloc(scan.ctx, n + 1, sizeof *scan.units);
    if (!scan.units) PR_GO(PRUNE_E_MEMORY);
    for (int32_t i = 0; i < model->n_nodes; i++) {
        scan.unit_of[i] = PR_NONE;
        if (!candidate[i]) continue;
        int32_t unit = scan.count;
        for (int32_t u = 0; by_input && u < scan.count; u++)
            if (model->nodes[scan.units[u].first].inputs[0] == model->nodes[i].inputs[0]) unit = u;
        if (unit == scan.count) {
            scan.units[unit].first = i;
            scan.order[unit] = unit;
            scan.count++;
        }
        scan.units[unit].layers++;
        scan.units[unit].weighted += pr_op_get(model->nodes[i].op)->quantizable;
        scan.unit_of[i] = unit;
    }
    PR_GO(unit_macs(&scan, model));
    *out = scan;
done:
    if (status != PRUNE_OK) pr_scan_free(&scan);
    return status;
}

void pr_scan_free(pr_scan *scan)
{
    if (scan->ctx) {
        pr_free(scan->ctx, scan->unit_of);
        pr_free(scan->ctx, scan->units);
        pr_free(scan->ctx, scan->order);
    }
    *scan = (pr_scan){0};
}

void pr_scan_set(const pr_scan *scan, prune_model *model, int32_t unit, bool int8)
{
    const pr_compute compute = int8 ? PR_COMPUTE_I8 : PR_COMPUTE_F32;
    for (int32_t i = 0; i < scan->n_nodes; i++) {
        pr_precision *p = &model->nodes[i].precision;
        if (scan->unit_of[i] != unit || p->compute == compute) continue;
        p->compute = compute;
        if (scan->rounding) pr_rounding_swap(scan->rounding, model, i);
    }
}

static void mark(const pr_scan *scan, int32_t unit, uint8_t *changed)
{
    for (int32_t i = 0; i < scan->n_nodes; i++)
        if (scan->unit_of[i] == unit) changed[i] = 1;
}

typedef struct picture {
    pr_viewer *viewer;
    pr_tensor reference; /* the float output */
    double baseline;     /* the metric of it */
    uint8_t *changed;
} picture;

static prune_status score(pr_quant_judge *judge, const prune_model *model, picture *p,
                          double *error, double *metric)
{
    const pr_tensor *output = pr_run_output(p->viewer->run);
    if (error) PR_TRY(pr_quant_judge_error(model, output, &p->reference, error));
    if (!judge->metric) return PRUNE_OK;
    judge->metric->reset(judge->metric->user);
    PR_TRY(pr_quant_judge_add(model, judge->metric, output, &p->viewer->sample));
    return judge->metric->value(judge->metric->user, metric);
}

/* From the last unit to the first: what a unit disturbed and the next one does not reach is
 * restored in the same partial run. */
static prune_status scan_picture(pr_scan *scan, prune_model *model, pr_quant_judge *judge,
                                 picture *p)
{
    int32_t before = PR_NONE;
    PR_TRY(pr_run_forward(p->viewer->run, p->viewer->input));
    pr_tensor_release(&p->reference);
    PR_TRY(pr_tensor_copy(&p->reference, scan->ctx, pr_run_output(p->viewer->run)));
    PR_TRY(score(judge, model, p, NULL, &p->baseline));
    for (int32_t u = scan->count - 1; u >= 0; u--) {
        double error, value;
        PR_TRY(pr_check_cancel(scan->ctx));
        memset(p->changed, 0, (size_t)scan->n_nodes * sizeof *p->changed);
        mark(scan, u, p->changed);
        if (before != PR_NONE) mark(scan, before, p->changed);
        before = u;
        pr_scan_set(scan, model, u, true);
        prune_status status = pr_run_forward_changed(p->viewer->run, p->changed);
        pr_scan_set(scan, model, u, false);
        PR_TRY(status);
        PR_TRY(score(judge, model, p, &error, &value));
        scan->units[u].error += error;
        if (judge->metric)
            scan->units[u].drop += pr_quant_judge_worse(judge->metric, value, p->baseline);
    }
    return PRUNE_OK;
}

/* The metric decides where there is one; the error at the output breaks ties. */
static bool worse(const pr_unit *a, const pr_unit *b)
{
    return a->drop != b->drop ? a->drop > b->drop : a->error > b->error;
}

static void rank(pr_scan *scan)
{
    for (int32_t i = 1; i < scan->count; i++) {
        const int32_t unit = scan->order[i];
        int32_t at = i;
        for (; at > 0 && worse(&scan->units[unit], &scan->units[scan->order[at - 1]]); at--)
            scan->order[at] = scan->order[at - 1];
        scan->order[at] = unit;
    }
}

prune_status pr_scan_run(pr_scan *scan, prune_model *model, pr_quant_judge *judge, uint64_t images)
{
    const pr_run_options options = {.mode = PR_MODE_FAKE, .keep = true};
    const uint64_t n = judge->count < images ? judge->count : images;
    pr_viewer viewer;
    picture p = {.viewer = &viewer};
    prune_status status = PRUNE_OK;
    PR_TRY(pr_viewer_open(&viewer, model, &options));
    PR_GO(pr_new(scan->ctx, (void **)&p.changed, (size_t)scan->n_nodes + 1, sizeof *p.changed));
    for (int32_t u = 0; u < scan->count; u++) pr_scan_set(scan, model, u, false);
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t index = judge->indices[i * judge->count / n];
        PR_GO(pr_viewer_load(&viewer, judge->samples, index, NULL, NULL));
        PR_GO(scan_picture(scan, model, judge, &p));
        pr_progress(scan->ctx, "scan", i + 1, n);
    }
    for (int32_t u = 0; u < scan->count; u++) {
        scan->units[u].error /= (double)n;
        scan->units[u].drop /= (double)n;
    }
    rank(scan);
done:
    pr_free(scan->ctx, p.changed);
    pr_tensor_release(&p.reference);
    pr_viewer_close(&viewer);
    return status;
}

/* Tries the worst-ranked units that still fit; *best: the one that helps most, or PR_NONE. */
static prune_status try_units(pr_scan *scan, prune_model *model, pr_quant_judge *judge,
                              int32_t room, int32_t *best, double *drop)
{
    int32_t tried = 0;
    *best = PR_NONE;
    for (int32_t i = 0; i < scan->count && tried < TRIED; i++) {
        const int32_t u = scan->order[i];
        double without;
        if (scan->units[u].keep || scan->units[u].weighted > room) continue;
        pr_scan_set(scan, model, u, false);
        prune_status status = pr_quant_judge_measure(judge, model, &without);
        pr_scan_set(scan, model, u, true);
        PR_TRY(status);
        tried++;
        if (without >= *drop) continue;
        *drop = without;
        *best = u;
    }
    return PRUNE_OK;
}

prune_status pr_scan_fall_back(pr_scan *scan, prune_model *model, pr_quant_judge *judge,
                               double max_drop, int32_t max_float, double *drop)
{
    int32_t room = max_float;
    for (int32_t u = 0; u < scan->count; u++) pr_scan_set(scan, model, u, true);
    PR_TRY(pr_quant_judge_measure(judge, model, drop));
    while (*drop > max_drop) {
        int32_t best;
        pr_progress(scan->ctx, "fallback", (uint64_t)(max_float - room), (uint64_t)max_float);
        PR_TRY(try_units(scan, model, judge, room, &best, drop));
        if (best == PR_NONE) break;
        scan->units[best].keep = true;
        pr_scan_set(scan, model, best, false);
        room -= scan->units[best].weighted;
    }
    return PRUNE_OK;
}
