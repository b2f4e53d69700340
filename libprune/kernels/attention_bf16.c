/* Attention whose products are BF16 ones: the tier's own, or the tiles of attention.c over rounded
 * operands. */
#include "libprune/kernels/kernels.h"

size_t pr_attention_bf16_scratch(const prune_context *ctx, const pr_kernels *kernels,
                                 const pr_attention *attention)
{
    if (kernels->bf16_attention) return kernels->bf16_attention_scratch(ctx, attention);
    return pr_attention_scratch(ctx, kernels, attention);
}

void pr_attention_bf16(prune_context *ctx, const pr_kernels *kernels, const pr_attention *attention,
                       void *scratch)
{
    if (kernels->bf16_attention) {
        kernels->bf16_attention(ctx, attention, scratch);
        return;
    }
    pr_attention rounded = *attention;
    rounded.bf16 = true;
    pr_attention_f32(ctx, kernels, &rounded, scratch);
}
