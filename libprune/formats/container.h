/* Any file with tensors in it: looks at the first bytes, never at the name. */
#ifndef PR_FORMATS_CONTAINER_H
#define PR_FORMATS_CONTAINER_H

#include "libprune/formats/table.h"

/* Reads a zstd-compressed or plain safetensors file, a PyTorch zip file or a legacy PyTorch
 * stream. max_bytes bounds what zstd may decompress to; 0: 64 times the file's size. Errors begin
 * with the path. The table is sorted. */
prune_status pr_container_read(pr_table *out, prune_context *ctx, const char *path,
                               uint64_t max_bytes);
/* The same from memory, which must outlive the table and every tensor shared from it. */
prune_status pr_container_read_memory(pr_table *out, prune_context *ctx, const void *data,
                                      uint64_t size, uint64_t max_bytes);

#endif
