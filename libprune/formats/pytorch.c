#include "libprune/formats/pytorch.h"

#include "libprune/base/size.h"
#include "libprune/formats/pickle.h"
#include "libprune/formats/zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PICKLE = 16 << 20, MAX_KEY = 64, MAX_NAME = 1024, MAX_WRAPPERS = 4 };

/* Bytes of one storage of a legacy stream. */
typedef struct place {
    pr_text key;
    uint32_t type; /* GLOBAL object */
    int64_t count;
    const uint8_t *data; /* NULL until the stream has shown it */
    uint64_t bytes;
} place;

typedef struct source {
    prune_context *ctx;
    pr_buffer *file;
    uint64_t size;
    pr_pickle pickle;
    const pr_zip *zip; /* NULL: legacy */
    pr_text top;       /* the zip's folder */
    place *places;     /* legacy: by key */
    size_t n_places;
    uint64_t element_bytes; /* of all tensors so far */
} source;

/* --- element types -------------------------------------------------------------------------- */

static const struct {
    const char *storage; /* class; NULL where only a dtype exists */
    const char *dtype[2];
    pr_dtype type;
} types[] = {
    {"FloatStorage", {"float32", "float"}, PR_F32},
    {"DoubleStorage", {"float64", "double"}, PR_F64},
    {"HalfStorage", {"float16", "half"}, PR_F16},
    {"BFloat16Storage", {"bfloat16", NULL}, PR_BF16},
    {"LongStorage", {"int64", "long"}, PR_I64},
    {"IntStorage", {"int32", "int"}, PR_I32},
    {"ShortStorage", {"int16", "short"}, PR_I16},
    {"CharStorage", {"int8", NULL}, PR_I8},
    {"ByteStorage", {"uint8", NULL}, PR_U8},
    {"BoolStorage", {"bool", NULL}, PR_BOOL},
    {"UntypedStorage", {NULL, NULL}, PR_U8},
    {NULL, {"uint16", NULL}, PR_U16},
    {NULL, {"uint32", NULL}, PR_U32},
    {NULL, {"uint64", NULL}, PR_U64},
};
enum { N_TYPES = sizeof types / sizeof *types };

static bool word_is(pr_text text, const char *word)
{
    return word && pr_text_is(text, word);
}

/* False: a type that we have no tensors of (complex, quantized, 8-bit floats). */
static bool storage_type(const pr_pickle *pickle, uint32_t global, pr_dtype *out)
{
    pr_text name = pr_pickle_at(pickle, global)->global.name;
    for (int i = 0; i < N_TYPES; i++)
        if (word_is(name, types[i].storage)) {
            *out = types[i].type;
            return true;
        }
    return false;
}

static bool named_type(const pr_pickle *pickle, uint32_t global, pr_dtype *out)
{
    pr_text name = pr_pickle_at(pickle, global)->global.name;
    for (int i = 0; i < N_TYPES; i++)
        if (word_is(name, types[i].dtype[0]) || word_is(name, types[i].dtype[1])) {
            *out = types[i].type;
            return true;
        }
    return false;
}

/* --- storages ------------------------------------------------------------------------------- */

static int compare_keys(pr_text a, pr_text b)
{
    int order = memcmp(a.data, b.data, a.length < b.length ? a.length : b.length);
    return order ? order : a.length < b.length ? -1 : a.length > b.length;
}

