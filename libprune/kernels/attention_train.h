/* Gradient of attention, in tiles. */
#ifndef PR_KERNELS_ATTENTION_TRAIN_H
#define PR_KERNELS_ATTENTION_TRAIN_H

#include "libprune/kernels/kernels.h"

/* Everything is [batch, tokens, heads * width] without gaps; gradients are added to, and may be
 * NULL. */
typedef struct pr_attention_gradient {
    int64_t batch, tokens, heads, qk_width, v_width;
    float scale;
    const float *q, *k, *v, *out, *d_out;
    const float *log_sum; /* pr_attention's: [batch * heads, tokens] */
    float *dq, *dk, *dv;
} pr_attention_gradient;

/* Heads of images are dealt out to the threads: the result does not depend on their number. */
prune_status pr_attention_backward(prune_context *ctx, const pr_attention_gradient *gradient);

#endif
