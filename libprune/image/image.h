/* Pictures: files in and out, resize rules, the network's input and its output's way back. */
#ifndef PR_IMAGE_H
#define PR_IMAGE_H

#include "libprune/base/file.h"
#include "libprune/tensor/rules.h"

#include <jansson.h>
#include <prune/image.h>

/* Largest picture that is read, so that a hostile header cannot ask for all memory. */
enum { PR_IMAGE_MAX_PIXELS = 100 * 1000 * 1000 };

/* --- codecs: content of a mapped file; path is for messages ----------------------------------*/
bool pr_png_matches(const pr_mapped *file);
prune_status pr_png_read_rgb(prune_image *out, prune_context *ctx, const pr_mapped *file,
                             const char *path);
/* 16-bit grey only. Free *values with pr_free. */
prune_status pr_png_read_grey16(uint16_t **values, int32_t *width, int32_t *height,
                                prune_context *ctx, const pr_mapped *file, const char *path);
prune_status pr_png_write_rgb(prune_context *ctx, const char *path, const uint8_t *rgb,
                              int32_t width, int32_t height);
prune_status pr_png_write_grey16(prune_context *ctx, const char *path, const uint16_t *values,
                                 int32_t width, int32_t height);
bool pr_jpeg_matches(const pr_mapped *file);
prune_status pr_jpeg_read_rgb(prune_image *out, prune_context *ctx, const pr_mapped *file,
                              const char *path);
/* What a file says about its pixels, as they are stored. */
typedef struct pr_image_facts {
    const char *format;
    int32_t channels, bits, orientation; /* orientation: EXIF's 1 to 8 */
    bool palette, interlaced, cmyk;      /* interlaced: progressive in a JPEG */
} pr_image_facts;
/* As pr_png_read_rgb and pr_jpeg_read_rgb; *facts is set on success. */
prune_status pr_png_read_facts(prune_image *out, pr_image_facts *facts, prune_context *ctx,
                               const pr_mapped *file, const char *path);
prune_status pr_jpeg_read_facts(prune_image *out, pr_image_facts *facts, prune_context *ctx,
                                const pr_mapped *file, const char *path);
/* Reads a whole PNG or JPEG and describes it: {"format", "width", "height" (as it is meant to be
 * seen), "channels", "bits", "orientation", "interlaced", "cmyk"}, and for 16-bit grey
 * "depth": {"known", "smallest", "largest"}. */
prune_status pr_image_inspect(json_t **out, prune_context *ctx, const pr_mapped *file,
                              const char *path);
/* Orientation 1 to 8 that a TIFF structure (the content of EXIF data) notes; 1 where it says
 * nothing that can be understood. */
int32_t pr_exif_orientation(const uint8_t *data, size_t size);
/* Turns a picture as it is meant to be seen. */
prune_status pr_image_orient(prune_image *image, prune_context *ctx, int32_t orientation);
/* Fails unless 1 <= width, height and the picture is within PR_IMAGE_MAX_PIXELS. */
prune_status pr_image_check_size(uint64_t width, uint64_t height, const char *path);
/* Fails when a file of `size` bytes cannot hold `needed` units of what its header announces, at
 * most `density` of them per byte: no memory is taken for pictures that are not there. */
prune_status pr_image_check_content(uint64_t needed, uint64_t density, uint64_t size,
                                    const char *path);

/* --- resampling ------------------------------------------------------------------------------*/
/* One axis of a separable filter: output d is the sum over k < n of weight[d * n + k] times input
 * index[d * n + k]. Indices are inside the input and ascend; unused taps weigh 0. */
typedef struct pr_taps {
    int32_t n, outputs;
    int32_t *index;
    float *weight;
    int32_t *fixed; /* weight in 22 fractional bits, Pillow's filters only, else NULL */
} pr_taps;
prune_status pr_taps_create(pr_taps *out, prune_context *ctx, pr_filter filter, int32_t input,
                            int32_t output);
void pr_taps_free(prune_context *ctx, pr_taps *taps);

/* Resizes a map (h x w) to (H x W). Pillow's filters work on floats here, without rounding. */
prune_status pr_image_resize_map(prune_context *ctx, pr_filter filter, const float *in, int32_t w,
                                 int32_t h, float *out, int32_t W, int32_t H);
/* The same on h x w x 3 bytes, rounded and clipped to 0..255 (Pillow's filters: after each
 * pass, as Pillow does). */
prune_status pr_image_resize_rgb(prune_context *ctx, pr_filter filter, const prune_pixels *in,
                                 uint8_t *out, int32_t W, int32_t H);

/* Size of the network's input for a picture of w x h. */
void pr_image_network_size(const pr_preprocess *rule, int32_t w, int32_t h, int32_t *nw,
                           int32_t *nh);
/* Picture to network input: out is nh x nw x 3, RGB, (pixel / 255 - mean) / std. */
prune_status pr_image_preprocess(prune_context *ctx, const pr_preprocess *rule,
                                 const prune_pixels *pixels, int32_t nw, int32_t nh, float *out);

#endif
