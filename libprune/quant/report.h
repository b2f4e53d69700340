/* What a quantization did and why: a record in the model's history, and lines in the log. */
#ifndef PR_QUANT_REPORT_H
#define PR_QUANT_REPORT_H

#include "libprune/quant/scan.h"

#include <prune/quant.h>

typedef struct pr_quant_summary {
    int32_t folded; /* LayerScales moved into their layers */
    uint64_t views; /* pictures that calibration saw */
    bool judged;
    const char *metric; /* NULL: the original's output judged */
    double baseline;    /* the original's metric */
    double drop;        /* that remains */
    uint64_t pictures;  /* the judge's */
} pr_quant_summary;

prune_status pr_quant_record(prune_model *model, const prune_quant_options *options,
                             const pr_scan *scan, const pr_quant_summary *summary);

#endif
