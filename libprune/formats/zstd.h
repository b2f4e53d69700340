/* zstd files of many independent frames with checksums, and the seek table of zstd's seekable
 * format, so that they are read in parallel. `zstd -d` reads them too (docs/format.md, 3). */
#ifndef PR_FORMATS_ZSTD_H
#define PR_FORMATS_ZSTD_H

#include "libprune/formats/table.h"

bool pr_zstd_probe(const uint8_t *data, uint64_t size);

/* Bytes of one frame to be. */
typedef struct pr_zstd_piece {
    const void *data;
    size_t bytes;
} pr_zstd_piece;

/* One frame per piece, in order, each compressed by itself (equal input, equal bytes, whatever the
 * number of threads), then the seek table. Whole or not at all. */
prune_status pr_zstd_write(prune_context *ctx, const char *path, const pr_zstd_piece *pieces,
                           size_t count, int32_t level);

typedef struct pr_zstd_summary {
    uint64_t frames, checksums, content; /* frames, how many have a checksum, bytes they hold */
    bool seek_table;
} pr_zstd_summary;
/* Looks at frame headers only; false where they cannot be followed. */
bool pr_zstd_summarize(pr_zstd_summary *out, const uint8_t *data, uint64_t size);

typedef struct pr_zstd_content {
    pr_buffer *buffer;
    const uint8_t *data; /* in it */
    uint64_t bytes;
} pr_zstd_content;
/* Decompresses all frames into one buffer, at most max_bytes, and checks every checksum. Uses the
 * seek table when there is one; any other zstd file is read frame by frame. The buffer begins with
 * as much room as the content takes where `wants_room` says so of the first frame's content, or
 * cannot be asked, that being large or all there is; NULL: never. */
prune_status pr_zstd_read(pr_zstd_content *out, prune_context *ctx, const uint8_t *data,
                          uint64_t size, uint64_t max_bytes,
                          bool (*wants_room)(const uint8_t *first, uint64_t bytes));

#endif
