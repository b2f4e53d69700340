/* Depth maps: .npy, raw floats, and 16-bit PNG through its public reader. */
#include "tests/fuzz/fuzz.h"

#include <prune/image.h>

const fuzz_bound fuzz_memory = {16384, 1 << 20};

void fuzz_one(prune_context *ctx, const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size);
    prune_depth_map map;
    prune_image image;
    if (fuzz_ok(prune_map_read_npy(&map, ctx, path))) {
        fuzz_require((uint64_t)map.width * (uint64_t)map.height * 4 <= size, "more than the file");
        prune_depth_free(ctx, &map);
    }
    if (fuzz_ok(prune_map_read_f32(&map, ctx, path, (int32_t)(size / 4), 1)))
        prune_depth_free(ctx, &map);
    if (fuzz_ok(prune_depth_read(&map, ctx, path, 256.0))) prune_depth_free(ctx, &map);
    if (fuzz_ok(prune_image_read(&image, ctx, path))) prune_image_free(ctx, &image);
}
