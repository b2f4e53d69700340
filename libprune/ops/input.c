/* input: the preprocessed picture, [N, H, W, 3]. Its shape is given, not inferred. */
#include "libprune/ops/ops.h"

static prune_status infer(const prune_model *model, const pr_node *node, const pr_shape *in,
                          pr_shape *out)
{
    (void)model, (void)in, (void)out;
    return pr_op_shape_error(node, "the input's shape must be given");
}

const pr_op_info pr_op_input = {.infer = infer};
