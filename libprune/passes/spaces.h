/* Channel spaces: what may be cut, and what must be cut with it.
 *
 * A slot is one channel of one value. Operators say how the slots of their inputs and of their
 * output belong together (pr_relation); a union over the graph gives sets of slots that only make
 * sense together. A unit is the smallest thing that can be removed: one such set, or for an
 * attention head its q, k, v and output channels. A space is a list of units of the same kind that
 * touch the same values, so that they compete with each other and any number of them (but not all)
 * can go. A value may hold the units of several spaces side by side, as after a concatenation. */
#ifndef PR_PASSES_SPACES_H
#define PR_PASSES_SPACES_H

#include "libprune/graph/graph.h"

typedef enum pr_space_kind {
    PR_SPACE_HEAD = 0,     /* attention heads */
    PR_SPACE_QK = 1,       /* channels of q and k inside the heads, the same number in each head */
    PR_SPACE_NEURON = 2,   /* hidden channels between linear layers */
    PR_SPACE_CHANNEL = 3,  /* feature map channels */
    PR_SPACE_RESIDUAL = 4, /* the stream that layer norms read */
    PR_SPACE_KIND_COUNT
} pr_space_kind;
const char *pr_space_kind_name(pr_space_kind kind);

/* Channels [first, first + count) of a value. */
typedef struct pr_channel_run {
    int32_t value, first, count;
} pr_channel_run;

typedef struct pr_space {
    pr_space_kind kind;
    char *name; /* of the first node that makes these channels; "<attention>.heads", ".qk" */
    int32_t n_units;
    int32_t first_unit; /* number of this space's first unit among the units of all spaces */
    int32_t *run_begin; /* [n_units + 1]: unit u owns runs[run_begin[u] .. run_begin[u + 1]) */
    pr_channel_run *runs;
    int32_t n_producers, n_consumers;
    int32_t *producers;  /* nodes with weights whose output rows go with the units */
    int32_t *consumers;  /* nodes with weights whose input columns go */
    int32_t attention;   /* HEAD and QK: the node; else PR_NONE */
    int32_t groups;      /* units stand in this many equal groups that must keep equal counts */
    int32_t granularity; /* units (per group) that are worth removing at a time */
    const char *locked;  /* why nothing may be cut; NULL when something may */
} pr_space;

typedef struct pr_spaces {
    prune_context *ctx;
    int32_t n_nodes;   /* of the model that was looked at */
    int32_t *channels; /* [n_nodes] width of each value */
    int64_t *slots;    /* [n_nodes + 1] number of the value's first slot */
    uint64_t *macs;    /* [n_nodes] at the size that was looked at, one image */
    pr_space *items;
    int32_t count;
    int32_t n_units; /* of all spaces */
} pr_spaces;

/* Looks at the model for one image of height x width; 0 x 0 means the model's own size. */
prune_status pr_spaces_create(pr_spaces *out, const prune_model *model, int32_t height,
                              int32_t width);
void pr_spaces_free(pr_spaces *spaces);

/* mask[slot] = 1 for every slot of a removed unit. removed: [n_units]. mask: [slots[n_nodes]]. */
void pr_spaces_mask(const pr_spaces *spaces, const bool *removed, uint8_t *mask);

/* What a model costs. */
typedef struct pr_cost {
    uint64_t macs, params, bytes;
} pr_cost;

/* Cost after a hypothetical cut, without cutting. mask as above; NULL: nothing is removed.
 * dead[node] != 0 (NULL: none): the node would be gone as well. */
void pr_spaces_cost(const pr_spaces *spaces, const prune_model *model, const uint8_t *mask,
                    const uint8_t *dead, pr_cost *cost);

/* [{"name", "kind", "units", "granularity", "locked"}, ...] for `prune inspect`. */
json_t *pr_spaces_to_json(const pr_spaces *spaces);

#endif
