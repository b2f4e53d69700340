/* JPEG pictures. */
#include "libprune/image/image.h"
#include "tests/fuzz/fuzz.h"

const fuzz_bound fuzz_memory = {1 << 16, 1 << 20};

void fuzz_one(prune_context *ctx, const uint8_t *data, size_t size)
{
    pr_mapped file = {data, size};
    prune_image image;
    if (pr_jpeg_matches(&file) && fuzz_ok(pr_jpeg_read_rgb(&image, ctx, &file, "x.jpg"))) {
        fuzz_require(image.width > 0 && image.height > 0, "an empty picture");
        prune_image_free(ctx, &image);
    }
}
