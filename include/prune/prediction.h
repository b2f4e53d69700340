/* What a model said about a picture. */
#ifndef PRUNE_PREDICTION_H
#define PRUNE_PREDICTION_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a model said about one image, at the image's size, in the model's own units. */
typedef struct prune_prediction {
    int32_t width, height;
    const float *values;
    int32_t output_kind; /* 0 relative inverse depth, 1 disparity, 2 metric depth (metres) */
    double disparity_scale, disparity_offset; /* kind 1: 1/depth = offset + scale * value */
} prune_prediction;

#ifdef __cplusplus
}
#endif
#endif