static place *find_place(const source *s, pr_text key)
{
    size_t low = 0, high = s->n_places;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_keys(s->places[middle].key, key);
        if (order == 0) return &s->places[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Bytes of a storage, at least count elements of element_size. */
static prune_status storage_bytes(const source *s, const pr_pickle_object *storage,
                                  size_t element_size, const uint8_t **out)
{
    pr_text key = storage->storage.key;
    uint64_t bytes;
    if (!pr_mul_u64(&bytes, (uint64_t)storage->storage.count, element_size))
        return pr_fail(PRUNE_E_FORMAT, "its storage is impossibly large");
    if (key.length > MAX_KEY) return pr_fail(PRUNE_E_FORMAT, "its storage has an overlong name");
    if (!s->zip) {
        const place *found = find_place(s, key);
        if (!found || !found->data)
            return pr_fail(PRUNE_E_FORMAT, "its storage '%.*s' is not in the file", (int)key.length,
                           key.data);
        /* One key may be described as two types, of which the stream follows one. */
        if (found->bytes < bytes)
            return pr_fail(PRUNE_E_FORMAT, "its storage '%.*s' has %llu bytes, expected %llu",
                           (int)key.length, key.data, (unsigned long long)found->bytes,
                           (unsigned long long)bytes);
        *out = found->data;
        return PRUNE_OK;
    }
    char name[MAX_NAME + MAX_KEY + 16];
    int length = snprintf(name, sizeof name, "%.*s/data/%.*s", (int)s->top.length, s->top.data,
                          (int)key.length, key.data);
    const pr_zip_entry *entry = pr_zip_find(s->zip, name, (size_t)length);
    if (!entry) return pr_fail(PRUNE_E_FORMAT, "its storage '%s' is not in the file", name);
    if (entry->size < bytes)
        return pr_fail(PRUNE_E_FORMAT, "its storage '%s' has %llu bytes, expected %llu", name,
                       (unsigned long long)entry->size, (unsigned long long)bytes);
    *out = entry->data;
    return PRUNE_OK;
}

/* The elements that a legacy view leaves of a storage: (view key, offset, count). */
static prune_status apply_view(const source *s, const pr_pickle_object *storage, size_t size,
                               const uint8_t **data, uint64_t *count)
{
    *count = (uint64_t)storage->storage.count;
    if (storage->storage.view == 0) return PRUNE_OK;
    const pr_pickle_object *view = pr_pickle_at(&s->pickle, storage->storage.view);
    const pr_pickle_object *part[2];
    if (view->items.count != 3) return pr_fail(PRUNE_E_FORMAT, "its storage is a malformed view");
    for (uint32_t k = 0; k < 2; k++) {
        part[k] = pr_pickle_at(&s->pickle, pr_pickle_item(&s->pickle, view, k + 1));
        if (part[k]->kind != PR_PICKLE_INT || part[k]->integer < 0 ||
            (uint64_t)part[k]->integer > *count)
            return pr_fail(PRUNE_E_FORMAT, "its storage is a malformed view");
    }
    if ((uint64_t)part[1]->integer > *count - (uint64_t)part[0]->integer)
        return pr_fail(PRUNE_E_FORMAT, "its storage is a view beyond the end");
    *data += (size_t)part[0]->integer * size;
    *count = (uint64_t)part[1]->integer;
    return PRUNE_OK;
}

/* --- tensors -------------------------------------------------------------------------------- */

static prune_status read_axes(const source *s, const pr_pickle_object *tensor, pr_shape *shape,
                              uint64_t stride[PR_MAX_RANK])
{
    const pr_pickle_object *sizes = pr_pickle_at(&s->pickle, tensor->tensor.size);
    const pr_pickle_object *strides = pr_pickle_at(&s->pickle, tensor->tensor.stride);
    if (sizes->items.count != strides->items.count || sizes->items.count > PR_MAX_RANK)
        return pr_fail(PRUNE_E_FORMAT, "it has more than %d axes, or not a stride for each",
                       PR_MAX_RANK);
    shape->rank = (int32_t)sizes->items.count;
    for (uint32_t k = 0; k < sizes->items.count; k++) {
        const pr_pickle_object *a = pr_pickle_at(&s->pickle, pr_pickle_item(&s->pickle, sizes, k));
        const pr_pickle_object *b =
            pr_pickle_at(&s->pickle, pr_pickle_item(&s->pickle, strides, k));
        if (a->kind != PR_PICKLE_INT || b->kind != PR_PICKLE_INT || a->integer < 0 ||
            b->integer < 0)
            return pr_fail(PRUNE_E_FORMAT, "its sizes and strides must be non-negative integers");
        shape->dim[k] = a->integer;
        stride[k] = (uint64_t)b->integer;
    }
    return PRUNE_OK;
}

/* Every element inside the storage, everything checked for overflow. Afterwards
 * offset + sum (dim - 1) * stride < count, so that plain arithmetic is safe. */
static bool within(const pr_shape *shape, const uint64_t *stride, uint64_t offset, uint64_t count)
{
    uint64_t last = offset, span;
    for (int32_t k = 0; k < shape->rank; k++) {
        if (shape->dim[k] == 0) return true;
        if (!pr_mul_u64(&span, (uint64_t)shape->dim[k] - 1, stride[k]) ||
            !pr_add_u64(&last, last, span))
            return false;
    }
    return last < count;
}

static bool contiguous(const pr_shape *shape, const uint64_t *stride)
{
    uint64_t run = 1;
    for (int32_t k = shape->rank - 1; k >= 0; k--) {
        if (shape->dim[k] != 1 && stride[k] != run) return false;
        run *= (uint64_t)shape->dim[k];
    }
    return true;
}

/* Copies a strided tensor into row-major memory. */
static prune_status gather(pr_tensor *out, prune_context *ctx, const uint8_t *data, pr_dtype dtype,
                           const pr_shape *shape, const uint64_t *stride)
{
    PR_TRY(pr_tensor_create(out, ctx, dtype, shape));
    size_t size = pr_dtype_size(dtype);
    uint64_t at[PR_MAX_RANK] = {0}, element = 0;
    uint8_t *to = out->data;
    for (int64_t i = 0, n = pr_tensor_count(out); i < n; i++, to += size) {
        memcpy(to, data + element * size, size);
        for (int32_t k = shape->rank - 1; k >= 0; k--) {
            element += stride[k];
            if (++at[k] < (uint64_t)shape->dim[k]) break;
            element -= at[k] * stride[k];
            at[k] = 0;
        }
    }
    return PRUNE_OK;
}

static prune_status read_tensor(source *s, const pr_pickle_object *tensor, pr_dtype dtype,
                                pr_tensor *out)
{
    const pr_pickle_object *storage = pr_pickle_at(&s->pickle, tensor->tensor.storage);
    size_t size = pr_dtype_size(dtype), stored_size;
    pr_dtype stored = dtype;
    pr_shape shape = {0};
    uint64_t stride[PR_MAX_RANK], bytes, count;
    const uint8_t *data;
    (void)storage_type(&s->pickle, storage->storage.type, &stored);
    stored_size = pr_dtype_size(stored);
    PR_TRY(read_axes(s, tensor, &shape, stride));
    PR_TRY(storage_bytes(s, storage, stored_size, &data));
    PR_TRY(apply_view(s, storage, stored_size, &data, &count));
    count = count * stored_size / size; /* an untyped storage counts bytes */
    if (!pr_formats_bytes(&bytes, dtype, &shape) || tensor->tensor.offset < 0 ||
        !within(&shape, stride, (uint64_t)tensor->tensor.offset, count))
        return pr_fail(PRUNE_E_FORMAT,
                       "its shape and strides reach beyond its storage of %llu "
                       "elements",
                       (unsigned long long)count);
    if (bytes == 0) return pr_tensor_zeros(out, s->ctx, dtype, &shape);
    /* Views may show one storage many times; honest files hardly do. */
    if (!pr_add_u64(&s->element_bytes, s->element_bytes, bytes) || s->element_bytes / 2 > s->size)
        return pr_fail(PRUNE_E_MEMORY, "views make the file's tensors more than twice as large as "
                                       "the file; it is not an honest state dict");
    data += (size_t)tensor->tensor.offset * size;
    if (contiguous(&shape, stride))
        return pr_formats_view(out, s->ctx, s->file, data, dtype, &shape);
    return gather(out, s->ctx, data, dtype, &shape, stride);
}

/* --- state dict ----------------------------------------------------------------------------- */

static bool has_tensors(const pr_pickle *pickle, const pr_pickle_object *dict)
{
    for (uint32_t i = 1; i < dict->items.count; i += 2)
        if (pr_pickle_at(pickle, pr_pickle_item(pickle, dict, i))->kind == PR_PICKLE_TENSOR)
            return true;
    return false;
}

static const pr_pickle_object *entry_of(const pr_pickle *pickle, const pr_pickle_object *dict,
                                        const char *key)
{
    for (uint32_t i = 0; i + 1 < dict->items.count; i += 2) {
        const pr_pickle_object *o = pr_pickle_at(pickle, pr_pickle_item(pickle, dict, i));
        if (o->kind == PR_PICKLE_TEXT && pr_text_is(o->text, key))
            return pr_pickle_at(pickle, pr_pickle_item(pickle, dict, i + 1));
    }
    return NULL;
}

/* The dict with the tensors: the root, or what a trainer wrapped around it. The number of layers
 * is bounded, so a dict that contains itself does no harm. */
static prune_status find_state(const pr_pickle *pickle, const pr_pickle_object **out)
{
    static const char *const wrappers[] = {"state_dict", "model",         "model_state_dict",
                                           "net",        "network",       "params",
                                           "weights",    "state_dict_ema"};
    const pr_pickle_object *dict = pr_pickle_at(pickle, pickle->root);
    for (int layer = 0; layer < MAX_WRAPPERS && dict->kind == PR_PICKLE_DICT; layer++) {
        if (has_tensors(pickle, dict)) {
            *out = dict;
            return PRUNE_OK;
        }
        const pr_pickle_object *inner = NULL;
        for (size_t w = 0; w < sizeof wrappers / sizeof *wrappers && !inner; w++) {
            inner = entry_of(pickle, dict, wrappers[w]);
            if (inner && inner->kind != PR_PICKLE_DICT && inner->kind != PR_PICKLE_OPAQUE)
                inner = NULL;
        }
        if (!inner) break;
        dict = inner;
    }
    if (dict->kind == PR_PICKLE_OPAQUE)
        return pr_fail(PRUNE_E_UNSUPPORTED,
                       "the file holds an object of class '%.*s', not a state dict: save "
                       "model.state_dict() instead",
                       (int)(dict->text.length < 100 ? dict->text.length : 100), dict->text.data);
    return pr_fail(PRUNE_E_FORMAT, "no state dict in the file: expected a dict of tensors, or one "
                                   "under 'state_dict' or 'model'");
}

static prune_status add_scalar(pr_table *table, const char *name, const pr_pickle_object *o)
{
    pr_tensor tensor;
    pr_shape shape = {0};
    bool real = o->kind == PR_PICKLE_FLOAT;
    PR_TRY(pr_tensor_create(&tensor, table->ctx, real ? PR_F64 : PR_I64, &shape));
    if (real)
        memcpy(tensor.data, &o->real, sizeof o->real);
    else
        memcpy(tensor.data, &o->integer, sizeof o->integer);
    return pr_table_add(table, name, tensor);
}

static prune_status add_value(source *s, pr_table *table, const char *name,
                              const pr_pickle_object *o)
{
    if (o->kind == PR_PICKLE_INT || o->kind == PR_PICKLE_BOOL || o->kind == PR_PICKLE_FLOAT)
        return add_scalar(table, name, o);
    if (o->kind != PR_PICKLE_TENSOR) return PRUNE_OK;
    const pr_pickle_object *storage = pr_pickle_at(&s->pickle, o->tensor.storage);
    pr_dtype dtype = PR_F32;
    bool known = o->tensor.dtype ? named_type(&s->pickle, o->tensor.dtype, &dtype)
                                 : storage_type(&s->pickle, storage->storage.type, &dtype);
    if (!known) {
        pr_log(s->ctx, PRUNE_LOG_WARNING, "tensor '%s' has an unsupported type and is left out",
               name);
        return PRUNE_OK;
    }
    pr_tensor tensor;
    prune_status status = read_tensor(s, o, dtype, &tensor);
    if (status != PRUNE_OK) return pr_fail_within(status, "tensor '%s'", name);
    return pr_table_add(table, name, tensor);
}

static prune_status fill(source *s, pr_table *table)
{
    const pr_pickle *pickle = &s->pickle;
    const pr_pickle_object *dict;
    PR_TRY(find_state(pickle, &dict));
    for (uint32_t i = 0; i + 1 < dict->items.count; i += 2) {
        const pr_pickle_object *key = pr_pickle_at(pickle, pr_pickle_item(pickle, dict, i));
        if (key->kind != PR_PICKLE_TEXT) continue;
        char name[MAX_NAME + 1];
        if (key->text.length == 0 || key->text.length > MAX_NAME ||
            memchr(key->text.data, 0, key->text.length) ||
            !pr_formats_utf8((const uint8_t *)key->text.data, key->text.length))
            return pr_fail(PRUNE_E_FORMAT, "a tensor's name is empty, overlong or not UTF-8");
        memcpy(name, key->text.data, key->text.length);
        name[key->text.length] = '\0';
        PR_TRY(
            add_value(s, table, name, pr_pickle_at(pickle, pr_pickle_item(pickle, dict, i + 1))));
    }
    return pr_table_sort(table);
}

static prune_status make_table(source *s, pr_table *out)
{
    pr_table table;
    pr_table_init(&table, s->ctx);
    prune_status status = fill(s, &table);
    if (status == PRUNE_OK)
        *out = table;
    else
        pr_table_free(&table);
    return status;
}

/* --- zip container -------------------------------------------------------------------------- */

static const pr_zip_entry *member(const source *s, const char *name)
{
    char path[MAX_NAME + 64];
    int length = snprintf(path, sizeof path, "%.*s/%s", (int)s->top.length, s->top.data, name);
    return pr_zip_find(s->zip, path, (size_t)length);
}

/* All entries live in one folder. */
static prune_status find_top(source *s)
{
    if (s->zip->count == 0) return pr_fail(PRUNE_E_FORMAT, "an empty zip archive");
    const pr_zip_entry *first = &s->zip->entries[0];
    const char *slash = memchr(first->name, '/', first->length);
    if (!slash || slash - first->name > MAX_NAME)
        return pr_fail(PRUNE_E_FORMAT, "a zip archive, but not one that torch.save wrote");
    s->top = (pr_text){first->name, (size_t)(slash - first->name)};
    for (size_t i = 0; i < s->zip->count; i++) {
        const pr_zip_entry *entry = &s->zip->entries[i];
        if (entry->length <= s->top.length ||
            memcmp(entry->name, s->top.data, s->top.length + 1) != 0)
            return pr_fail(PRUNE_E_FORMAT, "a zip archive, but not one that torch.save wrote");
    }
    return PRUNE_OK;
}

static prune_status read_members(source *s, pr_table *out)
{
    PR_TRY(find_top(s));
    if (member(s, "constants.pkl"))
        return pr_fail(PRUNE_E_UNSUPPORTED, "a TorchScript archive (program and data), not a state "
                                            "dict: save model.state_dict() with torch.save");
    const pr_zip_entry *order = member(s, "byteorder"), *data = member(s, "data.pkl");
    if (order && (order->size != 6 || memcmp(order->data, "little", 6) != 0))
        return pr_fail(PRUNE_E_UNSUPPORTED, "the file is big-endian: save it again on a "
                                            "little-endian machine");
    if (!data)
        return pr_fail(PRUNE_E_FORMAT, "a zip archive without data.pkl: not from torch.save");
    if (data->size > MAX_PICKLE)
        return pr_fail(PRUNE_E_FORMAT, "data.pkl has more than %d bytes", MAX_PICKLE);
    PR_TRY(pr_pickle_read(&s->pickle, s->ctx, data->data, data->size));
    prune_status status = make_table(s, out);
    pr_pickle_free(&s->pickle);
    return status;
}

prune_status pr_pytorch_read_zip(pr_table *out, prune_context *ctx, pr_buffer *file, uint64_t size)
{
    pr_zip zip;
    PR_TRY(pr_zip_open(&zip, ctx, file->data, size));
    source s = {.ctx = ctx, .file = file, .size = size, .zip = &zip};
    prune_status status = read_members(&s, out);
    pr_zip_close(&zip);
    return status;
}

/* --- legacy stream: magic, version, machine, object, keys, then the storages ----------------- */

static const uint8_t magic[15] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                  0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e};

bool pr_pytorch_probe_legacy(const uint8_t *data, uint64_t size)
{
    return size >= sizeof magic && memcmp(data, magic, sizeof magic) == 0;
}

static prune_status next_pickle(source *s, uint64_t *at, pr_pickle *out)
{
    uint64_t rest = s->size - *at;
    if (rest > MAX_PICKLE) rest = MAX_PICKLE;
    PR_TRY(pr_pickle_read(out, s->ctx, (const uint8_t *)s->file->data + *at, rest));
    *at += out->consumed;
    return PRUNE_OK;
}

static prune_status check_machine(const pr_pickle *version, const pr_pickle *machine)
{
    const pr_pickle_object *v = pr_pickle_at(version, version->root);
    const pr_pickle_object *m = pr_pickle_at(machine, machine->root);
    if (v->kind != PR_PICKLE_INT || v->integer != 1001 || m->kind != PR_PICKLE_DICT)
        return pr_fail(PRUNE_E_FORMAT, "not a PyTorch stream of protocol 1001");
    const pr_pickle_object *little = entry_of(machine, m, "little_endian");
    if (!little || little->kind != PR_PICKLE_BOOL || little->integer != 1)
        return pr_fail(PRUNE_E_UNSUPPORTED, "the file is big-endian: save it again on a "
                                            "little-endian machine");
    return PRUNE_OK;
}

static int by_key(const void *a, const void *b)
{
    return compare_keys(((const place *)a)->key, ((const place *)b)->key);
}

/* Storages that the object mentions, one per key. */
static prune_status list_places(source *s)
{
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < s->pickle.count; i++)
        count += s->pickle.objects[i].kind == PR_PICKLE_STORAGE;
    PR_TRY(pr_new(s->ctx, (void **)&s->places, count + 1, sizeof *s->places));
    for (size_t i = 0; i < s->pickle.count; i++) {
        const pr_pickle_object *o = &s->pickle.objects[i];
        if (o->kind == PR_PICKLE_STORAGE)
            s->places[s->n_places++] =
                (place){o->storage.key, o->storage.type, o->storage.count, NULL, 0};
    }
    if (count > 1) qsort(s->places, count, sizeof *s->places, by_key);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && by_key(&s->places[kept - 1], &s->places[i]) == 0) {
            pr_dtype a = PR_F32, b = PR_F32;
            (void)storage_type(&s->pickle, s->places[kept - 1].type, &a);
            (void)storage_type(&s->pickle, s->places[i].type, &b);
            if (a != b || s->places[kept - 1].count != s->places[i].count)
                return pr_fail(PRUNE_E_FORMAT, "one storage is described in two ways");
            continue;
        }
        s->places[kept++] = s->places[i];
    }
    s->n_places = kept;
    return PRUNE_OK;
}

