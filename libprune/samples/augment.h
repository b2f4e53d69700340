/* Views: one sample as the network shall see it, changed at random or as it is. */
#ifndef PR_SAMPLES_AUGMENT_H
#define PR_SAMPLES_AUGMENT_H

#include "libprune/base/random.h"
#include "libprune/image/image.h"

#include <prune/samples.h>

typedef struct pr_augment {
    bool flip;       /* left to right, every second view */
    double crop;     /* smallest part of width and height that a view keeps; 1: always all */
    double exposure; /* largest change of brightness, in stops (factors of 2) */
    double colour;   /* largest change of one colour channel against the others, 0.1 = 10 % */
    double noise;    /* largest standard deviation of pixel noise, white being 1 */
} pr_augment;

/* What one view does to its picture. */
typedef struct pr_view {
    int32_t left, top, width, height; /* the part that is seen, in pixels of the picture */
    bool flip;
    float gain[3], gamma, noise;
    uint64_t noise_seed;
} pr_view;

/* The whole picture, unchanged. */
pr_view pr_view_plain(int32_t width, int32_t height);
/* Draws a view; augment NULL gives the plain one. */
pr_view pr_view_choose(const pr_augment *augment, int32_t width, int32_t height, pr_random *random);

/* Network input [nh, nw, 3] of a view, by the model's rule, and its ground truth [nh, nw] in
 * metres, 0 where unknown (all 0 without any; depth may be NULL). A view of a part of the picture
 * is what a longer lens would see, so its metres are multiplied by the part that is kept: that is
 * the depth at which the original lens would show things this large. */
prune_status pr_view_render(prune_context *ctx, const pr_view *view, const pr_preprocess *rule,
                            const prune_sample *sample, int32_t nw, int32_t nh, float *input,
                            float *depth);

#endif
