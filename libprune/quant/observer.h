/* Observers: from a stream of values to the range that INT8 shall cover. Memory is a few numbers
 * or a histogram per channel, whatever the number of pictures. */
#ifndef PR_QUANT_OBSERVER_H
#define PR_QUANT_OBSERVER_H

#include "libprune/base/context.h"

typedef enum pr_observer_kind {
    PR_OBSERVER_MIN_MAX = 0,
    PR_OBSERVER_PERCENTILE = 1,
    PR_OBSERVER_MSE = 2,
    PR_OBSERVER_COUNT
} pr_observer_kind;

enum { PR_OBSERVER_BINS = 1024 };

/* Bin b covers [-reach + b * width, -reach + (b + 1) * width), width = 2 * reach / bins. */
typedef struct pr_histogram {
    float reach;    /* a power of two; 0 before the first value other than 0 */
    uint64_t zeros; /* before that */
    uint32_t bins[PR_OBSERVER_BINS];
} pr_histogram;

typedef struct pr_range {
    float low, high; /* low <= 0 <= high */
} pr_range;

typedef struct pr_observer_rule {
    const char *name;
    bool needs_histogram;
    /* Range of a channel from what was seen of it; histogram NULL unless needed. */
    pr_range (*range)(pr_range seen, const pr_histogram *histogram, double percentile);
} pr_observer_rule;
const pr_observer_rule *pr_observer_get(pr_observer_kind kind);

typedef struct pr_observer {
    prune_context *ctx;
    const pr_observer_rule *rule;
    int64_t channels;
    pr_range *seen;
    pr_histogram *histograms; /* NULL unless the rule needs them */
} pr_observer;

prune_status pr_observer_create(pr_observer *out, prune_context *ctx, pr_observer_kind kind,
                                int64_t channels);
void pr_observer_free(pr_observer *observer);
/* values: count of them, channels last; count is a multiple of channels. */
void pr_observer_add(pr_observer *observer, const float *values, int64_t count);
pr_range pr_observer_range(const pr_observer *observer, int64_t channel, double percentile);

/* s8 grid for a range: real = scale * (q - zero), q in [-127, 127]; 0 is exactly representable.
 * Without zero point the range is widened to be symmetric. `least` > 0 bounds the scale from
 * below, so that a channel that never spoke has one. */
typedef struct pr_grid {
    float scale;
    int8_t zero;
} pr_grid;
pr_grid pr_grid_of(pr_range range, bool zero_point, float least);

#endif
