/* AdamW (Loshchilov and Hutter 2019) with gradient clipping and a running average of the weights.
 */
#ifndef PR_TRAIN_OPTIMIZER_H
#define PR_TRAIN_OPTIMIZER_H

#include "libprune/interpreter/interpreter.h"

typedef struct pr_adamw_settings {
    double learning_rate; /* of this step: see schedule.h */
    double beta1, beta2, epsilon;
    double weight_decay; /* decoupled; only on weight matrices and convolution kernels */
    double clip;         /* largest norm of the whole gradient; 0: no clipping */
    /* Of the averaged weights: share of the old average that a step keeps, but never more than
     * makes it look back over a tenth of the steps so far (which is what 1 asks for); 0: none are
     * kept. */
    double ema;
} pr_adamw_settings;

/* One entry per model parameter, empty where it is not trainable. */
typedef struct pr_adamw {
    prune_context *ctx;
    int32_t n_params;
    pr_tensor *first, *second; /* running means of gradient and squared gradient */
    pr_tensor *average;        /* averaged weights; NULL without */
    bool *decays;
    uint64_t step; /* finished steps */
} pr_adamw;

/* Moments of zero. Makes the model's trainable parameters FP32 and its own. */
prune_status pr_adamw_create(pr_adamw *out, prune_model *model, bool average);
void pr_adamw_free(pr_adamw *adamw);

/* Changes the model's parameters by one step; *norm receives the gradient's norm before clipping.
 * A gradient that is not finite fails with PRUNE_E_ARGUMENT and changes nothing. */
prune_status pr_adamw_step(pr_adamw *adamw, prune_model *model, const pr_grads *grads,
                           const pr_adamw_settings *settings, double *norm);

#endif
