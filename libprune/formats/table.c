#include "libprune/formats/table.h"

#include "libprune/base/file.h"
#include "libprune/base/size.h"

#include <stdlib.h>
#include <string.h>

void pr_table_init(pr_table *table, prune_context *ctx)
{
    *table = (pr_table){.ctx = ctx};
}

void pr_table_free(pr_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        pr_free(table->ctx, table->items[i].name);
        pr_tensor_release(&table->items[i].tensor);
    }
    for (size_t i = 0; i < table->n_notes; i++) {
        pr_free(table->ctx, table->notes[i].key);
        pr_free(table->ctx, table->notes[i].text);
    }
    pr_free(table->ctx, table->items);
    pr_free(table->ctx, table->notes);
    *table = (pr_table){.ctx = table->ctx};
}

prune_status pr_table_add(pr_table *table, const char *name, pr_tensor tensor)
{
    prune_status status = table->count < PR_TABLE_MAX_ITEMS
                              ? pr_grow(table->ctx, (void **)&table->items, &table->capacity,
                                        table->count + 1, sizeof *table->items)
                              : pr_fail(PRUNE_E_FORMAT, "more than %d tensors; no network has that",
                                        PR_TABLE_MAX_ITEMS);
    char *copy = status == PRUNE_OK ? pr_strdup(table->ctx, name) : NULL;
    if (!copy) {
        pr_tensor_release(&tensor);
        return status == PRUNE_OK ? PRUNE_E_MEMORY : status;
    }
    table->items[table->count++] = (pr_named){copy, tensor, tensor.dtype};
    return PRUNE_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const pr_named *)a)->name, ((const pr_named *)b)->name);
}

prune_status pr_table_sort(pr_table *table)
{
    if (table->count > 1) qsort(table->items, table->count, sizeof *table->items, by_name);
    for (size_t i = 1; i < table->count; i++)
        if (strcmp(table->items[i - 1].name, table->items[i].name) == 0)
            return pr_fail(PRUNE_E_FORMAT, "two tensors are named '%s': names must be unique",
                           table->items[i].name);
    return PRUNE_OK;
}

const pr_named *pr_table_item(const pr_table *table, const char *name)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(table->items[middle].name, name);
        if (order == 0) return &table->items[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const pr_tensor *pr_table_find(const pr_table *table, const char *name)
{
    const pr_named *item = pr_table_item(table, name);
    return item ? &item->tensor : NULL;
}

prune_status pr_table_note(pr_table *table, const char *key, const char *text)
{
    if (table->n_notes == PR_TABLE_MAX_NOTES)
        return pr_fail(PRUNE_E_FORMAT, "more than %d entries of metadata", PR_TABLE_MAX_NOTES);
    PR_TRY(pr_grow(table->ctx, (void **)&table->notes, &table->note_capacity, table->n_notes + 1,
                   sizeof *table->notes));
    pr_note note = {pr_strdup(table->ctx, key), pr_strdup(table->ctx, text)};
    if (!note.key || !note.text) {
        pr_free(table->ctx, note.key);
        pr_free(table->ctx, note.text);
        return PRUNE_E_MEMORY;
    }
    table->notes[table->n_notes++] = note;
    return PRUNE_OK;
}

const char *pr_table_noted(const pr_table *table, const char *key)
{
    for (size_t i = 0; i < table->n_notes; i++)
        if (strcmp(table->notes[i].key, key) == 0) return table->notes[i].text;
    return NULL;
}

/* --- halves ----------------------------------------------------------------------------------*/

static bool is_half(const pr_tensor *tensor)
{
    return tensor->dtype == PR_F16 || tensor->dtype == PR_BF16;
}

static int by_place(const void *a, const void *b)
{
    const pr_tensor *x = *(pr_tensor *const *)a, *y = *(pr_tensor *const *)b;
    const uintptr_t p = (uintptr_t)x->data, q = (uintptr_t)y->data;
    return p < q ? -1 : p > q;
}

/* The tensors of one buffer in the order in which they lie there, up to the last half: those behind
 * it stay. 0 when there are several buffers, or one that must not be written. */
static size_t list_places(pr_tensor **list, const pr_table *table)
{
    const pr_buffer *buffer = NULL;
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        pr_tensor *tensor = &table->items[i].tensor;
        if (pr_tensor_count(tensor) == 0) continue;
        if (!buffer) buffer = tensor->buffer;
        if (!tensor->buffer || tensor->buffer != buffer) return 0;
        list[count++] = tensor;
    }
    if (!buffer || buffer->release || buffer->references != (int64_t)table->count) return 0;
    qsort(list, count, sizeof *list, by_place);
    while (count > 0 && !is_half(list[count - 1])) count--;
    return count;
}

/* Where a tensor goes when everything before it ends at `at`. */
static char *next_place(char *at, const pr_tensor *tensor)
{
    const size_t size = is_half(tensor) ? sizeof(float) : pr_dtype_size(tensor->dtype);
    return at + (size - (uintptr_t)at % size) % size;
}

static size_t wide_bytes(const pr_tensor *tensor)
{
    return pr_tensor_bytes(tensor) * (is_half(tensor) ? 2 : 1);
}

/* Widened from the front on, no tensor ends behind where it ended: nothing is overwritten before it
 * was read. */
