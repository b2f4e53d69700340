/* Which layers are quantized, and how each one's input is. */
#ifndef PR_QUANT_ASSIGN_H
#define PR_QUANT_ASSIGN_H

#include "libprune/quant/calibrate.h"

#include <prune/quant.h>

typedef enum pr_scheme {
    PR_SCHEME_AUTO = 0,
    PR_SCHEME_TENSOR = 1,
    PR_SCHEME_CHANNEL = 2,
    PR_SCHEME_TOKEN = 3
} pr_scheme;

typedef enum pr_attention_choice {
    PR_ATTENTION_AUTO = 0, /* a candidate where there is a scan */
    PR_ATTENTION_FP32 = 1,
    PR_ATTENTION_INT8 = 2
} pr_attention_choice;

/* candidate[node]: an integer form exists and nobody asked for floats. Patterns of keep_float are
 * shell globs on node names; one that matches no layer is an error. */
prune_status pr_assign_candidates(const prune_model *model, const prune_quant_options *options,
                                  bool *candidate);

/* kept[node]: the user wants it in FP32, by the option keep_float or the node's record. */
prune_status pr_assign_kept(const prune_model *model, const prune_quant_options *options,
                            bool *kept);

/* How the input of this node is quantized under a scheme. */
pr_input_quant pr_assign_input(const pr_node *node, pr_scheme scheme);

/* watch[node]: what calibration must observe of its value, so that every candidate that reads it
 * gets its scales. Token inputs need nothing. */
void pr_assign_watch(const prune_model *model, const bool *candidate, pr_scheme scheme,
                     pr_watch *watch);

/* Writes the candidates' records from the calibration; readers of one value share its scales.
 * `compute` is left alone. */
prune_status pr_assign_records(prune_model *model, const bool *candidate,
                               const pr_calibration *calibration,
                               const prune_quant_options *options);

#endif
