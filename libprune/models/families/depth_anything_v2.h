/* Depth Anything V2: a DINOv2 vision transformer with a DPT head, of any size. */
#ifndef PR_MODELS_DEPTH_ANYTHING_V2_H
#define PR_MODELS_DEPTH_ANYTHING_V2_H

#include "libprune/models/builder.h"
#include "libprune/tensor/rules.h"

enum { PR_DAV2_MAX_BLOCKS = 256, PR_DAV2_PATCH = 14, PR_DAV2_TAPS = 4 };

typedef struct pr_dav2_config {
    bool hugging_face; /* names of the weights; q, k and v apart */
    int32_t width, blocks, heads;
    bool gated; /* SwiGLU instead of GELU in the MLPs: the giant configuration */
    int32_t hidden[PR_DAV2_MAX_BLOCKS]; /* MLP width of each block */
    int32_t taps[PR_DAV2_TAPS];         /* blocks whose output feeds the head, ascending */
    int32_t neck[PR_DAV2_TAPS];         /* channels C0..C3 of the reassembled maps */
    int32_t fusion, half, head;         /* F; output_conv1 (F/2); output_conv2 (32) */
    int32_t grid[2];                    /* rows, columns of the position table */
    int32_t position_rule;              /* pr_position_rule */
    float epsilon;
    bool metric;
    float max_depth;
    pr_preprocess preprocess;
    int32_t resize_back; /* pr_filter */
    const char *variant, *license;
} pr_dav2_config;

/* Tapped blocks of the released models: 2,5,8,11 of 12, 4,11,17,23 of 24; otherwise quarters. */
void pr_dav2_default_taps(int32_t blocks, int32_t taps[PR_DAV2_TAPS]);
/* "2,5,8,11" to numbers; refuses anything but four ascending blocks below `blocks`. */
prune_status pr_dav2_parse_taps(const char *text, int32_t blocks, int32_t taps[PR_DAV2_TAPS]);

/* Preprocessing of the original release: 518 x 518 lower bound, OpenCV cubic, ImageNet mean. */
pr_preprocess pr_dav2_preprocess(void);

prune_status pr_dav2_build(prune_model **out, prune_context *ctx, const pr_dav2_config *config,
                           const pr_weights *weights);

#endif
