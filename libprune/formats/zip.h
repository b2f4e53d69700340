/* Zip archives with stored (uncompressed) entries, as torch.save writes them. Sizes and offsets
 * come from the central directory; local headers may leave theirs empty. */
#ifndef PR_FORMATS_ZIP_H
#define PR_FORMATS_ZIP_H

#include "libprune/base/context.h"

typedef struct pr_zip_entry {
    const char *name; /* not NUL-terminated, inside the file's bytes */
    size_t length;
    const uint8_t *data;
    uint64_t size;
    uint64_t header; /* offset of the local header */
    uint32_t crc;    /* as the directory tells it; PyTorch may leave it uncomputed */
} pr_zip_entry;

typedef struct pr_zip {
    prune_context *ctx;
    pr_zip_entry *entries; /* by name */
    size_t count;
} pr_zip;

bool pr_zip_probe(const uint8_t *data, uint64_t size);
/* Entries point into data, which must outlive the archive. Refuses compression, encryption,
 * overlapping or repeated entries, and unsafe names. */
prune_status pr_zip_open(pr_zip *out, prune_context *ctx, const uint8_t *data, uint64_t size);
void pr_zip_close(pr_zip *zip);
/* NULL when there is none. */
const pr_zip_entry *pr_zip_find(const pr_zip *zip, const char *name, size_t length);

#endif
