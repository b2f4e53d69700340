/* Every attack of a PyTorch file's pickle, and of tensors over storages, in both containers. */
#include "tests/formats/hostile.h"

/* --- a pickle in either container ------------------------------------------------------------ */

typedef struct pickled {
    const char *name;
    void (*make)(bytes *pickle, int legacy);
    const char *literal; /* behind "\x80\2" */
    size_t size;
    prune_status status;
    const char *zip, *legacy; /* messages; legacy NULL: the same */
} pickled;

static void put_in_zip(bytes *file, const bytes *pickle)
{
    static zip_maker z;
    static const float values[24] = {1, 2, 3};
    memset(&z, 0, sizeof z);
    zip_entry(&z, "a/data.pkl", pickle->data, pickle->size);
    zip_entry(&z, "a/data/0", values, sizeof values);
    zip_end(&z);
    *file = z.file;
}

/* The stream up to its object. */
static void legacy_start(bytes *file)
{
    file->size = 0;
    add(file, "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
    add(file, "\x80\2M\xe9\3.\x80\2}", 9);
    add_string(file, "little_endian");
    add_text(file, "\x88s.");
}

/* The storages behind it: key "0" with 24 floats. */
static void legacy_end(bytes *file)
{
    static const float values[24] = {1, 2, 3};
    add_text(file, "\x80\2](");
    add_string(file, "0");
    add_text(file, "e.");
    add_number(file, 24, 8);
    add(file, values, sizeof values);
}

static void put_in_stream(bytes *file, const bytes *pickle)
{
    legacy_start(file);
    add(file, pickle->data, pickle->size);
    legacy_end(file);
}

static void check(const pickled *row, int legacy)
{
    static bytes pickle, file;
    meter m;
    prune_context *ctx = NULL;
    ck_ok(meter_context(&ctx, &m));
    pickle.size = 0;
    if (row->make)
        row->make(&pickle, legacy);
    else
        add(&pickle, row->literal, row->size);
    if (legacy)
        put_in_stream(&file, &pickle);
    else
        put_in_zip(&file, &pickle);
    const char *path = attack_path("attack"),
               *wanted = legacy && row->legacy ? row->legacy : row->zip;
    ck_ok(pr_file_write(ctx, path, file.data, file.size));
    pr_table table;
    meter before = m;
    m.peak = m.held;
    prune_status status = pr_container_read(&table, ctx, path, 0);
    if (status == PRUNE_OK) pr_table_free(&table);
    if (getenv("PRUNE_HOSTILE_PRINT")) {
        (void)printf("%s\t%d\t%s\t%s\n", row->name, legacy, prune_status_name(status),
                     status == PRUNE_OK ? "" : prune_last_error() + strlen(path) + 2);
    } else {
        check_message(row->name, status, row->status, path, wanted);
        check_cost(row->name, &m, &before, file.size, 256 * pickle.size);
    }
    prune_context_free(ctx);
}

#define OBJECT(text) NULL, text, sizeof(text) - 1

#define BROKEN(what) what "; the file is damaged or not a PyTorch file"
#define REFUSED(code)                                                                              \
    "operation " code " is not allowed; save the state dict with torch.save and its defaults"

/* --- 2.1: operations ------------------------------------------------------------------------- */

static void many(bytes *b, int legacy)
{
    (void)legacy;
    add_text(b, "\x80\2");
    for (int k = 0; k < 1001; k++) add_text(b, "(");
}

static void long_line(bytes *b, int legacy)
{
    (void)legacy;
    add_text(b, "\x80\2c");
    for (int k = 0; k < 257; k++) add_text(b, "m");
    add_text(b, "\nn\n.");
}

/* OrderedDict(list) again and again: each call copies the list's 4000 pairs. */
static void doubling(bytes *b, int legacy)
{
    (void)legacy;
    add_text(b, "\x80\2](");
    add_text(b, "NN\x86q\1");
    for (int k = 0; k < 4000; k++) add(b, "h\1", 2);
    add_text(b, "eq\2ccollections\nOrderedDict\nq\3");
    for (int k = 0; k < 3000; k++) add_text(b, "h\3h\2\x85R");
    add_text(b, ".");
}

static void empty_file(bytes *b, int legacy)
{
    (void)legacy;
    b->size = 0;
}

static const pickled operations[] = {
    {"not allowed: INST", OBJECT("\x80\2(ios\nsystem\n."), PRUNE_E_UNSUPPORTED,
     "pickle, byte 3: operation 0x69 is not allowed; save the state dict with torch.save and its "
     "defaults",
     NULL},
    {"not allowed: OBJ", OBJECT("\x80\2(cos\nsystem\no."), PRUNE_E_UNSUPPORTED,
     "pickle, byte 14: operation 0x6f is not allowed; save the state dict with torch.save and its "
     "defaults",
     NULL},
    {"not allowed: EXT1", OBJECT("\x80\2\x82\1."), PRUNE_E_UNSUPPORTED,
     "pickle, byte 2: operation 0x82 is not allowed; save the state dict with torch.save and its "
     "defaults",
     NULL},
    {"not allowed: EXT2", OBJECT("\x80\2\x83\1\1."), PRUNE_E_UNSUPPORTED,
     "pickle, byte 2: operation 0x83 is not allowed; save the state dict with torch.save and its "
     "defaults",
     NULL},
    {"not allowed: EXT4", OBJECT("\x80\2\x84\1\1\1\1."), PRUNE_E_UNSUPPORTED,
     "pickle, byte 2: operation 0x84 is not allowed; save the state dict with torch.save and its "
     "defaults",
     NULL},
    {"not allowed: NEWOBJ_EX", OBJECT("\x80\2\x92."), PRUNE_E_UNSUPPORTED,
     "pickle, byte 2: operation 0x92 is not allowed; save the state dict with torch.save and its "
     "defaults",
     NULL},
    {"not allowed: PERSID", OBJECT("\x80\2Pid\n."), PRUNE_E_UNSUPPORTED,
     "pickle, byte 2: operation 0x50 is not allowed; save the state dict with torch.save and its "
     "defaults",
     NULL},
    {"not allowed: POP", OBJECT("\x80\2N0."), PRUNE_E_UNSUPPORTED,
     "pickle, byte 3: operation 0x30 is not allowed; save the state dict with torch.save and its "
     "defaults",
     NULL},
    {"not allowed: POP_MARK", OBJECT("\x80\2(1."), PRUNE_E_UNSUPPORTED,
     "pickle, byte 3: operation 0x31 is not allowed; save the state dict with torch.save and its "
     "defaults",
     NULL},
    {"not allowed: DUP", OBJECT("\x80\2N2."), PRUNE_E_UNSUPPORTED,
     "pickle, byte 3: operation 0x32 is not allowed; save the state dict with torch.save and its "
     "defaults",
     NULL},
    {"not allowed: text INT", OBJECT("\x80\2I1\n."), PRUNE_E_UNSUPPORTED,
     "pickle, byte 2: operation 0x49 is not allowed; save the state dict with torch.save and its "
     "defaults",
     NULL},
    {"not allowed: text GET", OBJECT("\x80\2g0\n."), PRUNE_E_UNSUPPORTED,
     "pickle, byte 2: operation 0x67 is not allowed; save the state dict with torch.save and its "
     "defaults",
     NULL},
    {"not allowed: LONG4", OBJECT("\x80\2\x8b\1\0\0\0\1."), PRUNE_E_UNSUPPORTED,
     "pickle, byte 2: operation 0x8b is not allowed; save the state dict with torch.save and its "
     "defaults",
     NULL},
    {"not allowed: FRAME", OBJECT("\x80\2\x95\0\0\0\0\0\0\0\0."), PRUNE_E_UNSUPPORTED,
     "pickle, byte 2: operation 0x95 is not allowed; save the state dict with torch.save and its "
     "defaults",
     NULL},
    {"not allowed: STACK_GLOBAL", OBJECT("\x80\2\x93."), PRUNE_E_UNSUPPORTED,
     "pickle, byte 2: operation 0x93 is not allowed; save the state dict with torch.save and its "
     "defaults",
     NULL},
    {"not allowed: MEMOIZE", OBJECT("\x80\2N\x94."), PRUNE_E_UNSUPPORTED,
     "pickle, byte 3: operation 0x94 is not allowed; save the state dict with torch.save and its "
     "defaults",
     NULL},
    {"not allowed: a zero byte", OBJECT("\x80\2\0."), PRUNE_E_UNSUPPORTED,
     "pickle, byte 2: operation 0x00 is not allowed; save the state dict with torch.save and its "
     "defaults",
     NULL},
    {"protocol 0", OBJECT("(dp0\n."), PRUNE_E_FORMAT,
     "pickle, byte 0: no protocol number; the file is damaged or not a PyTorch file", NULL},
    {"protocol 3", OBJECT("\x80\3N."), PRUNE_E_UNSUPPORTED,
     "pickle protocol 3: save the file with torch.save's default protocol 2", NULL},
    {"protocol 4", OBJECT("\x80\4N."), PRUNE_E_UNSUPPORTED,
     "pickle protocol 4: save the file with torch.save's default protocol 2", NULL},
    {"protocol 5", OBJECT("\x80\5N."), PRUNE_E_UNSUPPORTED,
     "pickle protocol 5: save the file with torch.save's default protocol 2", NULL},
    {"protocol again", OBJECT("\x80\2\x80\2N."), PRUNE_E_UNSUPPORTED,
     "pickle, byte 2: operation 0x80 is not allowed; save the state dict with torch.save and its "
     "defaults",
     NULL},
    {"no end", OBJECT("\x80\2NX\1\0\0\1"), PRUNE_E_FORMAT,
     "pickle, byte 8: string too long; the file is damaged or not a PyTorch file", NULL},
    {"nothing to return", OBJECT("\x80\2."), PRUNE_E_FORMAT,
     "pickle, byte 3: ends with a full stack; the file is damaged or not a PyTorch file", NULL},
    {"two results", OBJECT("\x80\2NN."), PRUNE_E_FORMAT,
     "pickle, byte 5: ends with a full stack; the file is damaged or not a PyTorch file", NULL},
    {"an open mark at the end", OBJECT("\x80\2(N."), PRUNE_E_FORMAT,
     "pickle, byte 5: ends with a full stack; the file is damaged or not a PyTorch file", NULL},
    {"underflow: REDUCE", OBJECT("\x80\2R."), PRUNE_E_FORMAT,
     "pickle, byte 3: empty stack; the file is damaged or not a PyTorch file", NULL},
    {"underflow: NEWOBJ", OBJECT("\x80\2N\x81."), PRUNE_E_FORMAT,
     "pickle, byte 4: empty stack; the file is damaged or not a PyTorch file", NULL},
    {"underflow: BUILD", OBJECT("\x80\2Nb."), PRUNE_E_FORMAT,
     "pickle, byte 4: empty stack; the file is damaged or not a PyTorch file", NULL},
    {"underflow: APPEND", OBJECT("\x80\2Na."), PRUNE_E_FORMAT,
     "pickle, byte 4: empty stack; the file is damaged or not a PyTorch file", NULL},
    {"underflow: SETITEM", OBJECT("\x80\2NNs."), PRUNE_E_FORMAT,
     "pickle, byte 5: empty stack; the file is damaged or not a PyTorch file", NULL},
    {"underflow: TUPLE2", OBJECT("\x80\2N\x86."), PRUNE_E_FORMAT,
     "pickle, byte 4: empty stack; the file is damaged or not a PyTorch file", NULL},
    {"underflow: BINPUT", OBJECT("\x80\2q\1."), PRUNE_E_FORMAT,
     "pickle, byte 4: empty stack; the file is damaged or not a PyTorch file", NULL},
    {"underflow: BINPERSID", OBJECT("\x80\2Q."), PRUNE_E_FORMAT,
     "pickle, byte 3: empty stack; the file is damaged or not a PyTorch file", NULL},
    {"reach below a mark", OBJECT("\x80\2N(R."), PRUNE_E_FORMAT,
     "pickle, byte 5: empty stack; the file is damaged or not a PyTorch file", NULL},
    {"no mark: TUPLE", OBJECT("\x80\2t."), PRUNE_E_FORMAT,
     "pickle, byte 3: no mark; the file is damaged or not a PyTorch file", NULL},
    {"no mark: APPENDS", OBJECT("\x80\2]Ne."), PRUNE_E_FORMAT,
     "pickle, byte 5: no mark; the file is damaged or not a PyTorch file", NULL},
    {"no mark: SETITEMS", OBJECT("\x80\2}Nu."), PRUNE_E_FORMAT,
     "pickle, byte 5: no mark; the file is damaged or not a PyTorch file", NULL},
    {"marks too deep", MAKER(many), PRUNE_E_FORMAT,
     "pickle, byte 1003: nested too deeply; the file is damaged or not a PyTorch file", NULL},
    {"memo: never set", OBJECT("\x80\2h\7."), PRUNE_E_FORMAT,
     "pickle, byte 4: unknown memo entry; the file is damaged or not a PyTorch file", NULL},
    {"memo: far away", OBJECT("\x80\2Nr\xff\xff\xff\x7f."), PRUNE_E_FORMAT,
     "pickle, byte 8: memo index out of range; the file is damaged or not a PyTorch file", NULL},
    {"memo: far away, read", OBJECT("\x80\2j\xff\xff\xff\xff."), PRUNE_E_FORMAT,
     "pickle, byte 7: unknown memo entry; the file is damaged or not a PyTorch file", NULL},
    {"string: longer than the limit", OBJECT("\x80\2X\1\0\x10\0."), PRUNE_E_FORMAT,
     "pickle, byte 7: string too long; the file is damaged or not a PyTorch file", NULL},
    {"string: negative length", OBJECT("\x80\2T\xff\xff\xff\xff."), PRUNE_E_FORMAT,
     "pickle, byte 7: string too long; the file is damaged or not a PyTorch file", NULL},
    {"string: not UTF-8", OBJECT("\x80\2X\2\0\0\0\xc3(."), PRUNE_E_FORMAT,
     "pickle, byte 9: string is not UTF-8; the file is damaged or not a PyTorch file", NULL},
    {"string: overlong UTF-8", OBJECT("\x80\2X\2\0\0\0\xc0\xaf."), PRUNE_E_FORMAT,
     "pickle, byte 9: string is not UTF-8; the file is damaged or not a PyTorch file", NULL},
    {"class name: control character", OBJECT("\x80\2cos\nsys\1tem\n."), PRUNE_E_FORMAT,
     "pickle, byte 9: bad class name; the file is damaged or not a PyTorch file", NULL},
    {"class name: too long", MAKER(long_line), PRUNE_E_FORMAT,
     "pickle, byte 259: bad class name; the file is damaged or not a PyTorch file", NULL},
    {"integer: nine bytes",
     OBJECT("\x80\2\x8a\x09"
            "123456789."),
     PRUNE_E_FORMAT,
     "pickle, byte 13: integer too large; the file is damaged or not a PyTorch file", NULL},
    {"integer: 255 bytes", OBJECT("\x80\2\x8a\xff."), PRUNE_E_FORMAT,
     "pickle, byte 4: truncated; the file is damaged or not a PyTorch file", NULL},
    {"items: into a tuple", OBJECT("\x80\2)Na."), PRUNE_E_FORMAT,
     "pickle, byte 5: items for what holds none; the file is damaged or not a PyTorch file", NULL},
    {"items: into a number", OBJECT("\x80\2K\1(NNu."), PRUNE_E_FORMAT,
     "pickle, byte 8: items for what holds none; the file is damaged or not a PyTorch file", NULL},
    {"items: a key without a value", OBJECT("\x80\2}(Nu."), PRUNE_E_FORMAT,
     "pickle, byte 6: a key without a value; the file is damaged or not a PyTorch file", NULL},
    {"call: without arguments", OBJECT("\x80\2cos\nsystem\nNR."), PRUNE_E_FORMAT,
     "pickle, byte 15: a call without arguments; the file is damaged or not a PyTorch file", NULL},
    {"call: OrderedDict of numbers", OBJECT("\x80\2ccollections\nOrderedDict\n](K\1K\2e\x85R."),
     PRUNE_E_FORMAT,
     "pickle, byte 36: an OrderedDict of something else than pairs; the file is damaged or not a "
     "PyTorch file",
     NULL},
    {"call: the system is never called", OBJECT("\x80\2cos\nsystem\nX\4\0\0\0exit\x85R."),
     PRUNE_E_UNSUPPORTED,
     "the file holds an object of class 'system', not a state dict: save model.state_dict() "
     "instead",
     NULL},
    {"call: a tensor without arguments", OBJECT("\x80\2ctorch._utils\n_rebuild_tensor_v2\n)R."),
     PRUNE_E_FORMAT,
     "pickle, byte 37: a tensor with the wrong arguments; the file is damaged or not a PyTorch "
     "file",
     NULL},
    {"copies: lists doubled by calls", MAKER(doubling), PRUNE_E_FORMAT,
     "pickle, byte 8195: too many items; the file is damaged or not a PyTorch file", NULL},
    {"a pickle of no bytes", MAKER(empty_file), PRUNE_E_FORMAT,
     "pickle, byte 0: no protocol number; the file is damaged or not a PyTorch file",
     "no state dict in the file: expected a dict of tensors, or one under 'state_dict' or 'model'"},
};

START_TEST(every_operation)
{
    for (size_t k = 0; k < sizeof operations / sizeof *operations; k++)
        for (int legacy = 0; legacy < 2; legacy++) check(&operations[k], legacy);
}
END_TEST

/* --- 2.2, 2.3: storages and objects ---------------------------------------------------------- */

static const pickled objects[] = {
    {"storage: no description", OBJECT("\x80\2NQ."), PRUNE_E_FORMAT,
     "pickle, byte 4: a storage without description; the file is damaged or not a PyTorch file",
     NULL},
    {"storage: an empty one", OBJECT("\x80\2)Q."), PRUNE_E_FORMAT,
     "pickle, byte 4: a storage with the wrong description; the file is damaged or not a PyTorch "
     "file",
     NULL},
    {"storage: of a number", OBJECT("\x80\2(X\7\0\0\0storageK\1K\1K\1K\1tQ."), PRUNE_E_FORMAT,
     "pickle, byte 25: a storage with the wrong description; the file is damaged or not a PyTorch "
     "file",
     NULL},
    {"storage: a whole module", OBJECT("\x80\2(X\6\0\0\0moduletQ."), PRUNE_E_UNSUPPORTED,
     "the file holds a pickled model object, not a state dict: save model.state_dict() instead",
     NULL},
    {"storage: a negative count",
     OBJECT("\x80\2(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"
            "0X\3\0\0\0cpuJ\xff\xff\xff\xfftQ."),
     PRUNE_E_FORMAT,
     "pickle, byte 56: a storage with the wrong description; the file is damaged or not a PyTorch "
     "file",
     NULL},
    {"root: a number", OBJECT("\x80\2K\1."), PRUNE_E_FORMAT,
     "no state dict in the file: expected a dict of tensors, or one under 'state_dict' or 'model'",
     NULL},
    {"root: a list", OBJECT("\x80\2]."), PRUNE_E_FORMAT,
     "no state dict in the file: expected a dict of tensors, or one under 'state_dict' or 'model'",
     NULL},
    {"root: an empty dict", OBJECT("\x80\2}."), PRUNE_E_FORMAT,
     "no state dict in the file: expected a dict of tensors, or one under 'state_dict' or 'model'",
     NULL},
    {"root: an unknown object", OBJECT("\x80\2cmy\nNet\n)R."), PRUNE_E_UNSUPPORTED,
     "the file holds an object of class 'Net', not a state dict: save model.state_dict() instead",
     NULL},
    {"root: contains itself", OBJECT("\x80\2}q\1X\5\0\0\0modelh\1s."), PRUNE_E_FORMAT,
     "no state dict in the file: expected a dict of tensors, or one under 'state_dict' or 'model'",
     NULL},
    {"root: a list that contains itself", OBJECT("\x80\2]q\1h\1a."), PRUNE_E_FORMAT,
     "no state dict in the file: expected a dict of tensors, or one under 'state_dict' or 'model'",
     NULL},
    {"wrappers: too many layers",
     OBJECT("\x80\2}X\5\0\0\0model}X\5\0\0\0model}X\5\0\0\0model}X\5\0\0\0model}X\5\0\0\0model}"
            "sssss."),
     PRUNE_E_FORMAT,
     "no state dict in the file: expected a dict of tensors, or one under 'state_dict' or 'model'",
     NULL},
};

START_TEST(every_object)
{
    for (size_t k = 0; k < sizeof objects / sizeof *objects; k++)
        for (int legacy = 0; legacy < 2; legacy++) check(&objects[k], legacy);
}
END_TEST

/* --- 1.5: tensors over storages -------------------------------------------------------------- */

#define AXES(...)                                                                                  \
    (int64_t[])                                                                                    \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define BIG (INT64_MAX / 2)

static void one_tensor(bytes *b, int legacy, const char *type, const char *key, int64_t count,
                       int64_t offset, int rank, const int64_t *size, const int64_t *stride)
{
    add_text(b, "\x80\2}");
    add_string(b, "w");
    add_tensor(b, type, key, count, offset, rank, size, stride, legacy);
    add_text(b, "s.");
}

#define TENSOR(name, ...)                                                                          \
    static void name(bytes *b, int legacy)                                                         \
    {                                                                                              \
        one_tensor(b, legacy, __VA_ARGS__);                                                        \
    }
TENSOR(beyond, "FloatStorage", "0", 24, 0, 2, AXES(5, 5), AXES(5, 1))
TENSOR(beyond_offset, "FloatStorage", "0", 24, 1, 1, AXES(24), AXES(1))
TENSOR(negative_offset, "FloatStorage", "0", 24, -1, 1, AXES(4), AXES(1))
TENSOR(huge_offset, "FloatStorage", "0", 24, INT64_MAX, 1, AXES(4), AXES(1))
TENSOR(negative_size, "FloatStorage", "0", 24, 0, 1, AXES(-4), AXES(1))
TENSOR(negative_stride, "FloatStorage", "0", 24, 23, 1, AXES(2), AXES(-1))
TENSOR(huge_product, "FloatStorage", "0", 24, 0, 2, AXES(BIG, BIG), AXES(0, 0))
TENSOR(huge_stride, "FloatStorage", "0", 24, 0, 2, AXES(2, 2), AXES(BIG, BIG))
TENSOR(nine_axes, "FloatStorage", "0", 24, 0, 9, AXES(1, 1, 1, 1, 1, 1, 1, 1, 1),
       AXES(1, 1, 1, 1, 1, 1, 1, 1, 1))
TENSOR(amplified, "FloatStorage", "0", 24, 0, 1, AXES(1000000), AXES(0))
TENSOR(long_key, "FloatStorage",
       "0123456789012345678901234567890123456789012345678901234567890123456", 24, 0, 1, AXES(1),
       AXES(1))
TENSOR(absent_key, "FloatStorage", "7", 24, 0, 1, AXES(1), AXES(1))
TENSOR(parent_key, "FloatStorage", "../data.pkl", 24, 0, 1, AXES(1), AXES(1))
TENSOR(wide_type, "DoubleStorage", "0", 24, 0, 1, AXES(24), AXES(1))
TENSOR(huge_storage, "FloatStorage", "0", INT64_MAX, 0, 1, AXES(1), AXES(1))

static void uneven_axes(bytes *b, int legacy)
{
    add_text(b, "\x80\2}");
    add_string(b, "w");
    add_text(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    add_string(b, "storage");
    add_text(b, "ctorch\nFloatStorage\n");
    add_string(b, "0");
    add_string(b, "cpu");
    add_text(b, legacy ? "K\x18NtQK\1" : "K\x18tQK\1");
    add_text(b, "K\2\x85)\x89)tRs.");
}

static void text_axes(bytes *b, int legacy)
{
    add_text(b, "\x80\2}");
    add_string(b, "w");
    add_text(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    add_string(b, "storage");
    add_text(b, "ctorch\nFloatStorage\n");
    add_string(b, "0");
    add_string(b, "cpu");
    add_text(b, legacy ? "K\x18NtQK\1" : "K\x18tQK\1");
    add_string(b, "2");
    add_text(b, "\x85K\1\x85\x89)tRs.");
}

/* One name twice, one of no length, one with a NUL, one too long. */
static void named(bytes *b, int legacy, const char *name, size_t length, int times)
{
    add_text(b, "\x80\2}");
    for (int k = 0; k < times; k++) {
        add_text(b, "X");
        add_number(b, length, 4);
        add(b, name, length);
        add_tensor(b, "FloatStorage", "0", 24, 0, 1, AXES(1), AXES(1), legacy);
        add_text(b, "s");
    }
    add_text(b, ".");
}

static void same_names(bytes *b, int legacy)
{
    named(b, legacy, "w", 1, 2);
}

static void empty_name(bytes *b, int legacy)
{
    named(b, legacy, "", 0, 1);
}

static void nul_name(bytes *b, int legacy)
{
    named(b, legacy, "a\0b", 3, 1);
}

static void long_name(bytes *b, int legacy)
{
    static char name[1025];
    memset(name, 'n', sizeof name);
    named(b, legacy, name, sizeof name, 1);
}

static const pickled tensors[] = {
    {"shape beyond the storage", MAKER(beyond), PRUNE_E_FORMAT,
     "tensor 'w': its shape and strides reach beyond its storage of 24 elements", NULL},
    {"offset beyond the storage", MAKER(beyond_offset), PRUNE_E_FORMAT,
     "tensor 'w': its shape and strides reach beyond its storage of 24 elements", NULL},
    {"negative offset", MAKER(negative_offset), PRUNE_E_FORMAT,
     "tensor 'w': its shape and strides reach beyond its storage of 24 elements", NULL},
    {"offset that overflows", MAKER(huge_offset), PRUNE_E_FORMAT,
     "tensor 'w': its shape and strides reach beyond its storage of 24 elements", NULL},
    {"negative size", MAKER(negative_size), PRUNE_E_FORMAT,
     "tensor 'w': its sizes and strides must be non-negative integers", NULL},
    {"negative stride", MAKER(negative_stride), PRUNE_E_FORMAT,
     "tensor 'w': its sizes and strides must be non-negative integers", NULL},
    {"sizes whose product overflows", MAKER(huge_product), PRUNE_E_FORMAT,
     "tensor 'w': its shape and strides reach beyond its storage of 24 elements", NULL},
    {"strides that overflow", MAKER(huge_stride), PRUNE_E_FORMAT,
     "tensor 'w': its shape and strides reach beyond its storage of 24 elements", NULL},
    {"nine axes", MAKER(nine_axes), PRUNE_E_FORMAT,
     "tensor 'w': it has more than 8 axes, or not a stride for each", NULL},
    {"more axes than strides", MAKER(uneven_axes), PRUNE_E_FORMAT,
     "tensor 'w': it has more than 8 axes, or not a stride for each", NULL},
    {"axes of text", MAKER(text_axes), PRUNE_E_FORMAT,
     "tensor 'w': its sizes and strides must be non-negative integers", NULL},
    {"one element shown a million times", MAKER(amplified), PRUNE_E_MEMORY,
     "tensor 'w': views make the file's tensors more than twice as large as the file; it is not an "
     "honest state dict",
     NULL},
    {"storage: name too long", MAKER(long_key), PRUNE_E_FORMAT,
     "tensor 'w': its storage has an overlong name",
     "storage 0 of the stream is unknown, repeated or of an unsupported type"},
    {"storage: not in the file", MAKER(absent_key), PRUNE_E_FORMAT,
     "tensor 'w': its storage 'a/data/7' is not in the file",
     "storage 0 of the stream is unknown, repeated or of an unsupported type"},
    {"storage: another member by its path", MAKER(parent_key), PRUNE_E_FORMAT,
     "tensor 'w': its storage 'a/data/../data.pkl' is not in the file",
     "storage 0 of the stream is unknown, repeated or of an unsupported type"},
    {"storage: wider type than its bytes", MAKER(wide_type), PRUNE_E_FORMAT,
     "tensor 'w': its storage 'a/data/0' has 96 bytes, expected 192",
     "storage 0 of the stream has not the expected 24 elements; is the file truncated?"},
    {"storage: impossibly large", MAKER(huge_storage), PRUNE_E_FORMAT,
     "tensor 'w': its storage is impossibly large",
     "storage 0 of the stream has not the expected 9223372036854775807 elements; is the file "
     "truncated?"},
    {"names: one twice", MAKER(same_names), PRUNE_E_FORMAT,
     "two tensors are named 'w': names must be unique", NULL},
    {"names: empty", MAKER(empty_name), PRUNE_E_FORMAT,
     "a tensor's name is empty, overlong or not UTF-8", NULL},
    {"names: with a NUL", MAKER(nul_name), PRUNE_E_FORMAT,
     "a tensor's name is empty, overlong or not UTF-8", NULL},
    {"names: too long", MAKER(long_name), PRUNE_E_FORMAT,
     "a tensor's name is empty, overlong or not UTF-8", NULL},
};

START_TEST(every_tensor)
{
    for (size_t k = 0; k < sizeof tensors / sizeof *tensors; k++)
        for (int legacy = 0; legacy < 2; legacy++) check(&tensors[k], legacy);
}
END_TEST

TEST_MAIN("formats/hostile_pickle", every_operation, every_object, every_tensor)