/* For each key, in the order of the list: i64 count, then the elements. */
static prune_status place_storages(source *s, const pr_pickle *keys, uint64_t at)
{
    const pr_pickle_object *list = pr_pickle_at(keys, keys->root);
    const uint8_t *data = s->file->data;
    if (list->kind != PR_PICKLE_LIST)
        return pr_fail(PRUNE_E_FORMAT, "no list of storages; the file is damaged");
    for (uint32_t i = 0; i < list->items.count; i++) {
        const pr_pickle_object *key = pr_pickle_at(keys, pr_pickle_item(keys, list, i));
        place *found = key->kind == PR_PICKLE_TEXT ? find_place(s, key->text) : NULL;
        pr_dtype dtype;
        uint64_t count = 0, bytes;
        if (!found || found->data || !storage_type(&s->pickle, found->type, &dtype))
            return pr_fail(PRUNE_E_FORMAT,
                           "storage %u of the stream is unknown, repeated or of an "
                           "unsupported type",
                           i);
        if (s->size - at < 8) return pr_fail(PRUNE_E_FORMAT, "the file is truncated");
        for (int k = 7; k >= 0; k--) count = count << 8 | data[at + (uint64_t)k];
        at += 8;
        if (count != (uint64_t)found->count || !pr_mul_u64(&bytes, count, pr_dtype_size(dtype)) ||
            bytes > s->size - at)
            return pr_fail(PRUNE_E_FORMAT,
                           "storage %u of the stream has not the expected %lld "
                           "elements; is the file truncated?",
                           i, (long long)found->count);
        found->data = data + at;
        found->bytes = bytes;
        at += bytes;
    }
    return PRUNE_OK;
}

