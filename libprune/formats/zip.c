#include "libprune/formats/zip.h"

#include "libprune/base/size.h"

#include <stdlib.h>
#include <string.h>

enum {
    END_BYTES = 22,
    LOCATOR_BYTES = 20,
    END64_BYTES = 56,
    CENTRAL_BYTES = 46,
    LOCAL_BYTES = 30,
    MAX_COMMENT = 65535,
    MAX_NAME = 4096,
    MAX_ENTRIES = 1000000,
    EXTRA_ZIP64 = 1
};

typedef struct directory {
    uint64_t offset, bytes, count;
} directory;

static uint32_t u16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32(const uint8_t *p)
{
    return u16(p) | u16(p + 2) << 16;
}

static uint64_t u64(const uint8_t *p)
{
    return u32(p) | (uint64_t)u32(p + 4) << 32;
}

static prune_status damaged(const char *what)
{
    return pr_fail(PRUNE_E_FORMAT, "zip archive: %s; the file is damaged or truncated", what);
}

bool pr_zip_probe(const uint8_t *data, uint64_t size)
{
    return size >= 4 && u32(data) == 0x04034b50;
}

/* --- central directory ---------------------------------------------------------------------- */

/* Offset of the end record, whose comment must reach exactly to the end of the file. */
static prune_status find_end(const uint8_t *data, uint64_t size, uint64_t *end)
{
    if (size >= END_BYTES) {
        uint64_t least = size - END_BYTES > MAX_COMMENT ? size - END_BYTES - MAX_COMMENT : 0;
        for (uint64_t at = size - END_BYTES + 1; at-- > least;)
            if (u32(data + at) == 0x06054b50 && at + END_BYTES + u16(data + at + 20) == size) {
                *end = at;
                return PRUNE_OK;
            }
    }
    return damaged("no end-of-directory record");
}

static prune_status find_directory(const uint8_t *data, uint64_t size, directory *out)
{
    uint64_t end, reach;
    PR_TRY(find_end(data, size, &end));
    const uint8_t *p = data + end;
    *out = (directory){.offset = u32(p + 16), .bytes = u32(p + 12), .count = u16(p + 10)};
    if (u16(p + 4) != 0 || u16(p + 6) != 0 || u16(p + 8) != out->count)
        return damaged("it spans several disks");
    bool large = out->count == 0xffff || out->bytes == 0xffffffff || out->offset == 0xffffffff;
    if (end >= LOCATOR_BYTES && u32(p - LOCATOR_BYTES) == 0x07064b50) {
        uint64_t at = u64(p - LOCATOR_BYTES + 8), limit = end - LOCATOR_BYTES;
        if (limit < END64_BYTES || at > limit - END64_BYTES || u32(data + at) != 0x06064b50)
            return damaged("bad ZIP64 end record");
        p = data + at;
        if (u32(p + 16) != 0 || u32(p + 20) != 0 || u64(p + 24) != u64(p + 32))
            return damaged("it spans several disks");
        *out = (directory){.offset = u64(p + 48), .bytes = u64(p + 40), .count = u64(p + 32)};
        end = at;
    } else if (large) {
        return damaged("no ZIP64 end record");
    }
    if (!pr_add_u64(&reach, out->offset, out->bytes) || reach > end)
        return damaged("its directory lies outside the file");
    if (out->count > out->bytes / CENTRAL_BYTES || out->count > MAX_ENTRIES)
        return damaged("too many entries for its directory");
    return PRUNE_OK;
}

static bool safe_name(const char *name, size_t length)
{
    if (length == 0 || length > MAX_NAME || name[0] == '/') return false;
    for (size_t i = 0, start = 0; i <= length; i++) {
        if (i == length || name[i] == '/') {
            if (i - start == 2 && name[start] == '.' && name[start + 1] == '.') return false;
            start = i + 1;
        } else if (name[i] == '\0' || name[i] == '\\') {
            return false;
        }
    }
    return true;
}

/* Sizes and offset of a central entry; fields of all ones stand in the ZIP64 extra field, in this
 * order. */
static prune_status read_sizes(const uint8_t *central, const uint8_t *extra, size_t length,
                               uint64_t sizes[3])
{
    sizes[0] = u32(central + 24); /* uncompressed */
    sizes[1] = u32(central + 20); /* compressed */
    sizes[2] = u32(central + 42); /* local header */
    for (size_t at = 0; at + 4 <= length;) {
        size_t bytes = u16(extra + at + 2);
        if (bytes > length - at - 4) return damaged("bad extra field");
        const uint8_t *field = extra + at + 4, *field_end = field + bytes;
        if (u16(extra + at) == EXTRA_ZIP64)
            for (int k = 0; k < 3; k++)
                if (sizes[k] == 0xffffffff) {
                    if (field_end - field < 8) return damaged("short ZIP64 field");
                    sizes[k] = u64(field);
                    field += 8;
                }
        at += 4 + bytes;
    }
    return PRUNE_OK;
}

