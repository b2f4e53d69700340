/* Every attack on the zip container of PyTorch files, and files that are none of ours. */
#include "tests/formats/hostile.h"

static const char pickle[] = "\x80\2}.";

/* --- whole archives, then one field put wrong ------------------------------------------------- */

enum { END = 22, CENTRAL = 46 };

/* Two entries; returns where the directory begins. */
static size_t archive(bytes *b)
{
    static zip_maker z;
    memset(&z, 0, sizeof z);
    zip_entry(&z, "a/data.pkl", pickle, sizeof pickle - 1);
    zip_entry(&z, "a/version", "3\n", 2);
    zip_end(&z);
    *b = z.file;
    return b->size - END - z.central.size;
}

static void put_number(bytes *b, size_t at, uint64_t value, int width)
{
    for (int k = 0; k < width; k++) b->data[at + (size_t)k] = (uint8_t)(value >> (8 * k));
}

/* Behind "PK\1\2" of entry 0, behind "PK\5\6". */
#define IN_CENTRAL(name, offset, value, width)                                                     \
    static void name(bytes *b)                                                                     \
    {                                                                                              \
        size_t at = archive(b);                                                                    \
        put_number(b, at + (offset), value, width);                                                \
    }
#define IN_END(name, offset, value, width)                                                         \
    static void name(bytes *b)                                                                     \
    {                                                                                              \
        (void)archive(b);                                                                          \
        put_number(b, b->size - END + (offset), value, width);                                     \
    }

IN_END(no_end_record, 0, 0, 4)
IN_END(comment_too_long, 20, 1, 2)
IN_END(this_disk, 4, 1, 2)
IN_END(directory_disk, 6, 1, 2)
IN_END(counts_differ, 8, 1, 2)
IN_END(directory_beyond, 16, 0x7fffffff, 4)
IN_END(directory_too_long, 12, 0x7fffffff, 4)
IN_END(needs_zip64, 8, 0xffffffff, 4)
IN_CENTRAL(central_signature, 0, 0, 4)
IN_CENTRAL(encrypted, 8, 1, 2)
IN_CENTRAL(deflated, 10, 8, 2)
IN_CENTRAL(sizes_differ, 20, 3, 4)
IN_CENTRAL(name_length_zero, 28, 0, 2)
IN_CENTRAL(name_length_long, 28, 0xffff, 2)
IN_CENTRAL(extra_length_long, 30, 0xffff, 2)
IN_CENTRAL(comment_length_long, 32, 0xffff, 2)
IN_CENTRAL(local_beyond, 42, 0x7fffffff, 4)
IN_CENTRAL(local_at_one, 42, 1, 4)
IN_CENTRAL(name_absolute, CENTRAL, '/', 1)
IN_CENTRAL(name_nul, CENTRAL + 3, 0, 1)
IN_CENTRAL(name_backslash, CENTRAL + 3, '\\', 1)
IN_CENTRAL(name_parent, CENTRAL, '.' | '.' << 8 | '/' << 16, 3)
IN_CENTRAL(name_other, CENTRAL + 3, 'X', 1)

static void counts_beyond(bytes *b)
{
    (void)archive(b);
    put_number(b, b->size - END + 8, 3 | 3 << 16, 4);
}

static void size_beyond(bytes *b)
{
    size_t at = archive(b);
    put_number(b, at + 20, 0x7fffffff, 4);
    put_number(b, at + 24, 0x7fffffff, 4);
}

