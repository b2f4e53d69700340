/* The feed: samples in a seeded order, as augmented views, one batch at a time. */
#ifndef PR_TRAIN_FEED_H
#define PR_TRAIN_FEED_H

#include "libprune/graph/graph.h"
#include "libprune/samples/augment.h"

typedef struct pr_feed {
    prune_context *ctx;
    prune_samples *samples; /* borrowed */
    uint64_t *indices;      /* of the samples that are used */
    uint64_t count;
    const pr_preprocess *rule;
    const pr_augment *augment; /* NULL: views are the pictures as they are */
    uint64_t seed;
    int64_t batch, height, width; /* of the network's input */
    float *input;                 /* [batch, height, width, 3] of the latest batch */
    float *depth;                 /* [batch, height, width], 0 where unknown */
    uint64_t *order;              /* permutation of the current epoch */
    uint64_t epoch;               /* of `order`, UINT64_MAX: none yet */
} pr_feed;

/* Takes over `indices` (from the context's allocator), also on failure. */
prune_status pr_feed_create(pr_feed *out, prune_context *ctx, prune_samples *samples,
                            uint64_t *indices, uint64_t count, const pr_preprocess *rule,
                            int64_t batch, int64_t height, int64_t width);
void pr_feed_free(pr_feed *feed);

/* Fills the batch of a step. Depends on seed and step only, so that a resumed run sees the same. */
prune_status pr_feed_load(pr_feed *feed, uint64_t step);

/* Fills the batch with the samples at positions [first, first + batch) of the indices, unchanged;
 * positions beyond the end repeat the last one. */
prune_status pr_feed_load_plain(pr_feed *feed, uint64_t first);

#endif
