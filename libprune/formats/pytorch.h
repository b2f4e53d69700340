/* PyTorch files: the zip container of torch.save, and the stream it wrote before version 1.6. */
#ifndef PR_FORMATS_PYTORCH_H
#define PR_FORMATS_PYTORCH_H

#include "libprune/formats/table.h"

/* The tensors of the state dict (or of the one inside a training wrapper). Plain numbers of the
 * same dict come as scalar I64 or F64 tensors. Tensors share `file` where they are contiguous; the
 * table is sorted. */
prune_status pr_pytorch_read_zip(pr_table *out, prune_context *ctx, pr_buffer *file, uint64_t size);
prune_status pr_pytorch_read_legacy(pr_table *out, prune_context *ctx, pr_buffer *file,
                                    uint64_t size);
bool pr_pytorch_probe_legacy(const uint8_t *data, uint64_t size);

#endif
