/* Helpers for families: build a graph line by line from named weights. The first failure sticks in
 * `status`; later calls then do nothing, so that a family reads like the network it describes. */
#ifndef PR_MODELS_BUILDER_H
#define PR_MODELS_BUILDER_H

#include "libprune/ops/ops.h"

/* Where weights come from: a checkpoint, or a random generator. */
typedef struct pr_weights {
    prune_context *ctx;
    void *user;
    /* F32 in the checkpoint's (torch) layout, exactly of this shape; or no data at all (every
     * tensor), when somebody only wants to know what would be asked for. */
    prune_status (*fetch)(void *user, const char *key, const pr_shape *shape, pr_tensor *out);
} pr_weights;

typedef struct pr_builder {
    prune_model *model;
    const pr_weights *weights;
    prune_status status;
} pr_builder;

/* Appends a node and returns its index (0 after a failure). */
int32_t pr_build_node(pr_builder *builder, pr_op_kind op, const char *name, int32_t first,
                      int32_t second, const pr_attrs *attrs);
/* One input, neutral attributes. */
int32_t pr_build_unary(pr_builder *builder, pr_op_kind op, const char *name, int32_t input);

/* Fetches key; true when there is data now. */
bool pr_build_fetch(pr_builder *builder, const char *key, const pr_shape *shape, pr_tensor *out);
/* Binds a tensor to a slot; takes over the reference. */
void pr_build_bind(pr_builder *builder, int32_t node, int32_t slot, pr_tensor *tensor);
/* Fetches key of this shape and binds it. */
void pr_build_param(pr_builder *builder, int32_t node, int32_t slot, const char *key,
                    const pr_shape *shape);
/* Fetches "<module>.weight" [out, in, k, k], reorders it to channels last, and with bias
 * "<module>.bias" [out]. */
void pr_build_conv_params(pr_builder *builder, int32_t node, const char *module, int64_t out,
                          int64_t in, int64_t kernel, bool bias);
/* The same for a transposed convolution: [in, out, k, k] becomes [k, k, out, in]. */
void pr_build_conv_transpose_params(pr_builder *builder, int32_t node, const char *module,
                                    int64_t out, int64_t in, int64_t kernel);
/* "<module>.weight" [out, in] and "<module>.bias" [out]. */
void pr_build_linear_params(pr_builder *builder, int32_t node, const char *module, int64_t out,
                            int64_t in);
/* "<module>.weight" [width] and "<module>.bias" [width]. */
void pr_build_norm_params(pr_builder *builder, int32_t node, const char *module, int64_t width);

/* Square convolution attributes. */
pr_attrs pr_build_conv_attrs(int32_t stride, int32_t pad);

/* out[i0', i1', ...] = in with axis k of the result taken from axis order[k]; F32, rank 4. */
prune_status pr_models_permute(pr_tensor *out, prune_context *ctx, const pr_tensor *in,
                               const int32_t order[4]);

#endif
