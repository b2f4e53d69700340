/* Reading safetensors. The header is parsed in one pass without building a tree, so that memory
 * stays in proportion to what the header really describes. */
#include "libprune/formats/safetensors.h"

#include "libprune/base/size.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 100000000, MAX_NAME = 1024 };

typedef struct parser {
    prune_context *ctx;
    const uint8_t *at, *end;
    uint8_t *text; /* decoded string, capacity of the whole header */
    size_t length;
} parser;

/* One tensor as the header tells it. */
typedef struct entry {
    char *name;
    char dtype[16];
    pr_shape shape;
    uint64_t begin, end;
    bool has_dtype, has_shape, has_offsets;
} entry;

typedef struct entries {
    entry *items;
    size_t count, capacity;
} entries;

static const struct {
    const char *name;
    pr_dtype dtype;
} dtypes[] = {
    {"F32", PR_F32}, {"F16", PR_F16}, {"BF16", PR_BF16}, {"I8", PR_I8},     {"U8", PR_U8},
    {"I32", PR_I32}, {"I64", PR_I64}, {"F64", PR_F64},   {"BOOL", PR_BOOL}, {"I16", PR_I16},
    {"U16", PR_U16}, {"U32", PR_U32}, {"U64", PR_U64},
};

bool pr_safetensors_probe(const uint8_t *data, uint64_t size)
{
    if (size < 10) return false;
    uint64_t header = 0;
    for (int k = 7; k >= 0; k--) header = header << 8 | data[k];
    return header >= 2 && header <= MAX_HEADER && header <= size - 8 && data[8] == '{';
}

/* --- JSON tokens ---------------------------------------------------------------------------- */

static prune_status bad(const char *what)
{
    return pr_fail(PRUNE_E_FORMAT, "safetensors header: %s; the file is damaged or not safetensors",
                   what);
}

static void skip_space(parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t'))
        p->at++;
}

/* The next character that is not blank, or 0 at the end. */
static int peek(parser *p)
{
    skip_space(p);
    return p->at < p->end ? *p->at : 0;
}

static bool accept(parser *p, char c)
{
    if (peek(p) != c) return false;
    p->at++;
    return true;
}

static prune_status expect(parser *p, char c)
{
    if (accept(p, c)) return PRUNE_OK;
    return pr_fail(PRUNE_E_FORMAT, "safetensors header: '%c' expected; the file is damaged", c);
}

static bool hex4(parser *p, uint32_t *code)
{
    if (p->end - p->at < 4) return false;
    *code = 0;
    for (int k = 0; k < 4; k++) {
        int c = *p->at++;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return false;
        *code = *code << 4 | (uint32_t)digit;
    }
    return true;
}

static void put_utf8(parser *p, uint32_t code)
{
    uint8_t *out = p->text + p->length;
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        p->length += 1;
    } else if (code < 0x800) {
        out[0] = (uint8_t)(0xc0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3f));
        p->length += 2;
    } else if (code < 0x10000) {
        out[0] = (uint8_t)(0xe0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (code & 0x3f));
        p->length += 3;
    } else {
        out[0] = (uint8_t)(0xf0 | code >> 18);
        out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
        out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        out[3] = (uint8_t)(0x80 | (code & 0x3f));
        p->length += 4;
    }
}

static bool escape(parser *p)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (p->at == p->end) return false;
    char c = (char)*p->at++;
    if (c != 'u') {
        const char *found = c ? strchr(names, c) : NULL;
        if (found) put_utf8(p, (uint8_t)values[found - names]);
        return found != NULL;
    }
    uint32_t code, low;
    if (!hex4(p, &code) || code == 0) return false;
    if (code >= 0xdc00 && code < 0xe000) return false;
    if (code >= 0xd800 && code < 0xdc00) {
        if (p->end - p->at < 6 || p->at[0] != '\\' || p->at[1] != 'u') return false;
        p->at += 2;
        if (!hex4(p, &low) || low < 0xdc00 || low >= 0xe000) return false;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    put_utf8(p, code);
    return true;
}

/* Decodes a string into p->text, NUL-terminated. Every character takes at least as many bytes in
 * the header as decoded, so the buffer cannot overflow. */
