/* What every container comes down to: named tensors and a few strings. */
#ifndef PR_FORMATS_TABLE_H
#define PR_FORMATS_TABLE_H

#include "libprune/tensor/tensor.h"

typedef struct pr_named {
    char *name;
    pr_tensor tensor;
    pr_dtype stored; /* in the file */
} pr_named;

typedef struct pr_note {
    char *key, *text;
} pr_note;

typedef struct pr_table {
    prune_context *ctx;
    pr_named *items;
    size_t count, capacity;
    pr_note *notes; /* safetensors' __metadata__ */
    size_t n_notes, note_capacity;
} pr_table;

/* More than any network has. Each entry costs a few hundred bytes of memory whatever it costs in
 * the file, so that their number is bounded. */
enum { PR_TABLE_MAX_ITEMS = 65536, PR_TABLE_MAX_NOTES = 1024 };

void pr_table_init(pr_table *table, prune_context *ctx);
void pr_table_free(pr_table *table);

/* Copies the name; takes over the tensor's reference, also on failure. Fails with PRUNE_E_FORMAT
 * above PR_TABLE_MAX_ITEMS; pr_table_note likewise. */
prune_status pr_table_add(pr_table *table, const char *name, pr_tensor tensor);
/* Sorts by name, which pr_table_find needs. Fails on equal names. */
prune_status pr_table_sort(pr_table *table);
/* NULL when there is none. The table must be sorted. */
const pr_tensor *pr_table_find(const pr_table *table, const char *name);
const pr_named *pr_table_item(const pr_table *table, const char *name);

/* Half-precision tensors become F32 where they lie, when all tensors share a buffer that is nobody
 * else's and begins with enough room for it (pr_zstd_read); others stay as they are. */
prune_status pr_table_widen(pr_table *table);

prune_status pr_table_note(pr_table *table, const char *key, const char *text);
/* NULL when there is none. */
const char *pr_table_noted(const pr_table *table, const char *key);

/* A counted buffer that frees nothing until its last tensor goes: `release(owner)` is called then.
 * The caller holds one reference; drop it with pr_formats_drop. */
prune_status pr_formats_buffer(pr_buffer **out, prune_context *ctx, void *data,
                               void (*release)(void *owner), void *owner);
void pr_formats_drop(pr_buffer *buffer);
/* A tensor of this dtype and shape at `data` inside buffer, sharing it where data is aligned to the
 * element size and copied where not. The caller has checked that the bytes are there. */
prune_status pr_formats_view(pr_tensor *out, prune_context *ctx, pr_buffer *buffer,
                             const uint8_t *data, pr_dtype dtype, const pr_shape *shape);

/* The file's whole content as a counted buffer over a read-only mapping. */
prune_status pr_formats_map(pr_buffer **out, uint64_t *size, prune_context *ctx, const char *path);

/* Product of dimensions times the element size; false on overflow or a negative dimension. */
bool pr_formats_bytes(uint64_t *out, pr_dtype dtype, const pr_shape *shape);
bool pr_formats_utf8(const uint8_t *text, size_t length);

#endif
