/* Rewrites that keep a model's meaning and its weights, and make it cheaper. */
#ifndef PR_PASSES_ORDER_H
#define PR_PASSES_ORDER_H

#include "libprune/graph/graph.h"

/* A 1 x 1 convolution whose input is an enlarging resize that nothing else reads changes places
 * with it: every pixel of a resize is a weighted mean (weights sum to 1) of source pixels, and such
 * means commute with a linear map and its bias. A quarter of the multiplications for a doubling;
 * values differ by rounding alone. Layers that are annotated for integers or half precision stay:
 * their scales belong to the enlarged map. Sizes count at the model's own input size. *moved
 * receives the number of convolutions; node numbers stay valid, the two exchange theirs. */
prune_status pr_order_resizes(prune_model *model, int32_t *moved);

#endif
