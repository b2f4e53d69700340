/* How a picture becomes the network's input. The model carries these rules as data; the room
 * `image` executes them. */
#ifndef PR_TENSOR_RULES_H
#define PR_TENSOR_RULES_H

#include <stdint.h>

typedef enum pr_fit {
    PR_FIT_EXACT = 0,       /* resize to width x height, aspect ignored */
    PR_FIT_LOWER_BOUND = 1, /* keep aspect, both sides at least width and height (original DA-V2) */
    PR_FIT_MINIMAL = 2      /* keep aspect, scale as little as possible (Hugging Face) */
} pr_fit;

typedef enum pr_filter {
    PR_FILTER_CUBIC_CV = 0,    /* OpenCV INTER_CUBIC on floats: a = -0.75, no antialiasing */
    PR_FILTER_CUBIC_PIL = 1,   /* Pillow BICUBIC on 8 bits: a = -0.5, antialiased */
    PR_FILTER_LANCZOS_PIL = 2, /* Pillow LANCZOS on 8 bits */
    PR_FILTER_BILINEAR = 3,    /* half-pixel centres, no antialiasing */
    PR_FILTER_BILINEAR_CORNERS = 4,
    PR_FILTER_CUBIC_TORCH = 5 /* torch bicubic, align_corners=False: a = -0.75, on floats */
} pr_filter;

typedef struct pr_preprocess {
    int32_t fit;    /* pr_fit */
    int32_t filter; /* pr_filter */
    int32_t width, height;
    int32_t multiple;      /* sides are multiples of this */
    float mean[3], std[3]; /* (pixel / 255 - mean) / std, RGB */
} pr_preprocess;

#endif
