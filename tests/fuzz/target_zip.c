/* PyTorch's zip container: directory, pickle, storages. */
#include "libprune/formats/pytorch.h"
#include "tests/fuzz/fuzz.h"

const fuzz_bound fuzz_memory = {512, 1 << 16};

static void nobody(void *owner)
{
    (void)owner;
}

void fuzz_one(prune_context *ctx, const uint8_t *data, size_t size)
{
    pr_table table;
    pr_buffer *buffer;
    if (!fuzz_ok(pr_formats_buffer(&buffer, ctx, (void *)(uintptr_t)data, nobody, NULL))) return;
    if (fuzz_ok(pr_pytorch_read_zip(&table, ctx, buffer, size))) {
        /* Every byte that a tensor claims can be read. */
        unsigned sum = 0;
        for (size_t i = 0; i < table.count; i++) {
            const uint8_t *bytes = table.items[i].tensor.data;
            for (size_t k = 0; k < pr_tensor_bytes(&table.items[i].tensor); k++) sum += bytes[k];
        }
        fuzz_require(sum + 1 > 0, "unreachable");
        pr_table_free(&table);
    }
    pr_formats_drop(buffer);
}
