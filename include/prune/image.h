/* Pictures and depth maps in files. */
#ifndef PRUNE_IMAGE_H
#define PRUNE_IMAGE_H

#include <prune/context.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum prune_pixel_order { PRUNE_RGB = 0, PRUNE_BGR = 1 } prune_pixel_order;

/* 8-bit pixels that belong to the caller. */
typedef struct prune_pixels {
    const uint8_t *data;
    int32_t width, height;
    int64_t stride; /* bytes from row to row; 0: width * 3 */
    prune_pixel_order order;
} prune_pixels;

typedef struct prune_image {
    int32_t width, height;
    uint8_t *rgb; /* height x width x 3 */
} prune_image;

/* PNG (1 to 16 bits, grey, palette, alpha, interlaced) or JPEG (grey, colour, CMYK, progressive),
 * by content, as OpenCV and Pillow's convert("RGB") read them: transparency is ignored, 16 bits
 * lose their lower 8. The picture is turned as its EXIF orientation says. At most 100 million
 * pixels. */
prune_status prune_image_read(prune_image *out, prune_context *context, const char *path);
void prune_image_free(prune_context *context, prune_image *image);
prune_status prune_image_write_png(prune_context *context, const char *path, const uint8_t *rgb,
                                   int32_t width, int32_t height);

/* A JPEG file in memory (quality 1 to 100); free *out with prune_memory_free
 * (prune/sys/memory.h). */
prune_status prune_image_encode_jpeg(void **out, uint64_t *bytes, prune_context *context,
                                     const uint8_t *rgb, int32_t width, int32_t height,
                                     int32_t quality);

typedef struct prune_depth_map {
    int32_t width, height;
    float *values; /* metres, 0 where unknown */
} prune_depth_map;

/* 16-bit grey PNG; metres = value / divisor (256 KITTI, 1000 NYU). Refuses 8-bit files. */
prune_status prune_depth_read(prune_depth_map *out, prune_context *context, const char *path,
                              double divisor);
void prune_depth_free(prune_context *context, prune_depth_map *map);
/* value = trunc(metres * multiplier), clamped to 1..65535 where metres > 0, 0 elsewhere. */
prune_status prune_depth_write(prune_context *context, const char *path, const float *metres,
                               int32_t width, int32_t height, double multiplier);
/* Raw little-endian float32, row-major; a NumPy .npy of shape (height, width); or a PFM (portable
 * float map, grey, little-endian, bottom row first). */
prune_status prune_map_write_f32(prune_context *context, const char *path, const float *values,
                                 int32_t width, int32_t height);
prune_status prune_map_write_npy(prune_context *context, const char *path, const float *values,
                                 int32_t width, int32_t height);
prune_status prune_map_write_pfm(prune_context *context, const char *path, const float *values,
                                 int32_t width, int32_t height);
/* The readers of the first two. A raw file does not know its size: the caller says it. Free the map
 * with prune_depth_free. */
prune_status prune_map_read_f32(prune_depth_map *out, prune_context *context, const char *path,
                                int32_t width, int32_t height);
prune_status prune_map_read_npy(prune_depth_map *out, prune_context *context, const char *path);
/* Colours a map with a perceptual scale: `low` is light and warm (near), `high` dark and cold.
 * Give low > high for maps in which large is near. Values that are not finite become black.
 * rgb holds width * height * 3 bytes. */
void prune_map_colorize(const float *values, int32_t width, int32_t height, float low, float high,
                        uint8_t *rgb);

#ifdef __cplusplus
}
#endif
#endif
