/* PyTorch files made by hand: strides, shared storages, wrappers, legacy streams; then hostile
 * ones. Covers: pytorch.c, pickle.c, zip.c, container.c */
#include "libprune/base/file.h"
#include "libprune/base/random.h"
#include "libprune/formats/container.h"
#include "libprune/formats/pickle.h"
#include "tests/formats/bytes.h"
#include "tests/support/support.h"

#include <stdlib.h>

static prune_status read_bytes(pr_table *table, prune_context *ctx, const bytes *b)
{
    ck_ok(pr_file_write(ctx, test_path(0, "file.pth"), b->data, b->size));
    return pr_container_read(table, ctx, test_path(0, "file.pth"), 0);
}

/* A zip file around this pickle, with storage 0 of floats 0, 1, ... 23. */
static void make_zip(zip_maker *z, const bytes *pickle)
{
    float values[24];
    for (int k = 0; k < 24; k++) values[k] = (float)k;
    memset(z, 0, sizeof *z);
    zip_entry(z, "archive/data.pkl", pickle->data, pickle->size);
    zip_entry(z, "archive/byteorder", "little", 6);
    zip_entry(z, "archive/data/0", values, sizeof values);
    zip_entry(z, "archive/version", "3\n", 2);
    zip_end(z);
}

/* {"w": tensor} with these axes over storage 0. */
static void make_dict(bytes *pickle, const char *type, int64_t count, int64_t offset, int rank,
                      const int64_t *size, const int64_t *stride)
{
    pickle->size = 0;
    add_text(pickle, "\x80\2}");
    add_string(pickle, "w");
    add_tensor(pickle, type, "0", count, offset, rank, size, stride, 0);
    add_text(pickle, "s.");
}

static bytes pickle;
static zip_maker maker;

static prune_status read_dict(pr_table *table, prune_context *ctx, const char *type, int64_t count,
                              int64_t offset, int rank, const int64_t *size, const int64_t *stride)
{
    make_dict(&pickle, type, count, offset, rank, size, stride);
    make_zip(&maker, &pickle);
    return read_bytes(table, ctx, &maker.file);
}

START_TEST(strides_and_offsets)
{
    prune_context *ctx = test_context(1);
    pr_table table;
    ck_ok(read_dict(&table, ctx, "FloatStorage", 24, 4, 2, (int64_t[]){2, 3}, (int64_t[]){3, 1}));
    const pr_tensor *w = pr_table_find(&table, "w");
    for (int k = 0; k < 6; k++) ck_assert_float_eq(pr_f32(w)[k], (float)(4 + k));
    ck_assert_ptr_nonnull(w->buffer->release); /* shares the mapping */
    pr_table_free(&table);
    /* transposed */
    ck_ok(read_dict(&table, ctx, "FloatStorage", 24, 0, 2, (int64_t[]){3, 2}, (int64_t[]){1, 3}));
    static const float wanted[6] = {0, 3, 1, 4, 2, 5};
    w = pr_table_find(&table, "w");
    for (int k = 0; k < 6; k++) ck_assert_float_eq(pr_f32(w)[k], wanted[k]);
    pr_table_free(&table);
    /* a scalar, an empty tensor, other types */
    ck_ok(read_dict(&table, ctx, "FloatStorage", 24, 23, 0, NULL, NULL));
    ck_assert_float_eq(pr_f32(pr_table_find(&table, "w"))[0], 23.0f);
    pr_table_free(&table);
    ck_ok(read_dict(&table, ctx, "FloatStorage", 24, 0, 2, (int64_t[]){0, 7}, (int64_t[]){7, 1}));
    ck_assert_int_eq((int)pr_tensor_count(pr_table_find(&table, "w")), 0);
    pr_table_free(&table);
    ck_ok(read_dict(&table, ctx, "HalfStorage", 48, 0, 1, (int64_t[]){48}, (int64_t[]){1}));
    ck_assert_int_eq(pr_table_find(&table, "w")->dtype, PR_F16);
    pr_table_free(&table);
    prune_context_free(ctx);
}
END_TEST

