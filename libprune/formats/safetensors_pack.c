/* A safetensors file inside zstd frames. Small tensors share a frame, large ones are cut, so that
 * frames compress well and there are enough of them to decompress in parallel. */
#include "libprune/formats/safetensors.h"
#include "libprune/formats/zstd.h"

#include <string.h>

enum { GROUP_BYTES = 1 << 20, CUT_BYTES = 4 << 20 };

typedef struct pieces {
    prune_context *ctx;
    pr_zstd_piece *items;
    void **groups; /* memory of gathered small tensors, NULL for pieces of large ones */
    size_t count, capacity, group_capacity;
} pieces;

static prune_status add_piece(pieces *p, const void *data, size_t bytes, void *group)
{
    PR_TRY(pr_grow(p->ctx, (void **)&p->items, &p->capacity, p->count + 1, sizeof *p->items));
    PR_TRY(
        pr_grow(p->ctx, (void **)&p->groups, &p->group_capacity, p->count + 1, sizeof *p->groups));
    p->groups[p->count] = group;
    p->items[p->count++] = (pr_zstd_piece){data, bytes};
    return PRUNE_OK;
}

static prune_status add_large(pieces *p, const pr_tensor *tensor)
{
    size_t bytes = pr_tensor_bytes(tensor);
    for (size_t at = 0; at < bytes; at += CUT_BYTES)
        PR_TRY(add_piece(p, (const char *)tensor->data + at,
                         bytes - at < CUT_BYTES ? bytes - at : CUT_BYTES, NULL));
    return PRUNE_OK;
}

/* Tensors [first, last) of the layout's order, gathered into one piece. */
static prune_status add_group(pieces *p, const pr_table *table, const size_t *order, size_t first,
                              size_t last, size_t bytes)
{
    if (bytes == 0) return PRUNE_OK;
    char *group = pr_alloc(p->ctx, bytes);
    if (!group) return PRUNE_E_MEMORY;
    size_t at = 0;
    for (size_t i = first; i < last; i++) {
        const pr_tensor *tensor = &table->items[order[i]].tensor;
        if (pr_tensor_bytes(tensor) > 0) memcpy(group + at, tensor->data, pr_tensor_bytes(tensor));
        at += pr_tensor_bytes(tensor);
    }
    prune_status status = add_piece(p, group, bytes, group);
    if (status != PRUNE_OK) pr_free(p->ctx, group);
    return status;
}

static prune_status cut_into_pieces(pieces *p, const pr_table *table, const size_t *order)
{
    size_t first = 0, held = 0;
    for (size_t i = 0; i < table->count; i++) {
        const pr_tensor *tensor = &table->items[order[i]].tensor;
        size_t bytes = pr_tensor_bytes(tensor);
        if (held + bytes > GROUP_BYTES) {
            PR_TRY(add_group(p, table, order, first, i, held));
            first = i;
            held = 0;
        }
        if (bytes > GROUP_BYTES) {
            PR_TRY(add_large(p, tensor));
            first = i + 1;
        } else {
            held += bytes;
        }
    }
    return add_group(p, table, order, first, table->count, held);
}

prune_status pr_safetensors_pack(const pr_table *table, const char *path, int32_t level)
{
    pieces p = {.ctx = table->ctx};
    pr_safetensors_layout layout;
    PR_TRY(pr_safetensors_plan(&layout, table));
    prune_status status = PRUNE_OK;
    PR_GO(add_piece(&p, layout.header, layout.header_bytes, NULL));
    PR_GO(cut_into_pieces(&p, table, layout.order));
    PR_GO(pr_zstd_write(table->ctx, path, p.items, p.count, level));
done:
    for (size_t i = 0; i < p.count; i++) pr_free(table->ctx, p.groups[i]);
    pr_free(table->ctx, p.groups);
    pr_free(table->ctx, p.items);
    pr_safetensors_layout_free(&layout);
    return status;
}
