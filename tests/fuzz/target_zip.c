/* PyTorch's zip container: directory, pickle, storages. */
#include "tests/fuzz/archive.h"

const fuzz_bound fuzz_memory = {512, 1 << 16};

void fuzz_one(prune_context *ctx, const uint8_t *data, size_t size)
{
    fuzz_archive(ctx, data, size, pr_pytorch_read_zip);
}