START_TEST(axes_beyond_the_storage)
{
    prune_context *ctx = test_context(1);
    pr_table t;
    static const char f[] = "FloatStorage";
    ck_fails(read_dict(&t, ctx, f, 24, 0, 2, (int64_t[]){5, 5}, (int64_t[]){5, 1}), PRUNE_E_FORMAT,
             "tensor 'w'");
    ck_fails(read_dict(&t, ctx, f, 24, 1, 1, (int64_t[]){24}, (int64_t[]){1}), PRUNE_E_FORMAT,
             "beyond its storage");
    ck_fails(read_dict(&t, ctx, f, 24, -1, 1, (int64_t[]){4}, (int64_t[]){1}), PRUNE_E_FORMAT,
             "beyond its storage");
    ck_fails(read_dict(&t, ctx, f, 24, 0, 1, (int64_t[]){-4}, (int64_t[]){1}), PRUNE_E_FORMAT,
             "non-negative");
    ck_fails(read_dict(&t, ctx, f, 24, 0, 1, (int64_t[]){2}, (int64_t[]){-1}), PRUNE_E_FORMAT,
             "non-negative");
    int64_t big = INT64_MAX / 2;
    ck_fails(read_dict(&t, ctx, f, 24, 0, 2, (int64_t[]){big, big}, (int64_t[]){0, 0}),
             PRUNE_E_FORMAT, "tensor 'w'");
    ck_fails(read_dict(&t, ctx, f, 24, 0, 2, (int64_t[]){2, 2}, (int64_t[]){big, big}),
             PRUNE_E_FORMAT, "beyond its storage");
    /* the storage itself lies about its size */
    ck_fails(read_dict(&t, ctx, f, 25, 0, 1, (int64_t[]){25}, (int64_t[]){1}), PRUNE_E_FORMAT,
             "has 96 bytes, expected 100");
    ck_fails(read_dict(&t, ctx, f, INT64_MAX, 0, 1, (int64_t[]){25}, (int64_t[]){1}),
             PRUNE_E_FORMAT, "impossibly large");
    /* one float shown a million times */
    ck_fails(read_dict(&t, ctx, f, 24, 0, 1, (int64_t[]){1000000}, (int64_t[]){0}), PRUNE_E_MEMORY,
             "twice as large");
    prune_context_free(ctx);
}
END_TEST

/* {"epoch": 3, "optimizer": <unknown class>, "model": OrderedDict(module.w = tensor)} */
START_TEST(wrappers_and_unknown_classes)
{
    prune_context *ctx = test_context(1);
    pr_table table;
    bytes *p = &pickle;
    p->size = 0;
    add_text(p, "\x80\2}(");
    add_string(p, "epoch");
    add_text(p, "K\3");
    add_string(p, "optimizer");
    add_text(p, "cos\nsystem\n(");
    add_string(p, "echo never");
    add_text(p, "tR}");
    add_string(p, "state");
    add_text(p, "K\1sb");
    add_string(p, "model");
    add_text(p, "ccollections\nOrderedDict\n)R");
    add_string(p, "module.w");
    add_tensor(p, "FloatStorage", "0", 24, 0, 1, (int64_t[]){2}, (int64_t[]){1}, 0);
    add_text(p, "s}");
    add_string(p, "_metadata");
    add_text(p, "}sb");
    add_text(p, "u.");
    make_zip(&maker, p);
    ck_ok(read_bytes(&table, ctx, &maker.file));
    ck_assert_uint_eq(table.count, 1);
    ck_assert_str_eq(table.items[0].name, "module.w");
    pr_table_free(&table);
    prune_context_free(ctx);
}
END_TEST

static void pickle_fails(prune_context *ctx, const char *data, size_t size, const char *part)
{
    pr_pickle out;
    prune_status status = pr_pickle_read(&out, ctx, (const uint8_t *)data, size);
    ck_assert_msg(status == PRUNE_E_FORMAT || status == PRUNE_E_UNSUPPORTED, "accepted: %s", part);
    ck_assert_msg(strstr(prune_last_error(), part) != NULL, "message \"%s\" lacks \"%s\"",
                  prune_last_error(), part);
}
#define BAD_PICKLE(text, part) pickle_fails(ctx, text, sizeof text - 1, part)

