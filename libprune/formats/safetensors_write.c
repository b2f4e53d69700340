/* Writing safetensors: tensors by descending element size, then name, so that every tensor is
 * aligned; the header padded with blanks to a multiple of 8. */
#include "libprune/base/file.h"
#include "libprune/formats/safetensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct text {
    prune_context *ctx;
    char *data;
    size_t length, capacity;
    prune_status status;
} text;

static void put(text *t, const char *data, size_t length)
{
    if (t->status == PRUNE_OK)
        t->status = pr_grow(t->ctx, (void **)&t->data, &t->capacity, t->length + length, 1);
    if (t->status != PRUNE_OK) return;
    memcpy(t->data + t->length, data, length);
    t->length += length;
}

static void put_text(text *t, const char *data)
{
    put(t, data, strlen(data));
}

static void put_number(text *t, uint64_t value)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRIu64, value);
    put_text(t, digits);
}

static void put_string(text *t, const char *s)
{
    put_text(t, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\') {
            char pair[2] = {'\\', (char)c};
            put(t, pair, 2);
        } else if (c < 0x20) {
            char code[8];
            (void)snprintf(code, sizeof code, "\\u%04x", c);
            put_text(t, code);
        } else {
            put(t, s, 1);
        }
    }
    put_text(t, "\"");
}

static void put_notes(text *t, const pr_table *table)
{
    if (table->n_notes == 0) return;
    put_text(t, "\"__metadata__\":{");
    for (size_t i = 0; i < table->n_notes; i++) {
        if (i) put_text(t, ",");
        put_string(t, table->notes[i].key);
        put_text(t, ":");
        put_string(t, table->notes[i].text);
    }
    put_text(t, table->count ? "}," : "}");
}

static uint64_t put_tensor(text *t, const pr_named *item, uint64_t begin)
{
    uint64_t end = begin + pr_tensor_bytes(&item->tensor);
    put_string(t, item->name);
    put_text(t, ":{\"dtype\":\"");
    put_text(t, pr_dtype_name(item->tensor.dtype));
    put_text(t, "\",\"shape\":[");
    for (int32_t k = 0; k < item->tensor.shape.rank; k++) {
        if (k) put_text(t, ",");
        put_number(t, (uint64_t)item->tensor.shape.dim[k]);
    }
    put_text(t, "],\"data_offsets\":[");
    put_number(t, begin);
    put_text(t, ",");
    put_number(t, end);
    put_text(t, "]}");
    return end;
}

typedef struct sorted {
    const pr_named *item;
    size_t index;
} sorted;

static int by_size_and_name(const void *a, const void *b)
{
    const pr_named *x = ((const sorted *)a)->item, *y = ((const sorted *)b)->item;
    size_t p = pr_dtype_size(x->tensor.dtype), q = pr_dtype_size(y->tensor.dtype);
    if (p != q) return p > q ? -1 : 1;
    return strcmp(x->name, y->name);
}

static prune_status sort_items(pr_safetensors_layout *layout, const pr_table *table)
{
    sorted *list;
    PR_TRY(pr_new(table->ctx, (void **)&list, table->count + 1, sizeof *list));
    for (size_t i = 0; i < table->count; i++) list[i] = (sorted){&table->items[i], i};
    qsort(list, table->count, sizeof *list, by_size_and_name);
    prune_status status =
        pr_new(table->ctx, (void **)&layout->order, table->count + 1, sizeof *layout->order);
    for (size_t i = 0; status == PRUNE_OK && i < table->count; i++) {
        layout->order[i] = list[i].index;
        if (i > 0 && strcmp(list[i - 1].item->name, list[i].item->name) == 0)
            status = pr_fail(PRUNE_E_INTERNAL, "two tensors are named '%s'", list[i].item->name);
    }
    pr_free(table->ctx, list);
    return status;
}

prune_status pr_safetensors_plan(pr_safetensors_layout *out, const pr_table *table)
{
    pr_safetensors_layout layout = {.ctx = table->ctx};
    text t = {.ctx = table->ctx};
    t.status = sort_items(&layout, table);
    put(&t, "\0\0\0\0\0\0\0\0{", 9);
    put_notes(&t, table);
    for (size_t i = 0; i < table->count && t.status == PRUNE_OK; i++) {
        if (i) put_text(&t, ",");
        layout.data_bytes = put_tensor(&t, &table->items[layout.order[i]], layout.data_bytes);
    }
    put_text(&t, "}");
    while (t.status == PRUNE_OK && t.length % 8 != 0) put_text(&t, " ");
    if (t.status == PRUNE_OK)
        for (size_t k = 0; k < 8; k++) t.data[k] = (char)((t.length - 8) >> (8 * k) & 0xff);
    layout.header = t.data;
    layout.header_bytes = t.length;
    if (t.status != PRUNE_OK)
        pr_safetensors_layout_free(&layout);
    else
        *out = layout;
    return t.status;
}

void pr_safetensors_layout_free(pr_safetensors_layout *layout)
{
    pr_free(layout->ctx, layout->header);
    pr_free(layout->ctx, layout->order);
    *layout = (pr_safetensors_layout){.ctx = layout->ctx};
}

prune_status pr_safetensors_write(const pr_table *table, const char *path)
{
    pr_safetensors_layout layout;
    pr_writer *writer = NULL;
    PR_TRY(pr_safetensors_plan(&layout, table));
    prune_status status = PRUNE_OK;
    PR_GO(pr_writer_open(&writer, table->ctx, path));
    PR_GO(pr_writer_write(writer, layout.header, layout.header_bytes));
    for (size_t i = 0; i < table->count; i++) {
        const pr_tensor *tensor = &table->items[layout.order[i]].tensor;
        if (pr_tensor_bytes(tensor) > 0)
            PR_GO(pr_writer_write(writer, tensor->data, pr_tensor_bytes(tensor)));
    }
    status = pr_writer_commit(writer);
    writer = NULL;
done:
    pr_writer_abandon(writer);
    pr_safetensors_layout_free(&layout);
    return status;
}
