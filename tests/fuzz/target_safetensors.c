/* safetensors, as the file stands and with its header's length put right. */
#include "libprune/formats/safetensors.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

const fuzz_bound fuzz_memory = {64, 4096};

static void nobody(void *owner)
{
    (void)owner;
}

static void read_once(prune_context *ctx, const uint8_t *data, size_t size)
{
    pr_table table;
    pr_buffer *buffer;
    if (!fuzz_ok(pr_formats_buffer(&buffer, ctx, (void *)(uintptr_t)data, nobody, NULL))) return;
    if (fuzz_ok(pr_safetensors_read(&table, ctx, buffer, buffer->data, size))) {
        uint64_t bytes = 0;
        for (size_t i = 0; i < table.count; i++) {
            const pr_tensor *t = &table.items[i].tensor;
            bytes += pr_tensor_bytes(t);
            fuzz_require(pr_table_find(&table, table.items[i].name) == t, "a tensor not found");
        }
        fuzz_require(bytes <= size, "tensors larger than the file");
        pr_safetensors_layout layout;
        if (fuzz_ok(pr_safetensors_plan(&layout, &table))) pr_safetensors_layout_free(&layout);
        pr_table_free(&table);
    }
    pr_formats_drop(buffer);
}

void fuzz_one(prune_context *ctx, const uint8_t *data, size_t size)
{
    read_once(ctx, data, size);
    size_t end = size;
    while (end > 8 && data[end - 1] != '}') end--;
    if (end <= 8) return;
    uint8_t *copy = malloc(size);
    if (!copy) return;
    memcpy(copy, data, size);
    for (int k = 0; k < 8; k++) copy[k] = (uint8_t)((uint64_t)(end - 8) >> (8 * k));
    read_once(ctx, copy, size);
    free(copy);
}