START_TEST(hostile_pickles)
{
    prune_context *ctx = test_context(1);
    BAD_PICKLE("", "no protocol");
    BAD_PICKLE("\x80\4N.", "protocol 4");
    BAD_PICKLE("\x80\2N", "truncated");
    BAD_PICKLE("\x80\2.", "full stack");
    BAD_PICKLE("\x80\2NN.", "full stack");
    BAD_PICKLE("\x80\2(N.", "full stack");
    BAD_PICKLE("\x80\2R.", "empty stack");
    BAD_PICKLE("\x80\2t.", "no mark");
    BAD_PICKLE("\x80\2N(R.", "empty stack"); /* cannot reach below a mark */
    BAD_PICKLE("\x80\2N\x86.", "empty stack");
    BAD_PICKLE("\x80\2h\7.", "unknown memo");
    BAD_PICKLE("\x80\2Nr\xff\xff\xff\x7f.", "memo index");
    BAD_PICKLE("\x80\2X\xff\xff\xff\x7f"
               "a.",
               "string too long");
    BAD_PICKLE("\x80\2X\2\0\0\0\xc3(.", "not UTF-8");
    BAD_PICKLE("\x80\2X\x10\0\0\0abc.", "truncated");
    BAD_PICKLE("\x80\2NNs.", "empty stack");
    BAD_PICKLE("\x80\2NNNs.", "holds none");
    BAD_PICKLE("\x80\2}(Nu.", "without a value");
    BAD_PICKLE("\x80\2cos\nsys\1tem\n.", "bad class name");
    BAD_PICKLE("\x80\2cos", "truncated");
    BAD_PICKLE("\x80\2(cos\nsystem\no.", "not allowed"); /* OBJ */
    BAD_PICKLE("\x80\2\x82\1.", "not allowed");          /* EXT1 */
    BAD_PICKLE("\x80\2Pid\n.", "not allowed");           /* text persistent id */
    BAD_PICKLE("\x80\2NQ.", "without description");
    BAD_PICKLE("\x80\2)Q.", "wrong description");
    BAD_PICKLE("\x80\2(X\6\0\0\0moduletQ.", "pickled model object");
    BAD_PICKLE("\x80\2ctorch._utils\n_rebuild_tensor_v2\n)R.", "wrong arguments");
    BAD_PICKLE("\x80\2\x8a\x09"
               "123456789.",
               "integer too large");
    /* a list of lists of marks */
    char deep[2200] = "\x80\2";
    memset(deep + 2, '(', 2100);
    pickle_fails(ctx, deep, 2102, "nested too deeply");
    prune_context_free(ctx);
}
END_TEST

/* A dict that contains itself under "model" ends in an error, not in a loop. */
START_TEST(cyclic_memo)
{
    prune_context *ctx = test_context(1);
    pr_table table;
    bytes *p = &pickle;
    p->size = 0;
    add(p, "\x80\2}q\0", 5);
    add_string(p, "model");
    add(p, "h\0s.", 4);
    make_zip(&maker, p);
    ck_fails(read_bytes(&table, ctx, &maker.file), PRUNE_E_FORMAT, "no state dict");
    prune_context_free(ctx);
}
END_TEST

START_TEST(hostile_zips)
{
    prune_context *ctx = test_context(1);
    pr_table table;
    make_dict(&pickle, "FloatStorage", 24, 0, 1, (int64_t[]){24}, (int64_t[]){1});
    make_zip(&maker, &pickle);
    bytes good = maker.file, bad = good;
    ck_ok(read_bytes(&table, ctx, &good));
    pr_table_free(&table);
    for (size_t cut = 4; cut < good.size; cut += 13) { /* every kind of truncation */
        bad = good;
        bad.size = cut;
        ck_fails(read_bytes(&table, ctx, &bad), PRUNE_E_FORMAT, "file.pth");
    }
    /* compressed, overlapping, misnamed, outside, on another disk */
    size_t central = good.size - 22 - maker.central.size;
    bad = good;
    bad.data[central + 10] = 8;
    ck_fails(read_bytes(&table, ctx, &bad), PRUNE_E_UNSUPPORTED, "compressed");
    bad = good;
    bad.data[central + 8] |= 1;
    ck_fails(read_bytes(&table, ctx, &bad), PRUNE_E_UNSUPPORTED, "encrypted");
    bad = good;
    bad.data[central + 21] = bad.data[central + 25] = 1;
    ck_fails(read_bytes(&table, ctx, &bad), PRUNE_E_FORMAT, "zip archive");
    bad = good;
    bad.data[central + 46] = '/';
    ck_fails(read_bytes(&table, ctx, &bad), PRUNE_E_FORMAT, "unsafe name");
    bad = good;
    bad.data[central + 50] = 'X';
    ck_fails(read_bytes(&table, ctx, &bad), PRUNE_E_FORMAT, "names differ");
    bad = good;
    bad.data[central + 45] = 0x7f;
    ck_fails(read_bytes(&table, ctx, &bad), PRUNE_E_FORMAT, "outside the file");
    bad = good;
    bad.data[good.size - 18] = 1;
    ck_fails(read_bytes(&table, ctx, &bad), PRUNE_E_FORMAT, "several disks");
    bad = good;
    bad.data[good.size - 7] = 0x7f; /* directory size */
    ck_fails(read_bytes(&table, ctx, &bad), PRUNE_E_FORMAT, "directory");
    memset(&maker, 0, sizeof maker);
    zip_entry(&maker, "a/constants.pkl", "x", 1);
    zip_entry(&maker, "a/data.pkl", pickle.data, pickle.size);
    zip_end(&maker);
    ck_fails(read_bytes(&table, ctx, &maker.file), PRUNE_E_UNSUPPORTED, "TorchScript");
    memset(&maker, 0, sizeof maker);
    zip_entry(&maker, "a/data.pkl", pickle.data, pickle.size);
    zip_entry(&maker, "a/data.pkl", pickle.data, pickle.size);
    zip_end(&maker);
    ck_fails(read_bytes(&table, ctx, &maker.file), PRUNE_E_FORMAT, "one name");
    memset(&maker, 0, sizeof maker);
    zip_entry(&maker, "a/data.pkl", pickle.data, pickle.size);
    zip_entry(&maker, "a/byteorder", "big", 3);
    zip_end(&maker);
    ck_fails(read_bytes(&table, ctx, &maker.file), PRUNE_E_UNSUPPORTED, "big-endian");
    prune_context_free(ctx);
}
END_TEST

