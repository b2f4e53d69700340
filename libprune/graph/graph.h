/* The model as data. Every node has exactly one output value, so a value and the node that makes
 * it share one index; graph inputs are nodes of kind PR_OP_INPUT. Nodes stand in topological
 * order: inputs[] always point to smaller indices. */
#ifndef PR_GRAPH_H
#define PR_GRAPH_H

#include "libprune/tensor/rules.h"
#include "libprune/tensor/tensor.h"

#include <jansson.h>
#include <prune/model.h>

enum { PR_MAX_INPUTS = 8, PR_MAX_PARAMS = 2, PR_NONE = -1 };

typedef enum pr_op_kind {
#define PR_OP(symbol, name, slot0, slot1) PR_OP_##symbol,
#include "libprune/graph/op_kinds.def"
#undef PR_OP
    PR_OP_COUNT
} pr_op_kind;

typedef enum pr_pad_mode { PR_PAD_ZEROS = 0, PR_PAD_REFLECT = 1 } pr_pad_mode;
typedef enum pr_resize_mode {
    PR_RESIZE_NEAREST = 0,
    PR_RESIZE_BILINEAR = 1,        /* half-pixel centres (align_corners=False) */
    PR_RESIZE_BILINEAR_CORNERS = 2 /* align_corners=True */
} pr_resize_mode;
/* How the position table is sampled for other grids (depth-anything-v2: offset 0.1 or size). */
typedef enum pr_position_rule { PR_POSITION_OFFSET = 0, PR_POSITION_SIZE = 1 } pr_position_rule;

/* All attributes of all operators; each operator lists in its row which ones it uses. */
typedef struct pr_attrs {
    int32_t stride[2];     /* conv, conv_transpose: y, x */
    int32_t pad[4];        /* conv: top, left, bottom, right */
    int32_t pad_mode;      /* pr_pad_mode */
    int32_t groups;        /* conv */
    int32_t heads;         /* attention */
    int32_t qk_width;      /* attention: channels per head of q and k */
    int32_t v_width;       /* attention: channels per head of v and of the output */
    int32_t norm_width;    /* layer_norm: channels the statistics count; removed ones count as 0 */
    int32_t resize_mode;   /* pr_resize_mode */
    int32_t factor;        /* resize: output size = factor x size of the last input */
    int32_t grid[2];       /* token_embed: rows, columns of the stored position table */
    int32_t prefix;        /* token_embed, tokens_to_map: tokens before the patches */
    int32_t position_rule; /* token_embed: pr_position_rule */
    float scale;           /* attention: of the scores; affine: multiplier */
    float offset;          /* affine: addend */
    float epsilon;         /* layer_norm */
    float alpha;           /* leaky_relu: negative slope; elu: alpha */
} pr_attrs;

/* The arithmetic of a node's matrix products. BF16: both operands of every product are rounded to
 * bfloat16 (nearest, ties to even), sums stay FP32; in an attention node that is q, k, the
 * probabilities and v, around a softmax in FP32. */
typedef enum pr_compute { PR_COMPUTE_F32 = 0, PR_COMPUTE_I8 = 1, PR_COMPUTE_BF16 = 2 } pr_compute;
typedef enum pr_input_quant {
    PR_INPUT_NONE = 0,
    PR_INPUT_TENSOR = 1,  /* one scale and zero point */
    PR_INPUT_CHANNEL = 2, /* one per input channel, folded into the weights */
    PR_INPUT_TOKEN = 3    /* symmetric, measured per row while running */
} pr_input_quant;

/* How a node that multiplies matrices computes. Annotation only: the weights stay floats until
 * packing bakes them (then the weight's dtype is I8 and weight_scale says what one step is worth;
 * weights of BF16 nodes are stored as BF16 and read back as floats).
 * Input: real = scale[c] * (q - zero[c]), q in [-127, 127].
 * Integer weights are those of W[o,k] * scale[c(k)], one weight_scale per output channel. */
typedef struct pr_precision {
    pr_compute compute;
    pr_input_quant input;
    pr_tensor input_scale;  /* F32 [1] or [C]; empty for NONE and TOKEN */
    pr_tensor input_zero;   /* I8 [1] or [C] */
    pr_tensor weight_scale; /* F32 [O] when the weight is I8, else empty */
    bool keep_float;        /* the scan or the user decided: never quantize this node */
} pr_precision;

typedef struct pr_node {
    pr_op_kind op;
    char *name; /* the checkpoint's module name, unique */
    int32_t n_inputs;
    int32_t inputs[PR_MAX_INPUTS];
    int32_t params[PR_MAX_PARAMS]; /* by the operator's slots; PR_NONE where absent */
    pr_attrs attrs;
    pr_precision precision;
} pr_node;