/* The second entry starts inside the first one's payload. */
static void overlapping(bytes *b)
{
    static zip_maker z;
    static bytes inner;
    memset(&z, 0, sizeof z);
    inner.size = 0;
    add_text(&inner, pickle);
    add(&inner, "PK\3\4\0\0\0\0\0\0\0\0\0\0", 14);
    add_number(&inner, 0, 12);
    add_number(&inner, 3, 2);
    add_number(&inner, 0, 2);
    add_text(&inner, "a/xzz");
    zip_entry(&z, "a/data.pkl", inner.data, inner.size);
    size_t at = z.file.size - inner.size + sizeof pickle - 1;
    add(&z.central, "PK\1\2\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    add_number(&z.central, 0, 4);
    add_number(&z.central, 2, 4);
    add_number(&z.central, 2, 4);
    add_number(&z.central, 3, 2);
    add_number(&z.central, 0, 12);
    add_number(&z.central, at, 4);
    add_text(&z.central, "a/x");
    z.entries++;
    zip_end(&z);
    *b = z.file;
}

/* --- ZIP64 ----------------------------------------------------------------------------------- */

/* Puts a ZIP64 end record and its locator in front of the end record. */
static void zip64(bytes *b, uint64_t count, uint64_t size, uint64_t offset, uint64_t at_shift,
                  uint32_t disk)
{
    static bytes end;
    (void)archive(b);
    end.size = 0;
    add(&end, b->data + b->size - END, END);
    b->size -= END;
    uint64_t at = b->size;
    add(b, "PK\6\6", 4);
    add_number(b, 44, 8);
    add_number(b, 0, 4);
    add_number(b, disk, 4);
    add_number(b, disk, 4);
    add_number(b, count, 8);
    add_number(b, count, 8);
    add_number(b, size, 8);
    add_number(b, offset, 8);
    add(b, "PK\6\7", 4);
    add_number(b, 0, 4);
    add_number(b, at + at_shift, 8);
    add_number(b, 1, 4);
    add(b, end.data, end.size);
}

static void zip64_elsewhere(bytes *b)
{
    zip64(b, 2, 110, 0, UINT64_MAX / 2, 0);
}

static void zip64_signature(bytes *b)
{
    zip64(b, 2, 110, 0, 1, 0);
}

static void zip64_disks(bytes *b)
{
    zip64(b, 2, 110, 0, 0, 1);
}

static void zip64_sum_wraps(bytes *b)
{
    zip64(b, 2, UINT64_MAX, 100, 0, 0);
}

static void zip64_huge_count(bytes *b)
{
    zip64(b, UINT64_MAX, 110, 0, 0, 0);
}

/* An entry whose sizes stand in a ZIP64 field: too short a field, or sizes that wrap. */
static void zip64_field(bytes *b, size_t field_bytes, uint64_t size, uint64_t local)
{
    static zip_maker z;
    memset(&z, 0, sizeof z);
    zip_entry(&z, "a/data.pkl", pickle, sizeof pickle - 1);
    bytes *c = &z.central;
    put_number(c, 20, 0xffffffff, 4);
    put_number(c, 24, 0xffffffff, 4);
    put_number(c, 42, 0xffffffff, 4);
    put_number(c, 30, field_bytes + 4, 2);
    add_number(c, 1, 2);
    add_number(c, field_bytes, 2);
    uint64_t values[3] = {size, size, local};
    for (size_t k = 0; k < field_bytes / 8; k++) add_number(c, values[k], 8);
    zip_end(&z);
    *b = z.file;
}

static void zip64_short_field(bytes *b)
{
    zip64_field(b, 16, 4, 0);
}

static void zip64_size_wraps(bytes *b)
{
    zip64_field(b, 24, UINT64_MAX, 0);
}

static void zip64_local_wraps(bytes *b)
{
    zip64_field(b, 24, 4, UINT64_MAX);
}

static void extra_torn(bytes *b)
{
    static zip_maker z;
    memset(&z, 0, sizeof z);
    zip_entry(&z, "a/data.pkl", pickle, sizeof pickle - 1);
    put_number(&z.central, 30, 4, 2);
    add_number(&z.central, 1, 2);
    add_number(&z.central, 99, 2);
    zip_end(&z);
    *b = z.file;
}

/* --- what is inside -------------------------------------------------------------------------- */

static void entries(bytes *b, const char *const *names, const char *const *texts)
{
    static zip_maker z;
    memset(&z, 0, sizeof z);
    for (int k = 0; names[k]; k++) zip_entry(&z, names[k], texts[k], strlen(texts[k]));
    zip_end(&z);
    *b = z.file;
}

#define ENTRIES(name, ...)                                                                         \
    static void name(bytes *b)                                                                     \
    {                                                                                              \
        static const char *const all[][2] = {__VA_ARGS__, {NULL, NULL}};                           \
        const char *names[8], *texts[8];                                                           \
        for (int k = 0; k < 8; k++) {                                                              \
            names[k] = all[k][0];                                                                  \
            texts[k] = all[k][1];                                                                  \
            if (!names[k]) break;                                                                  \
        }                                                                                          \
        entries(b, names, texts);                                                                  \
    }
ENTRIES(same_names, {"a/data.pkl", pickle}, {"a/data.pkl", pickle})
ENTRIES(two_folders, {"a/data.pkl", pickle}, {"b/version", "3"})
ENTRIES(no_folder, {"data.pkl", pickle})
ENTRIES(no_pickle, {"a/version", "3"})
ENTRIES(script, {"a/constants.pkl", "x"}, {"a/data.pkl", pickle})
ENTRIES(big_endian, {"a/data.pkl", pickle}, {"a/byteorder", "big"})
ENTRIES(odd_order, {"a/data.pkl", pickle}, {"a/byteorder", "little\n"})

static void nothing(bytes *b)
{
    static zip_maker z;
    memset(&z, 0, sizeof z);
    add_text(&z.file, "PK\3\4");
    zip_end(&z);
    *b = z.file;
}

static void long_name(bytes *b)
{
    static char name[4200];
    static zip_maker z;
    memset(&z, 0, sizeof z);
    memset(name, 'n', sizeof name - 1);
    memcpy(name, "a/", 2);
    zip_entry(&z, name, pickle, sizeof pickle - 1);
    zip_end(&z);
    *b = z.file;
}

static void tar(bytes *b)
{
    static const uint8_t zeros[257];
    add(b, zeros, sizeof zeros);
    add_text(b, "ustar  ");
}

static const attack attacks[] = {
    {"no end record", MAKER(no_end_record), PRUNE_E_FORMAT,
     "zip archive: no end-of-directory record; the file is damaged or truncated"},
    {"comment beyond the end", MAKER(comment_too_long), PRUNE_E_FORMAT,
     "zip archive: no end-of-directory record; the file is damaged or truncated"},
    {"on another disk", MAKER(this_disk), PRUNE_E_FORMAT,
     "zip archive: it spans several disks; the file is damaged or truncated"},
    {"directory on another disk", MAKER(directory_disk), PRUNE_E_FORMAT,
     "zip archive: it spans several disks; the file is damaged or truncated"},
    {"two counts", MAKER(counts_differ), PRUNE_E_FORMAT,
     "zip archive: it spans several disks; the file is damaged or truncated"},
    {"directory beyond the end", MAKER(directory_beyond), PRUNE_E_FORMAT,
     "zip archive: its directory lies outside the file; the file is damaged or truncated"},
    {"directory too long", MAKER(directory_too_long), PRUNE_E_FORMAT,
     "zip archive: its directory lies outside the file; the file is damaged or truncated"},
    {"more entries than the directory holds", MAKER(counts_beyond), PRUNE_E_FORMAT,
     "zip archive: too many entries for its directory; the file is damaged or truncated"},
    {"ZIP64 needed and absent", MAKER(needs_zip64), PRUNE_E_FORMAT,
     "zip archive: no ZIP64 end record; the file is damaged or truncated"},
    {"ZIP64 record elsewhere", MAKER(zip64_elsewhere), PRUNE_E_FORMAT,
     "zip archive: bad ZIP64 end record; the file is damaged or truncated"},
    {"ZIP64 record of something else", MAKER(zip64_signature), PRUNE_E_FORMAT,
     "zip archive: bad ZIP64 end record; the file is damaged or truncated"},
    {"ZIP64 record on another disk", MAKER(zip64_disks), PRUNE_E_FORMAT,
     "zip archive: it spans several disks; the file is damaged or truncated"},
    {"ZIP64 directory that wraps around", MAKER(zip64_sum_wraps), PRUNE_E_FORMAT,
     "zip archive: its directory lies outside the file; the file is damaged or truncated"},
    {"ZIP64 count of all ones", MAKER(zip64_huge_count), PRUNE_E_FORMAT,
     "zip archive: too many entries for its directory; the file is damaged or truncated"},
    {"ZIP64 field too short", MAKER(zip64_short_field), PRUNE_E_FORMAT,
     "zip archive: short ZIP64 field; the file is damaged or truncated"},
    {"ZIP64 size that wraps around", MAKER(zip64_size_wraps), PRUNE_E_FORMAT,
     "zip archive: an entry lies outside the file; the file is damaged or truncated"},
    {"ZIP64 offset that wraps around", MAKER(zip64_local_wraps), PRUNE_E_FORMAT,
     "zip archive: an entry lies outside the file; the file is damaged or truncated"},
    {"extra field torn off", MAKER(extra_torn), PRUNE_E_FORMAT,
     "zip archive: bad extra field; the file is damaged or truncated"},
    {"entry: no signature", MAKER(central_signature), PRUNE_E_FORMAT,
     "zip archive: bad directory entry; the file is damaged or truncated"},
    {"entry: encrypted", MAKER(encrypted), PRUNE_E_UNSUPPORTED,
     "zip entry 'a/data.pkl' is encrypted: save the file again with torch.save"},
    {"entry: compressed", MAKER(deflated), PRUNE_E_UNSUPPORTED,
     "zip entry 'a/data.pkl' is compressed, which torch.save never does: save the file again with "
     "torch.save"},
    {"entry: two sizes", MAKER(sizes_differ), PRUNE_E_UNSUPPORTED,
     "zip entry 'a/data.pkl' is compressed, which torch.save never does: save the file again with "
     "torch.save"},
    {"entry: size beyond the file", MAKER(size_beyond), PRUNE_E_FORMAT,
     "zip archive: an entry lies outside the file; the file is damaged or truncated"},
    {"entry: local header beyond the file", MAKER(local_beyond), PRUNE_E_FORMAT,
     "zip archive: an entry lies outside the file; the file is damaged or truncated"},
    {"entry: local header is none", MAKER(local_at_one), PRUNE_E_FORMAT,
     "zip archive: bad local header; the file is damaged or truncated"},
    {"entry: extra beyond the directory", MAKER(extra_length_long), PRUNE_E_FORMAT,
     "zip archive: bad directory entry; the file is damaged or truncated"},
    {"entry: comment beyond the directory", MAKER(comment_length_long), PRUNE_E_FORMAT,
     "zip archive: bad directory entry; the file is damaged or truncated"},
    {"entries overlap", MAKER(overlapping), PRUNE_E_FORMAT,
     "zip archive: two entries overlap; the file is damaged or truncated"},
    {"name: empty", MAKER(name_length_zero), PRUNE_E_FORMAT,
     "zip archive: an entry has an unsafe name; the file is damaged or truncated"},
    {"name: beyond the directory", MAKER(name_length_long), PRUNE_E_FORMAT,
     "zip archive: bad directory entry; the file is damaged or truncated"},
    {"name: too long", MAKER(long_name), PRUNE_E_FORMAT,
     "zip archive: an entry has an unsafe name; the file is damaged or truncated"},
    {"name: absolute", MAKER(name_absolute), PRUNE_E_FORMAT,
     "zip archive: an entry has an unsafe name; the file is damaged or truncated"},
    {"name: with a NUL", MAKER(name_nul), PRUNE_E_FORMAT,
     "zip archive: an entry has an unsafe name; the file is damaged or truncated"},
    {"name: with a backslash", MAKER(name_backslash), PRUNE_E_FORMAT,
     "zip archive: an entry has an unsafe name; the file is damaged or truncated"},
    {"name: the parent folder", MAKER(name_parent), PRUNE_E_FORMAT,
     "zip archive: an entry has an unsafe name; the file is damaged or truncated"},
    {"name: another one in the local header", MAKER(name_other), PRUNE_E_FORMAT,
     "zip archive: an entry's two names differ; the file is damaged or truncated"},
    {"name: one twice", MAKER(same_names), PRUNE_E_FORMAT,
     "zip archive: two entries have one name; the file is damaged or truncated"},
    {"no entries", MAKER(nothing), PRUNE_E_FORMAT, "an empty zip archive"},
    {"two folders", MAKER(two_folders), PRUNE_E_FORMAT,
     "a zip archive, but not one that torch.save wrote"},
    {"no folder", MAKER(no_folder), PRUNE_E_FORMAT,
     "a zip archive, but not one that torch.save wrote"},
    {"no pickle", MAKER(no_pickle), PRUNE_E_FORMAT,
     "a zip archive without data.pkl: not from torch.save"},
    {"TorchScript", MAKER(script), PRUNE_E_UNSUPPORTED,
     "a TorchScript archive (program and data), not a state dict: save model.state_dict() with "
     "torch.save"},
    {"big-endian", MAKER(big_endian), PRUNE_E_UNSUPPORTED,
     "the file is big-endian: save it again on a little-endian machine"},
    {"a byte order of other length", MAKER(odd_order), PRUNE_E_UNSUPPORTED,
     "the file is big-endian: save it again on a little-endian machine"},
    {"other: empty", LITERAL(""), PRUNE_E_FORMAT, "the file is empty"},
    {"other: one byte", LITERAL("P"), PRUNE_E_FORMAT,
     "neither zstd, safetensors nor a PyTorch file (by its first bytes); give a model file"},
    {"other: first bytes of a zip", LITERAL("PK\3\4"), PRUNE_E_FORMAT,
     "zip archive: no end-of-directory record; the file is damaged or truncated"},
    {"other: Git LFS pointer", LITERAL("version https://git-lfs.github.com/spec/v1\n"),
     PRUNE_E_FORMAT, "a Git LFS pointer, not the model itself: fetch it with 'git lfs pull'"},
    {"other: web page", LITERAL("<!DOCTYPE html><html>"), PRUNE_E_FORMAT,
     "a web page, not a model: download the file itself"},
    {"other: web page without a type", LITERAL("<html><body>404"), PRUNE_E_FORMAT,
     "a web page, not a model: download the file itself"},
    {"other: preview release", LITERAL("PYTORCH1..."), PRUNE_E_UNSUPPORTED,
     "a PyTorch preview-release archive: save it again with a current PyTorch"},
    {"other: bare pickle", LITERAL("\x80\2}."), PRUNE_E_UNSUPPORTED,
     "a bare pickle, not a PyTorch state dict: save it with torch.save(model.state_dict(), ...)"},
    {"other: tar archive", MAKER(tar), PRUNE_E_UNSUPPORTED,
     "a tar archive (or a PyTorch file older than 0.1.10): save it again with a current PyTorch"},
    {"other: text", LITERAL("hello"), PRUNE_E_FORMAT,
     "neither zstd, safetensors nor a PyTorch file (by its first bytes); give a model file"},
};

START_TEST(every_archive)
{
    run_attacks(ROWS(attacks));
}
END_TEST

TEST_MAIN("formats/hostile_zip", every_archive)