static prune_status string(parser *p)
{
    PR_TRY(expect(p, '"'));
    p->length = 0;
    while (p->at < p->end && *p->at != '"') {
        uint8_t c = *p->at++;
        if (c < 0x20) return bad("control character in a string");
        if (c != '\\')
            p->text[p->length++] = c;
        else if (!escape(p))
            return bad("bad escape in a string");
    }
    if (p->at == p->end) return bad("unterminated string");
    p->at++;
    p->text[p->length] = 0;
    return PRUNE_OK;
}

static prune_status integer(parser *p, uint64_t *out)
{
    int first = peek(p);
    if (first < '0' || first > '9') return bad("a non-negative integer expected");
    uint64_t value = 0;
    const uint8_t *begin = p->at;
    while (p->at < p->end && *p->at >= '0' && *p->at <= '9')
        if (!pr_mul_u64(&value, value, 10) || !pr_add_u64(&value, value, *p->at++ - (uint64_t)'0'))
            return bad("integer too large");
    if (first == '0' && p->at - begin > 1) return bad("integer with a leading zero");
    if (p->at < p->end && (*p->at == '.' || *p->at == 'e' || *p->at == 'E'))
        return bad("an integer without fraction or exponent expected");
    *out = value;
    return PRUNE_OK;
}

/* --- header --------------------------------------------------------------------------------- */

static prune_status read_shape(parser *p, entry *e)
{
    PR_TRY(expect(p, '['));
    e->shape.rank = 0;
    if (accept(p, ']')) return PRUNE_OK;
    do {
        uint64_t value;
        PR_TRY(integer(p, &value));
        if (e->shape.rank == PR_MAX_RANK || value > INT64_MAX)
            return pr_fail(PRUNE_E_FORMAT, "tensor '%s': shape has more than %d axes or is huge",
                           e->name, PR_MAX_RANK);
        e->shape.dim[e->shape.rank++] = (int64_t)value;
    } while (accept(p, ','));
    return expect(p, ']');
}

static prune_status read_field(parser *p, entry *e)
{
    PR_TRY(string(p));
    const char *key = (const char *)p->text;
    bool *seen = strcmp(key, "dtype") == 0          ? &e->has_dtype
                 : strcmp(key, "shape") == 0        ? &e->has_shape
                 : strcmp(key, "data_offsets") == 0 ? &e->has_offsets
                                                    : NULL;
    if (!seen || *seen)
        return pr_fail(PRUNE_E_FORMAT, "tensor '%s': %s header field '%.40s'", e->name,
                       seen ? "repeated" : "unknown", key);
    *seen = true;
    PR_TRY(expect(p, ':'));
    if (seen == &e->has_shape) return read_shape(p, e);
    if (seen == &e->has_dtype) {
        PR_TRY(string(p));
        if (p->length >= sizeof e->dtype) return bad("dtype name too long");
        memcpy(e->dtype, p->text, p->length + 1);
        return PRUNE_OK;
    }
    PR_TRY(expect(p, '['));
    PR_TRY(integer(p, &e->begin));
    PR_TRY(expect(p, ','));
    PR_TRY(integer(p, &e->end));
    return expect(p, ']');
}

static prune_status read_entry(parser *p, entry *e)
{
    PR_TRY(expect(p, '{'));
    do PR_TRY(read_field(p, e));
    while (accept(p, ','));
    PR_TRY(expect(p, '}'));
    if (!e->has_dtype || !e->has_shape || !e->has_offsets)
        return pr_fail(PRUNE_E_FORMAT, "tensor '%s': dtype, shape and data_offsets are all needed",
                       e->name);
    return PRUNE_OK;
}

static prune_status read_notes(parser *p, pr_table *table)
{
    PR_TRY(expect(p, '{'));
    if (accept(p, '}')) return PRUNE_OK;
    do {
        PR_TRY(string(p));
        char *key = pr_strdup(p->ctx, (const char *)p->text);
        if (!key) return PRUNE_E_MEMORY;
        prune_status status =
            pr_table_noted(table, key) ? bad("repeated key in __metadata__") : expect(p, ':');
        if (status == PRUNE_OK) status = string(p);
        if (status == PRUNE_OK) status = pr_table_note(table, key, (const char *)p->text);
        pr_free(p->ctx, key);
        PR_TRY(status);
    } while (accept(p, ','));
    return expect(p, '}');
}

