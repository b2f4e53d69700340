/* The part of a session that does not depend on the input size: which nodes run together, in which
 * form each value is needed, and the packed weights. */
#ifndef PR_SESSION_LOWER_H
#define PR_SESSION_LOWER_H

#include "libprune/graph/graph.h"
#include "libprune/kernels/kernels.h"

enum { PR_UNIT_MERGED = 3 };

/* An s8 form of a node's value: quantize(relu ? max(x, 0) : x), or per row when dynamic. */
typedef struct pr_variant {
    int32_t node;
    bool relu, dynamic;
    int64_t channels;
    float *inv_scale, *zero; /* padded for epilogues; NULL when dynamic */
    int8_t *fill;            /* zero as bytes: what padding holds; NULL when dynamic */
} pr_variant;

typedef enum pr_unit_kind {
    PR_UNIT_MATRIX = 0, /* conv, linear */
    PR_UNIT_TRANSPOSE,
    PR_UNIT_NODE /* one node that is no matrix product */
} pr_unit_kind;

/* Nodes that run as one step. It runs when `last` would. */
typedef struct pr_unit {
    pr_unit_kind kind;
    int32_t first;                  /* the node with the weights */
    int32_t merged[PR_UNIT_MERGED]; /* linear layers that share the input; [0] == first */
    int32_t n_merged;
    int32_t last;     /* the node whose value comes out */
    int32_t input;    /* node that is read */
    int32_t residual; /* or PR_NONE */
    int32_t upsample; /* of a nearest-neighbour resize that was folded in; else 1 */
    pr_activation act, late;
    float alpha, late_alpha;
    int32_t scale;    /* LayerScale node that was taken in, or PR_NONE */
    float *gain;      /* its weight, padded for epilogues */
    bool integer;     /* products of integers; a layer reads a variant, attention makes its own */
    bool bf16;        /* floats whose products are BF16 ones; attention too */
    int32_t variant;  /* integer: of the input */
    int32_t emits;    /* variant that the epilogue writes; PR_NONE */
    bool live;        /* something reads it */
    pr_packed *packs; /* per group, or per tap */
    int32_t n_packs;
    char *name; /* node names joined by '+' */
} pr_unit;

typedef struct pr_lowered {
    prune_context *ctx;
    const prune_model *model;
    const pr_kernels *kernels;
    pr_unit *units; /* in the order of execution */
    int32_t n_units;
    int32_t *unit_of; /* [n_nodes]; folded nodes belong to the unit that took them in */
    pr_variant *variants;
    int32_t n_variants;
    size_t variant_capacity;
    bool *need_f32; /* [n_nodes] */
    int32_t *uses;  /* [n_nodes] how often the value is read */
    void *weights;  /* where the packed ones lie */
    size_t packed_bytes;
} pr_lowered;

/* The model must live as long as the result. */
prune_status pr_lower(pr_lowered *out, const prune_model *model);
void pr_lowered_free(pr_lowered *lowered);
/* Lets go of what is packed: those parameters of `model`, which is the one that was lowered, keep
 * their shapes only, and the others no longer hold the memory of a whole file. */
prune_status pr_lower_release(const pr_lowered *lowered, prune_model *model);

/* Inside the room. */
prune_status pr_lower_demand(pr_lowered *lowered);
prune_status pr_lower_pack(pr_lowered *lowered);

#endif
