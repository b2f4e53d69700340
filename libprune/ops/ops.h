/* What the library knows about each operator: one row per operator (pr_op_info), name and
 * parameter slots in graph/op_kinds.def. */
#ifndef PR_OPS_H
#define PR_OPS_H

#include "libprune/graph/graph.h"

/* One execution of one node, in FP32. Forward reads in[] and param[] and writes out (already
 * allocated, of the inferred shape). Backward also reads out and d_out, and ADDS into d_in[j] and
 * d_param[s]; entries are NULL where no gradient is wanted. */
typedef struct pr_op_call {
    prune_context *ctx;
    const pr_node *node;
    const pr_tensor *in[PR_MAX_INPUTS];
    const pr_tensor *param[PR_MAX_PARAMS];
    pr_tensor *out;
    const pr_tensor *d_out;
    pr_tensor *d_in[PR_MAX_INPUTS];
    pr_tensor *d_param[PR_MAX_PARAMS];
    /* Of the shape that the row's `saved` says: what forward leaves for backward. Forward alone
     * may do without (NULL). */
    pr_tensor *saved;
} pr_op_call;

/* Kept channel indices (ascending); list == NULL means all. */
typedef struct pr_kept {
    const int32_t *list;
    int32_t count;
} pr_kept;

/* Surgery on one node: which channels of its inputs and of its output survive. The callback
 * replaces parameters and attributes in `model` (a private clone: failure may leave it half cut).
 */
typedef struct pr_cut_call {
    prune_model *model;
    int32_t node;
    const pr_kept *in; /* one per input */
    pr_kept out;
} pr_cut_call;

typedef enum pr_relation {
    PR_RELATION_NONE = 0, /* output channels are new: conv, linear, conv_transpose, input */
    PR_RELATION_SAME = 1, /* channel c of every input belongs to channel c of the output */
    PR_RELATION_CONCAT = 2,
    PR_RELATION_GROUPED = 3, /* conv with groups: see passes/spaces.c */
    PR_RELATION_ATTENTION = 4
} pr_relation;

typedef struct pr_op_info {
    int32_t min_inputs, max_inputs;
    int32_t required_slots; /* the first n parameter slots must be bound */
    bool quantizable;       /* has a weight that INT8 kernels can run */
    bool int8_inputs;       /* has products of inputs that INT8 quantizes per token: attention */
    bool bf16;              /* has products whose operands may be rounded to BF16 */
    pr_relation relation;
    /* Inputs whose values are read; the rest lend only their size (resize, tokens_to_map). */
    int32_t value_inputs; /* 0: all of them */
    /* Checks attributes, parameter shapes and input shapes; writes the output's shape. The only
     * place where sizes are judged: everything after it may rely on them. */
    prune_status (*infer)(const prune_model *model, const pr_node *node, const pr_shape *in,
                          pr_shape *out);
    /* Multiply-accumulates for these shapes. */
    uint64_t (*macs)(const prune_model *model, const pr_node *node, const pr_shape *in,
                     const pr_shape *out);
    prune_status (*cut)(pr_cut_call *call); /* NULL: nothing to do */
    prune_status (*forward)(pr_op_call *call);
    prune_status (*backward)(pr_op_call *call);
    /* NULL: backward needs nothing but inputs, parameters and output. */
    void (*saved)(const pr_node *node, const pr_shape *in, pr_shape *shape);
} pr_op_info;

const pr_op_info *pr_op_get(pr_op_kind op);
/* Output size of a convolution along one axis. */
int64_t pr_conv_size(int64_t in, int64_t kernel, int64_t stride, int64_t before, int64_t after);

/* Parameter layouts (channels last, so that one GEMM row is one output channel):
 *   conv            weight [O, kh, kw, I/groups], bias [O]
 *   conv_transpose  weight [kh, kw, O, I], bias [O]; kernel == stride
 *   linear          weight [O, I], bias [O]
 *   layer_norm      weight [C], bias [C]        scale  weight [C]
 *   token_embed     prefix [P, D], position [P + rows * cols, D] */
enum { PR_SLOT_WEIGHT = 0, PR_SLOT_BIAS = 1 };
enum { PR_SLOT_PREFIX = 0, PR_SLOT_POSITION = 1 };

/* Gathers the patches of a convolution: rows = N*OH*OW output positions [begin, end), each row
 * kh*kw*(C/groups) values of one group, zero outside the image (or reflected). */
void pr_im2col(const float *image, const pr_shape *in, const pr_node *node, int64_t kh, int64_t kw,
               const pr_shape *out, int64_t begin, int64_t end, int32_t group, float *rows);
/* The same for quantized images of one group; fill[C] (the zero points) stands outside. */
void pr_im2col_s8(const int8_t *image, const pr_shape *in, const pr_node *node, int64_t kh,
                  int64_t kw, const pr_shape *out, int64_t begin, int64_t end, const int8_t *fill,
                  int8_t *rows);
/* The transpose: adds rows back into the image gradient, but only into image lines
 * [line_begin, line_end), so that lanes can own bands of lines without races. */
void pr_col2im_add(const float *rows, const pr_shape *in, const pr_node *node, int64_t kh,
                   int64_t kw, const pr_shape *out, int64_t begin, int64_t end, int32_t group,
                   int64_t line_begin, int64_t line_end, float *image);

/* The four cubic taps (a = -0.75, edges replicated) that sample a table axis of `size` cells for
 * position d of `count`, by the rule of depth-anything-v2: src = (d + 0.5) * size / (count + 0.1)
 * - 0.5 (offset) or (d + 0.5) * size / count - 0.5 (size). */
void pr_position_taps(int32_t rule, int64_t size, int64_t count, int64_t d, int32_t index[4],
                      float weight[4]);
/* Position table [P + rows*cols, D] sampled for a gh x gw grid into out [P + gh*gw, D]. */
prune_status pr_position_sample(prune_context *ctx, const pr_node *node, const pr_tensor *table,
                                int64_t gh, int64_t gw, float *out);

/* Shared by the rows: errors that name the node, and cutting parameters. */
prune_status pr_op_shape_error(const pr_node *node, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
prune_status pr_op_expect_param(const prune_model *model, const pr_node *node, int32_t slot,
                                const pr_shape *shape);
/* param[slot] keeps only `kept` along axis; no-op when the slot or the list is absent. */
prune_status pr_op_cut_param(pr_cut_call *call, int32_t slot, int32_t axis, pr_kept kept);
/* Per-channel quantization records follow their channels. */
prune_status pr_op_cut_precision(pr_cut_call *call);

/* Rows of the table, one file each. */
extern const pr_op_info pr_op_input, pr_op_conv, pr_op_conv_transpose, pr_op_linear,
    pr_op_layer_norm, pr_op_scale, pr_op_token_embed, pr_op_tokens_to_map, pr_op_attention,
    pr_op_add, pr_op_concat, pr_op_resize, pr_op_relu, pr_op_leaky_relu, pr_op_elu, pr_op_gelu,
    pr_op_sigmoid, pr_op_affine, pr_op_swiglu;

#endif
