/* What the targets of PyTorch's containers share: read, then touch every byte that a tensor claims.
 */
#ifndef TESTS_FUZZ_ARCHIVE_H
#define TESTS_FUZZ_ARCHIVE_H

#include "libprune/formats/pytorch.h"
#include "tests/fuzz/fuzz.h"

static void fuzz_nobody(void *owner)
{
    (void)owner;
}

static inline void fuzz_archive(prune_context *ctx, const uint8_t *data, size_t size,
                                prune_status (*read)(pr_table *, prune_context *, pr_buffer *,
                                                     size_t))
{
    pr_table table;
    pr_buffer *buffer;
    if (!fuzz_ok(pr_formats_buffer(&buffer, ctx, (void *)(uintptr_t)data, fuzz_nobody, NULL)))
        return;
    if (fuzz_ok(read(&table, ctx, buffer, size))) {
        volatile uint8_t seen = 0; /* or the compiler would leave the reading out */
        for (size_t i = 0; i < table.count; i++) {
            const uint8_t *bytes = table.items[i].tensor.data;
            for (size_t k = 0; k < pr_tensor_bytes(&table.items[i].tensor); k++) seen = bytes[k];
        }
        (void)seen;
        pr_table_free(&table);
    }
    pr_formats_drop(buffer);
}

#endif
