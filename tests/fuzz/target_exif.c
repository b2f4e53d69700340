/* The orientation that EXIF data note. */
#include "libprune/image/image.h"
#include "tests/fuzz/fuzz.h"

const fuzz_bound fuzz_memory = {0, 0};

void fuzz_one(prune_context *ctx, const uint8_t *data, size_t size)
{
    (void)ctx;
    int32_t orientation = pr_exif_orientation(data, size);
    fuzz_require(orientation >= 1 && orientation <= 8, "an orientation that does not exist");
}
