/* Who decides whether a quantized model is good enough: labelled pairs and a metric, or the
 * original model's own output on images that calibration did not see. */
#ifndef PR_QUANT_JUDGE_H
#define PR_QUANT_JUDGE_H

#include "libprune/graph/graph.h"

#include <prune/samples.h>

typedef struct pr_quant_judge {
    prune_context *ctx;
    const prune_model *original;
    prune_samples *samples;
    uint64_t *indices; /* of the samples that count */
    uint64_t count;
    prune_metric *metric; /* NULL: the original's output judges */
    double baseline;      /* the original's metric */
    pr_tensor *outputs;   /* without metric: the original's output per image */
} pr_quant_judge;

/* At most `limit` samples, evenly spread. Measures the original. */
prune_status pr_quant_judge_create(pr_quant_judge *out, const prune_model *original,
                                   prune_samples *samples, uint64_t limit, prune_metric *metric);
void pr_quant_judge_free(pr_quant_judge *judge);

/* How much worse `model` is, 0 or less when it is not: of the metric, else the mean error of the
 * log depth (pr_loss "distill") against the original. INT8 nodes compute in `fake` mode, whose
 * floats are the exact mode's integers. */
prune_status pr_quant_judge_measure(pr_quant_judge *judge, const prune_model *model, double *drop);

/* Mean error of the log depth (of the normalised inverse depth without metres) of an output
 * [1, height, width, 1] against a reference of the same size. */
prune_status pr_quant_judge_error(const prune_model *model, const pr_tensor *output,
                                  const pr_tensor *reference, double *error);
/* Worsening of the metric on one sample (or of all that were added): sign follows the metric. */
double pr_quant_judge_worse(const prune_metric *metric, double value, double baseline);
/* Hands the metric this output of the network, resized to the sample's picture. */
prune_status pr_quant_judge_add(const prune_model *model, prune_metric *metric,
                                const pr_tensor *output, const prune_sample *sample);

#endif
