/* Inside the room: resizing any source of float rows. */
#ifndef PR_IMAGE_RESAMPLE_H
#define PR_IMAGE_RESAMPLE_H

#include "libprune/image/image.h"

typedef struct pr_float_resize {
    int32_t w, h, W, H; /* from, to */
    int32_t channels;   /* 1 or 3, interleaved */
    float *out;         /* H x W x channels */
    void *user;
    /* Row y of the source: either its own memory, or written to scratch (w * channels). May be
     * called from any thread. */
    const float *(*row)(void *user, int32_t y, float *scratch);
    void (*finish)(void *user, float *row); /* each finished output row; NULL: nothing */
} pr_float_resize;
prune_status pr_resize_float(prune_context *ctx, pr_filter filter, const pr_float_resize *plan);

/* row for prune_pixels (the user pointer): RGB floats 0..255. */
const float *pr_pixels_row(void *user, int32_t y, float *scratch);
prune_status pr_pixels_check(const prune_pixels *pixels);

#endif