static prune_status read_header(parser *p, pr_table *table, entries *list)
{
    bool notes = false;
    PR_TRY(expect(p, '{'));
    if (accept(p, '}')) goto end;
    do {
        PR_TRY(string(p));
        PR_TRY(expect(p, ':'));
        if (strcmp((const char *)p->text, "__metadata__") == 0) {
            if (notes) return bad("__metadata__ appears twice");
            notes = true;
            PR_TRY(read_notes(p, table));
            continue;
        }
        if (p->length == 0 || p->length > MAX_NAME || list->count == PR_TABLE_MAX_ITEMS)
            return bad("empty or overlong tensor name, or too many tensors");
        PR_TRY(pr_grow(p->ctx, (void **)&list->items, &list->capacity, list->count + 1,
                       sizeof *list->items));
        char *name = pr_strdup(p->ctx, (const char *)p->text);
        if (!name) return PRUNE_E_MEMORY;
        list->items[list->count] = (entry){.name = name};
        PR_TRY(read_entry(p, &list->items[list->count++]));
    } while (accept(p, ','));
    PR_TRY(expect(p, '}'));
end:
    return peek(p) ? bad("text after the closing brace") : PRUNE_OK;
}

static int by_offset(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* The tensors must tile the data without holes, overlaps or a rest. */
static prune_status add_tensors(pr_table *table, entries *list, pr_buffer *buffer,
                                const uint8_t *data, uint64_t size)
{
    uint64_t next = 0;
    if (list->count) qsort(list->items, list->count, sizeof *list->items, by_offset);
    for (size_t i = 0; i < list->count; i++) {
        entry *e = &list->items[i];
        size_t d = 0, n = sizeof dtypes / sizeof *dtypes;
        while (d < n && strcmp(dtypes[d].name, e->dtype) != 0) d++;
        if (d == n)
            return pr_fail(PRUNE_E_UNSUPPORTED,
                           "tensor '%s': dtype %s is not supported; convert it to F32, F16 or BF16",
                           e->name, e->dtype);
        uint64_t bytes;
        if (e->begin != next || e->end < e->begin || e->end > size)
            return pr_fail(PRUNE_E_FORMAT,
                           "tensor '%s': data_offsets [%llu, %llu] must begin at %llu and end "
                           "within the %llu bytes of data; is the file truncated?",
                           e->name, (unsigned long long)e->begin, (unsigned long long)e->end,
                           (unsigned long long)next, (unsigned long long)size);
        if (!pr_formats_bytes(&bytes, dtypes[d].dtype, &e->shape) || bytes != e->end - e->begin)
            return pr_fail(PRUNE_E_FORMAT,
                           "tensor '%s': its shape and dtype do not make the %llu bytes that "
                           "data_offsets give",
                           e->name, (unsigned long long)(e->end - e->begin));
        pr_tensor tensor;
        PR_TRY(pr_formats_view(&tensor, table->ctx, buffer, data + e->begin, dtypes[d].dtype,
                               &e->shape));
        PR_TRY(pr_table_add(table, e->name, tensor));
        next = e->end;
    }
    if (next != size)
        return pr_fail(PRUNE_E_FORMAT,
                       "%llu bytes of data belong to no tensor; the file is damaged",
                       (unsigned long long)(size - next));
    return pr_table_sort(table);
}

prune_status pr_safetensors_read(pr_table *out, prune_context *ctx, pr_buffer *buffer,
                                 const uint8_t *data, uint64_t size)
{
    if (!pr_safetensors_probe(data, size))
        return bad("its length does not fit the file, or it does not begin with '{'");
    uint64_t header = 0;
    for (int k = 7; k >= 0; k--) header = header << 8 | data[k];
    parser p = {.ctx = ctx, .at = data + 8, .end = data + 8 + header};
    entries list = {0};
    pr_table table;
    pr_table_init(&table, ctx);
    prune_status status = PRUNE_OK;
    if (!pr_formats_utf8(p.at, (size_t)header)) PR_GO(bad("not valid UTF-8"));
    PR_GO(pr_new(ctx, (void **)&p.text, (size_t)header + 1, 1));
    PR_GO(read_header(&p, &table, &list));
    pr_free(ctx, p.text);
    p.text = NULL;
    PR_GO(add_tensors(&table, &list, buffer, data + 8 + header, size - 8 - header));
    *out = table;
done:
    for (size_t i = 0; i < list.count; i++) pr_free(ctx, list.items[i].name);
    pr_free(ctx, list.items);
    pr_free(ctx, p.text);
    if (status != PRUNE_OK) pr_table_free(&table);
    return status;
}
