/* safetensors: u64 header length, JSON header, data. Every rule of docs/format.md, section 2. */
#ifndef PR_FORMATS_SAFETENSORS_H
#define PR_FORMATS_SAFETENSORS_H

#include "libprune/formats/table.h"

/* True when the first bytes look like a safetensors file of this size. */
bool pr_safetensors_probe(const uint8_t *data, uint64_t size);

/* Tensors share `buffer`, which holds the content: `size` bytes at `data`. The table is sorted.
 * Errors name the tensor; the caller puts the file's name in front. */
prune_status pr_safetensors_read(pr_table *out, prune_context *ctx, pr_buffer *buffer,
                                 const uint8_t *data, uint64_t size);

/* How a table will stand in a file: the header's bytes (with its length in front), then the
 * tensors in this order. Equal tables give equal bytes. */
typedef struct pr_safetensors_layout {
    prune_context *ctx;
    char *header;
    size_t header_bytes;
    size_t *order; /* of table items */
    uint64_t data_bytes;
} pr_safetensors_layout;
prune_status pr_safetensors_plan(pr_safetensors_layout *out, const pr_table *table);
void pr_safetensors_layout_free(pr_safetensors_layout *layout);

/* Writes a plain file: whole or not at all. */
prune_status pr_safetensors_write(const pr_table *table, const char *path);
/* The same bytes in zstd frames: the header alone in the first, then tensors in groups. */
prune_status pr_safetensors_pack(const pr_table *table, const char *path, int32_t level);

#endif
