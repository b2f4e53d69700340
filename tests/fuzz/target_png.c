/* PNG, as pictures and as depth maps; checksums are put right, so that what lies behind them is
 * reached. */
#include "libprune/image/image.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* A byte of deflate holds at most 1032 others, each of which can be a row of 8 pixels in one bit: 24
 * bytes of RGB and a pointer to the row. */
const fuzz_bound fuzz_memory = {1032 * 36, 1 << 20};

static uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void repair(uint8_t *data, size_t size)
{
    for (size_t at = 8; at + 12 <= size;) {
        size_t length = big_endian(data + at);
        if (length > size - at - 12) return;
        uint32_t crc = (uint32_t)crc32(0, data + at + 4, (uInt)length + 4);
        for (int k = 0; k < 4; k++)
            data[at + 8 + length + (size_t)k] = (uint8_t)(crc >> (24 - 8 * k));
        at += length + 12;
    }
}

void fuzz_one(prune_context *ctx, const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + (size == 0));
    if (!copy) return;
    if (size) memcpy(copy, data, size);
    repair(copy, size);
    pr_mapped file = {copy, size};
    prune_image image;
    uint16_t *values;
    int32_t width, height;
    if (pr_png_matches(&file) && fuzz_ok(pr_png_read_rgb(&image, ctx, &file, "x.png"))) {
        fuzz_require(image.width > 0 && image.height > 0, "an empty picture");
        prune_image_free(ctx, &image);
    }
    if (pr_png_matches(&file) &&
        fuzz_ok(pr_png_read_grey16(&values, &width, &height, ctx, &file, "x.png")))
        pr_free(ctx, values);
    free(copy);
}
