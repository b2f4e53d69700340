/* A lowered model at one input size: steps in order, and one arena for all that they write. */
#ifndef PR_SESSION_PLAN_H
#define PR_SESSION_PLAN_H

#include "libprune/session/lower.h"

/* Where a value lives. Buffers 0 and 1 are the caller's input and output. */
enum { PR_BUFFER_INPUT = 0, PR_BUFFER_OUTPUT = 1 };
/* A layer norm normalizes this many rows before it quantizes them: they are then in the cache. */
enum { PR_NORM_ROWS = 16 };

typedef struct pr_buffer_plan {
    size_t bytes, offset; /* offset in the arena, or in a lane's scratch */
    int32_t first, last;  /* steps between which it must stay; first > last: unused */
    int32_t group;        /* whose lanes alone hold it, a block of rows at a time; or PR_NONE */
} pr_buffer_plan;

/* Floats of a node, or bytes of a variant: rows of `stride` elements in a buffer. */
typedef struct pr_place {
    int32_t buffer; /* PR_NONE: does not exist in this form */
    int64_t offset; /* elements */
    int64_t stride;
} pr_place;

typedef enum pr_step_kind {
    PR_STEP_CONV = 0,
    PR_STEP_GEMM,
    PR_STEP_TRANSPOSE,
    PR_STEP_ATTENTION,
    PR_STEP_NORM,
    PR_STEP_EMBED,
    PR_STEP_RESIZE,
    PR_STEP_ACTIVATE,
    PR_STEP_ADD,
    PR_STEP_GATE,     /* swiglu */
    PR_STEP_CROP,     /* tokens_to_map of a batch */
    PR_STEP_QUANTIZE, /* floats to a variant */
    PR_STEP_FORWARD   /* the operator's own definition */
} pr_step_kind;

typedef struct pr_step {
    pr_step_kind kind;
    const pr_unit *unit;
    int32_t node;               /* the node whose value is written */
    int32_t variant;            /* NORM, RESIZE, QUANTIZE: what is written as bytes; else PR_NONE */
    int32_t *x0, *x1, *y0, *y1; /* RESIZE */
    float *wx, *wy;
    float *table; /* EMBED: position vectors, the prefix tokens already added */
    uint64_t macs;
    double seconds;
} pr_step;

/* Steps that run together. By rows: every lane takes a block of rows through all of them, and what
 * only they read never exists as a whole (chain.c). Else a single step. */
typedef struct pr_group {
    int32_t first, last;
    bool by_rows;
    bool strip;          /* starts with a resize whose lines a convolution reads */
    int64_t rows;        /* of every value */
    int64_t unit, grain; /* rows that are dealt out together, and units worth a thread's while */
    int64_t block;       /* rows that go through the steps together, a multiple of unit */
    size_t values_bytes; /* of a lane: the values of one block */
    size_t lane_bytes;   /* with what kernels need besides */
} pr_group;

typedef struct pr_plan {
    prune_context *ctx;
    const pr_lowered *low;
    int64_t batch, height, width;
    pr_shape *shapes;    /* [n_nodes] */
    pr_place *floats;    /* [n_nodes] */
    pr_place *bytes;     /* [n_variants] */
    int32_t *row_scales; /* [n_variants]: buffer with the scale of every row, or PR_NONE */
    pr_buffer_plan *buffers;
    int32_t n_buffers;
    size_t buffer_capacity;
    pr_step *steps;
    int32_t n_steps;
    size_t step_capacity;
    pr_group *groups; /* all steps, in order */
    int32_t n_groups;
    double *spent; /* [threads][n_steps]: seconds of every lane, for profiles */
    size_t scratch_offset, arena_bytes;
} pr_plan;

prune_status pr_plan_create(pr_plan *out, const pr_lowered *low, int64_t batch, int64_t height,
                            int64_t width);
void pr_plan_free(pr_plan *plan);

/* input [batch, height, width, 3], output of the model's first output. `arena` holds arena_bytes,
 * aligned to 64; plans of several sizes may share one. Never allocates. */
prune_status pr_plan_run(pr_plan *plan, char *arena, const float *input, float *output,
                         bool profile);

/* Bytes that a step moves, each counted once: packed weights or parameters, values read, values
 * written. What kernels copy for themselves (a convolution's rows) is not counted. */
typedef struct pr_traffic {
    uint64_t weights, read, written;
} pr_traffic;
pr_traffic pr_plan_traffic(const pr_plan *plan, const pr_step *step);

/* Inside the room: rows and channels of a node's value, sources of a step's work. */
int64_t pr_plan_rows(const pr_plan *plan, int32_t node);
int64_t pr_plan_channels(const pr_plan *plan, int32_t node);
/* A line of a map as floats, padded. */
size_t pr_plan_line_bytes(const pr_plan *plan, int32_t node);
/* The convolution, without pointers, that a unit computes. */
pr_conv pr_plan_conv(const pr_plan *plan, const pr_unit *unit);
pr_conv_transpose pr_plan_transpose(const pr_plan *plan, const pr_unit *unit);
pr_attention pr_plan_attention(const pr_plan *plan, int32_t node);
/* Lines of its input that a convolution needs for output lines [begin, end), within the image. */
void pr_plan_lines(const pr_conv *conv, int64_t begin, int64_t end, int64_t *from, int64_t *until);
/* Forms the groups, once all steps are there: lifetimes and places follow from them. */
prune_status pr_plan_groups(pr_plan *plan);
/* Gives every buffer of this group (PR_NONE: of the arena) its offset; *total is their extent. */
prune_status pr_plan_place(pr_plan *plan, int32_t group, size_t *total);
/* Allocates and fills the tables of RESIZE and EMBED steps. */
prune_status pr_plan_tables(pr_plan *plan, pr_step *step);

#endif