static bool has_room(char *at, pr_tensor *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        at = next_place(at, list[i]) + wide_bytes(list[i]);
        if (at > (char *)list[i]->data + pr_tensor_bytes(list[i])) return false;
    }
    return true;
}

/* As many at once as fit before the first that is still to be read; the last few through a copy. */
static void widen_upwards(prune_context *ctx, pr_dtype dtype, const uint16_t *from, float *to,
                          int64_t count)
{
    enum { FEW = 2048 };
    uint16_t few[FEW];
    while (count > 0) {
        const int64_t fit = (int64_t)(((uintptr_t)from - (uintptr_t)to) / sizeof *to);
        const bool apart = fit >= count || fit >= FEW;
        int64_t n = apart ? fit : FEW;
        if (n > count) n = count;
        if (!apart) memcpy(few, from, (size_t)n * sizeof *few);
        pr_widen(ctx, dtype, apart ? from : few, to, n);
        from += n;
        to += n;
        count -= n;
    }
}

prune_status pr_table_widen(pr_table *table)
{
    enum { OFFSET = 64 }; /* only a tensor that is its buffer's sole one begins where that begins */
    pr_tensor **list;
    PR_TRY(pr_new(table->ctx, (void **)&list, table->count + 1, sizeof(pr_tensor *)));
    size_t count = list_places(list, table);
    char *at = count ? (char *)list[0]->buffer->data + OFFSET : NULL;
    if (!has_room(at, list, count)) count = 0;
    for (size_t i = 0; i < count; i++) {
        pr_tensor *tensor = list[i];
        const size_t bytes = wide_bytes(tensor);
        at = next_place(at, tensor);
        if (is_half(tensor)) {
            widen_upwards(table->ctx, tensor->dtype, tensor->data, (float *)(void *)at,
                          pr_tensor_count(tensor));
            tensor->dtype = PR_F32;
        } else {
            memmove(at, tensor->data, bytes);
        }
        tensor->data = at;
        at += bytes;
    }
    pr_free(table->ctx, list);
    return PRUNE_OK;
}

/* --- shared memory -------------------------------------------------------------------------- */

prune_status pr_formats_buffer(pr_buffer **out, prune_context *ctx, void *data,
                               void (*release)(void *owner), void *owner)
{
    pr_buffer *buffer = pr_calloc(ctx, 1, sizeof *buffer);
    if (!buffer) return PRUNE_E_MEMORY;
    *buffer =
        (pr_buffer){.ctx = ctx, .data = data, .references = 1, .release = release, .owner = owner};
    *out = buffer;
    return PRUNE_OK;
}

void pr_formats_drop(pr_buffer *buffer)
{
    pr_tensor holder = {.buffer = buffer};
    if (buffer) pr_tensor_release(&holder);
}

prune_status pr_formats_view(pr_tensor *out, prune_context *ctx, pr_buffer *buffer,
                             const uint8_t *data, pr_dtype dtype, const pr_shape *shape)
{
    pr_tensor view = {
        .dtype = dtype, .shape = *shape, .data = (void *)(uintptr_t)data, .buffer = buffer};
    if ((uintptr_t)data % pr_dtype_size(dtype) != 0) return pr_tensor_copy(out, ctx, &view);
    *out = pr_tensor_share(&view);
    return PRUNE_OK;
}

typedef struct mapping {
    prune_context *ctx;
    pr_mapped mapped;
} mapping;

static void unmap(void *owner)
{
    mapping *m = owner;
    pr_file_unmap(&m->mapped);
    pr_free(m->ctx, m);
}

prune_status pr_formats_map(pr_buffer **out, uint64_t *size, prune_context *ctx, const char *path)
{
    mapping *m = pr_calloc(ctx, 1, sizeof *m);
    if (!m) return PRUNE_E_MEMORY;
    m->ctx = ctx;
    prune_status status = pr_file_map(&m->mapped, path);
    if (status == PRUNE_OK) {
        *size = m->mapped.size;
        status = pr_formats_buffer(out, ctx, (void *)(uintptr_t)m->mapped.data, unmap, m);
    }
    if (status != PRUNE_OK) unmap(m);
    return status;
}

/* --- checks --------------------------------------------------------------------------------- */

bool pr_formats_bytes(uint64_t *out, pr_dtype dtype, const pr_shape *shape)
{
    uint64_t bytes = pr_dtype_size(dtype);
    bool empty = false;
    for (int32_t k = 0; k < shape->rank; k++) {
        if (shape->dim[k] < 0) return false;
        if (shape->dim[k] == 0) empty = true;
        /* Overflow counts even beside a zero: the shape would be nonsense. */
        else if (!pr_mul_u64(&bytes, bytes, (uint64_t)shape->dim[k]))
            return false;
    }
    *out = empty ? 0 : bytes;
    return bytes <= INT64_MAX;
}

bool pr_formats_utf8(const uint8_t *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        uint8_t lead = text[i++];
        if (lead < 0x80) continue;
        size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
        if (lead < 0xc2 || lead > 0xf4 || length - i < more) return false;
        uint32_t code = lead & (0x3fu >> more);
        for (size_t k = 0; k < more; k++, i++) {
            if ((text[i] & 0xc0) != 0x80) return false;
            code = code << 6 | (text[i] & 0x3f);
        }
        static const uint32_t least[4] = {0, 0x80, 0x800, 0x10000};
        if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
            return false;
    }
    return true;
}