prune_status pr_pytorch_read_legacy(pr_table *out, prune_context *ctx, pr_buffer *file,
                                    uint64_t size)
{
    source s = {.ctx = ctx, .file = file, .size = size, .pickle = {.ctx = ctx}};
    pr_pickle version = {.ctx = ctx}, machine = {.ctx = ctx}, keys = {.ctx = ctx};
    uint64_t at = sizeof magic;
    prune_status status = PRUNE_OK;
    if (!pr_pytorch_probe_legacy(file->data, size))
        return pr_fail(PRUNE_E_FORMAT, "not a PyTorch stream: its magic number is missing");
    PR_GO(next_pickle(&s, &at, &version));
    PR_GO(next_pickle(&s, &at, &machine));
    PR_GO(check_machine(&version, &machine));
    const pr_pickle_object *dict;
    PR_GO(next_pickle(&s, &at, &s.pickle));
    PR_GO(find_state(&s.pickle, &dict)); /* its advice is better than what the storages would say */
    PR_GO(next_pickle(&s, &at, &keys));
    PR_GO(list_places(&s));
    PR_GO(place_storages(&s, &keys, at));
    PR_GO(make_table(&s, out));
done:
    pr_free(ctx, s.places);
    pr_pickle_free(&s.pickle);
    pr_pickle_free(&version);
    pr_pickle_free(&machine);
    pr_pickle_free(&keys);
    return status;
}