/* Flipped bytes never crash; what still reads has the one tensor. */
START_TEST(flipped_bytes)
{
    prune_context *ctx = test_context(1);
    pr_table table;
    pr_random random;
    pr_random_seed(&random, 5, 0);
    make_dict(&pickle, "FloatStorage", 24, 0, 2, (int64_t[]){4, 6}, (int64_t[]){1, 4});
    make_zip(&maker, &pickle);
    for (int round = 0; round < 400; round++) {
        bytes bad = maker.file;
        for (uint32_t flips = 1 + pr_random_below(&random, 3); flips > 0; flips--)
            bad.data[pr_random_below(&random, (uint32_t)bad.size)] =
                (uint8_t)pr_random_u32(&random);
        if (read_bytes(&table, ctx, &bad) == PRUNE_OK) {
            ck_assert_uint_le(table.count, 1);
            pr_table_free(&table);
        } else {
            ck_assert_ptr_nonnull(strstr(prune_last_error(), "file.pth"));
        }
    }
    prune_context_free(ctx);
}
END_TEST

static void make_legacy(bytes *b, int64_t count, int little, int64_t told)
{
    float values[6] = {1, 2, 3, 4, 5, 6};
    b->size = 0;
    add(b, "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
    add(b, "\x80\2M\xe9\3.", 6);
    add_text(b, "\x80\2}");
    add_string(b, "little_endian");
    add_text(b, little ? "\x88s." : "\x89s.");
    add_text(b, "\x80\2}");
    add_string(b, "w");
    add_tensor(b, "FloatStorage", "94", count, 0, 2, (int64_t[]){3, 2}, (int64_t[]){1, 3}, 1);
    add_text(b, "s.\x80\2](");
    add_string(b, "94");
    add_text(b, "e.");
    add_number(b, (uint64_t)told, 8);
    add(b, values, sizeof values);
}

START_TEST(legacy_stream)
{
    prune_context *ctx = test_context(1);
    pr_table table;
    make_legacy(&pickle, 6, 1, 6);
    ck_ok(read_bytes(&table, ctx, &pickle));
    static const float wanted[6] = {1, 4, 2, 5, 3, 6};
    for (int k = 0; k < 6; k++)
        ck_assert_float_eq(pr_f32(pr_table_find(&table, "w"))[k], wanted[k]);
    pr_table_free(&table);
    make_legacy(&pickle, 6, 0, 6);
    ck_fails(read_bytes(&table, ctx, &pickle), PRUNE_E_UNSUPPORTED, "big-endian");
    make_legacy(&pickle, 7, 1, 7);
    ck_fails(read_bytes(&table, ctx, &pickle), PRUNE_E_FORMAT, "truncated");
    make_legacy(&pickle, 6, 1, 5);
    ck_fails(read_bytes(&table, ctx, &pickle), PRUNE_E_FORMAT, "expected 6 elements");
    make_legacy(&pickle, 5, 1, 5);
    ck_fails(read_bytes(&table, ctx, &pickle), PRUNE_E_FORMAT, "beyond its storage");
    make_legacy(&pickle, 6, 1, 6);
    for (size_t cut = pickle.size - 1; cut >= 15; cut -= 7) {
        bytes bad = pickle;
        bad.size = cut;
        ck_fails(read_bytes(&table, ctx, &bad), PRUNE_E_FORMAT, "file.pth");
    }
    prune_context_free(ctx);
}
END_TEST

START_TEST(other_files_get_advice)
{
    static const struct {
        const char *text, *part;
    } files[] = {{"", "empty"},
                 {"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"},
                 {"<!DOCTYPE html><html>", "web page"},
                 {"PYTORCH1 and so on", "preview"},
                 {"\x80\2}.", "bare pickle"},
                 {"hello", "neither zstd"}};
    prune_context *ctx = test_context(1);
    pr_table table;
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        bytes b = {.size = 0};
        add_text(&b, files[k].text);
        ck_assert_int_ne(read_bytes(&table, ctx, &b), PRUNE_OK);
        ck_assert_msg(strstr(prune_last_error(), files[k].part) != NULL, "%s", prune_last_error());
    }
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("formats/pytorch", strides_and_offsets, axes_beyond_the_storage,
          wrappers_and_unknown_classes, hostile_pickles, cyclic_memo, hostile_zips, flipped_bytes,
          legacy_stream, other_files_get_advice)