typedef struct pr_param {
    char *name;
    pr_tensor tensor;
    bool trainable;
    bool half; /* came from an F16 tensor: saved as F16 again where that loses nothing */
} pr_param;

typedef struct pr_output {
    char *name; /* "depth" */
    int32_t node;
} pr_output;

/* What the output numbers mean. */
typedef enum pr_output_kind {
    PR_OUTPUT_RELATIVE = 0,  /* affine-invariant inverse depth, larger is nearer */
    PR_OUTPUT_DISPARITY = 1, /* 1/depth up to one scale: disparity_offset + disparity_scale * y */
    PR_OUTPUT_METRIC = 2     /* depth in metres, up to max_depth */
} pr_output_kind;

typedef struct pr_meta {
    char *architecture; /* "depth_anything_v2", "rt_monodepth_s" */
    char *variant;      /* "vits", "bundled", ... or NULL */
    char *license;      /* SPDX or words; NULL when unknown */
    pr_preprocess preprocess;
    int32_t resize_back; /* pr_filter: output to the image's size */
    int32_t output_kind; /* pr_output_kind */
    float max_depth;     /* METRIC only, metres */
    float disparity_scale, disparity_offset;
} pr_meta;

struct prune_model {
    prune_context *ctx;
    pr_node *nodes;
    int32_t n_nodes;
    size_t node_capacity;
    pr_param *params;
    int32_t n_params;
    size_t param_capacity;
    pr_output *outputs;
    int32_t n_outputs;
    pr_meta meta;
    json_t *history; /* array of objects, oldest first */
    /* As first loaded, at its own input size: what --macs 0.6 and friends are fractions of. */
    uint64_t origin_macs, origin_params, origin_bytes;
};

/* --- building --------------------------------------------------------------------------------*/
prune_status pr_model_create(prune_model **out, prune_context *ctx);
/* Deep structure, shared tensors (copy on write through pr_tensor_own). */
prune_status pr_model_clone(prune_model **out, const prune_model *model);
void pr_model_free(prune_model *model);
/* Moves the content of *from into *model and frees the shell: how a step replaces a model only
 * when it succeeded. */
void pr_model_replace(prune_model *model, prune_model *from);

/* Attributes with every operator's neutral values (stride 1, groups 1, factor 1, scale 1, ...). */
pr_attrs pr_attrs_default(void);

/* Appends a node; name is copied. *index receives its position. */
prune_status pr_model_add_node(prune_model *model, int32_t *index, pr_op_kind op, const char *name,
                               const int32_t *inputs, int32_t n_inputs, const pr_attrs *attrs);
/* Appends a parameter named "<node name>.<slot name>" and binds it; takes over the reference. */
prune_status pr_model_add_param(prune_model *model, int32_t node, int32_t slot, pr_tensor tensor);
prune_status pr_model_add_output(prune_model *model, const char *name, int32_t node);

/* "conv"; names of parameter slots ("weight"), NULL where the operator has fewer. */
const char *pr_op_name(pr_op_kind op);
const char *pr_op_slot(pr_op_kind op, int32_t slot);
/* "fp32", "int8", "bf16". */
const char *pr_compute_name(pr_compute compute);
/* PR_OP_COUNT when unknown. */
pr_op_kind pr_op_find(const char *name);

/* --- looking ---------------------------------------------------------------------------------*/
int32_t pr_model_find_node(const prune_model *model, const char *name);  /* or PR_NONE */
int32_t pr_model_find_param(const prune_model *model, const char *name); /* or PR_NONE */
/* The tensor of a slot, NULL when absent. */
const pr_tensor *pr_node_param(const prune_model *model, const pr_node *node, int32_t slot);
int32_t pr_model_consumers(const prune_model *model, int32_t node, int32_t *out, int32_t limit);

/* --- editing ---------------------------------------------------------------------------------*/
/* Every consumer (and output) of `node` reads `instead` from now on. instead < every consumer. */
void pr_model_rewire(prune_model *model, int32_t node, int32_t instead);
/* Drops nodes that reach no output and parameters that no node uses. */
prune_status pr_model_drop_dead(prune_model *model);

/* Appends {"step": step, ...fields} with library version and, when given, seed. Steals fields. */
prune_status pr_model_record(prune_model *model, const char *step, json_t *fields);

/* --- JSON form (docs/format.md): structure, metadata, history; tensors by name ----------------*/
/* NULL, with a message set, when there is no memory. */
json_t *pr_model_to_json(const prune_model *model);
/* Builds nodes and metadata; parameters are bound by the caller's lookup. Validates everything:
 * a hostile JSON gives an error that names the node. */
typedef prune_status (*pr_param_lookup)(void *user, const char *name, pr_tensor *out);
prune_status pr_model_from_json(prune_model **out, prune_context *ctx, const json_t *json,
                                pr_param_lookup lookup, void *user);

#endif