/* Where the payload begins: name and extra field of the local header, which differ from the
 * directory's. */
static prune_status locate(const uint8_t *data, const directory *dir, pr_zip_entry *entry)
{
    const char *what = "an entry lies outside the file";
    uint64_t begin, end;
    if (!pr_add_u64(&begin, entry->header, LOCAL_BYTES) || begin > dir->offset)
        return damaged(what);
    const uint8_t *local = data + entry->header;
    if (u32(local) != 0x04034b50) return damaged("bad local header");
    if (u16(local + 26) != entry->length || begin + entry->length > dir->offset ||
        memcmp(local + LOCAL_BYTES, entry->name, entry->length) != 0)
        return damaged("an entry's two names differ");
    begin += entry->length + u16(local + 28);
    if (!pr_add_u64(&end, begin, entry->size) || end > dir->offset) return damaged(what);
    entry->data = data + begin;
    return PRUNE_OK;
}

static prune_status read_entry(const uint8_t *data, const directory *dir, uint64_t *at,
                               pr_zip_entry *entry)
{
    uint64_t rest = dir->bytes - *at, sizes[3];
    const uint8_t *p = data + dir->offset + *at;
    if (rest < CENTRAL_BYTES || u32(p) != 0x02014b50) return damaged("bad directory entry");
    size_t name = u16(p + 28), extra = u16(p + 30), comment = u16(p + 32);
    if (rest - CENTRAL_BYTES < name + extra + comment) return damaged("bad directory entry");
    *entry = (pr_zip_entry){.name = (const char *)p + CENTRAL_BYTES, .length = name};
    if (!safe_name(entry->name, name)) return damaged("an entry has an unsafe name");
    if (u16(p + 8) & 1)
        return pr_fail(PRUNE_E_UNSUPPORTED,
                       "zip entry '%.*s' is encrypted: save the file again with torch.save",
                       (int)name, entry->name);
    PR_TRY(read_sizes(p, p + CENTRAL_BYTES + name, extra, sizes));
    if (u16(p + 10) != 0 || sizes[0] != sizes[1])
        return pr_fail(PRUNE_E_UNSUPPORTED,
                       "zip entry '%.*s' is compressed, which torch.save never does: save the file "
                       "again with torch.save",
                       (int)name, entry->name);
    entry->size = sizes[0];
    entry->crc = u32(p + 16);
    entry->header = sizes[2];
    *at += CENTRAL_BYTES + name + extra + comment;
    return locate(data, dir, entry);
}

/* --- whole ---------------------------------------------------------------------------------- */

static int compare_names(const char *a, size_t n, const char *b, size_t m)
{
    int order = memcmp(a, b, n < m ? n : m);
    return order ? order : n < m ? -1 : n > m;
}

static int by_name(const void *a, const void *b)
{
    const pr_zip_entry *x = a, *y = b;
    return compare_names(x->name, x->length, y->name, y->length);
}

static int by_place(const void *a, const void *b)
{
    const pr_zip_entry *x = a, *y = b;
    return x->header < y->header ? -1 : x->header > y->header;
}

static prune_status check_entries(pr_zip *zip, const uint8_t *data)
{
    if (zip->count > 1) qsort(zip->entries, zip->count, sizeof *zip->entries, by_place);
    for (size_t i = 1; i < zip->count; i++) {
        const pr_zip_entry *before = &zip->entries[i - 1];
        if (before->data + before->size > data + zip->entries[i].header)
            return damaged("two entries overlap");
    }
    if (zip->count > 1) qsort(zip->entries, zip->count, sizeof *zip->entries, by_name);
    for (size_t i = 1; i < zip->count; i++)
        if (by_name(&zip->entries[i - 1], &zip->entries[i]) == 0)
            return damaged("two entries have one name");
    return PRUNE_OK;
}

prune_status pr_zip_open(pr_zip *out, prune_context *ctx, const uint8_t *data, uint64_t size)
{
    directory dir;
    pr_zip zip = {.ctx = ctx};
    prune_status status = PRUNE_OK;
    PR_TRY(find_directory(data, size, &dir));
    PR_TRY(pr_new(ctx, (void **)&zip.entries, (size_t)dir.count + 1, sizeof *zip.entries));
    for (uint64_t at = 0; zip.count < dir.count; zip.count++)
        PR_GO(read_entry(data, &dir, &at, &zip.entries[zip.count]));
    PR_GO(check_entries(&zip, data));
    *out = zip;
    return PRUNE_OK;
done:
    pr_zip_close(&zip);
    return status;
}

void pr_zip_close(pr_zip *zip)
{
    pr_free(zip->ctx, zip->entries);
    *zip = (pr_zip){.ctx = zip->ctx};
}

const pr_zip_entry *pr_zip_find(const pr_zip *zip, const char *name, size_t length)
{
    size_t low = 0, high = zip->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const pr_zip_entry *entry = &zip->entries[middle];
        int order = compare_names(entry->name, entry->length, name, length);
        if (order == 0) return entry;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
