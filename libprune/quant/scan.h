/* Sensitivity: every unit (a layer, or the layers that read one value) is quantized alone and its
 * error measured at the network's output. */
#ifndef PR_QUANT_SCAN_H
#define PR_QUANT_SCAN_H

#include "libprune/quant/judge.h"
#include "libprune/quant/rounding.h"

typedef struct pr_unit {
    int32_t first;    /* its first node */
    int32_t layers;   /* nodes */
    int32_t weighted; /* of them, those with weights: what max_float counts */
    uint64_t macs;    /* at the model's own size */
    double error;     /* at the output, mean over pictures; see pr_quant_judge_error */
    double drop;      /* of the metric, mean over pictures; 0 without one */
    bool keep;        /* stays FP32: decided by the fallback */
} pr_unit;

typedef struct pr_scan {
    prune_context *ctx;
    int32_t n_nodes, count;
    int32_t *unit_of;      /* per node, PR_NONE: not a candidate */
    pr_unit *units;        /* in the order of the graph */
    pr_rounding *rounding; /* parameters of INT8 nodes; NULL: rounded to the nearest */
    int32_t *order;        /* unit numbers, worst first; that of the graph before pr_scan_run */
} pr_scan;

prune_status pr_scan_create(pr_scan *out, const prune_model *model, const bool *candidate,
                            bool by_input);
void pr_scan_free(pr_scan *scan);

/* The unit's nodes compute in INT8 or FP32 from now on, with the parameters that belong to it;
 * their records stay. */
void pr_scan_set(const pr_scan *scan, prune_model *model, int32_t unit, bool int8);

/* Measures every unit of `model` (annotated, all units FP32 again afterwards) on at most `images`
 * of the judge's pictures and ranks them. One float pass per picture; then, from the last unit to
 * the first, only what depends on a unit is computed anew. */
prune_status pr_scan_run(pr_scan *scan, prune_model *model, pr_quant_judge *judge, uint64_t images);

/* Keeps units in FP32 until the judge's drop is at most max_drop: in every step the unit among the
 * worst-ranked few whose return to FP32 helps most. Starts from all INT8, stops after max_float
 * layers (attention without weights does not count) or when no return helps. *drop: what remains.
 * The model is left with the decision. */
prune_status pr_scan_fall_back(pr_scan *scan, prune_model *model, pr_quant_judge *judge,
                               double max_drop, int32_t max_float, double *drop);

#endif
