/* A random direction at the network's output, to see which values matter for it. */
#ifndef PR_PRUNING_PROBE_H
#define PR_PRUNING_PROBE_H

#include "libprune/base/random.h"
#include "libprune/train/loss.h"

/* gradient[i] = noise[i] * d log-depth / d output[i] on one image: white noise plus smooth noise
 * (16 pixels wide), both of variance 1. A relative output is probed as it is. */
prune_status pr_probe_fill(prune_context *ctx, const pr_decode *decode, const float *output,
                           int64_t height, int64_t width, pr_random *random, float *gradient);

#endif
