/* Every attack of the stream that torch.save wrote before version 1.6, but those of its object
 * (test_hostile_pickle.c): the order of its pickles, the list of keys, counts, views. */
#include "tests/formats/hostile.h"

static const char magic[] = "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

static void start(bytes *b, const char *version, const char *endian)
{
    add(b, magic, 15);
    add_text(b, version);
    add_text(b, "\x80\2}");
    add_string(b, "little_endian");
    add_text(b, endian);
}

#define VERSION "\x80\2M\xe9\3."
#define LITTLE "\x88s."

/* {"w": a tensor of 6 floats}, with what stands behind the count in the storage's description. */
static void object(bytes *b, const char *type, const char *view, size_t view_size)
{
    add_text(b, "\x80\2}");
    add_string(b, "w");
    add_text(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    add_string(b, "storage");
    add_text(b, "ctorch\n");
    add_text(b, type);
    add_text(b, "\n");
    add_string(b, "94");
    add_string(b, "cpu");
    add_text(b, "K\6");
    add(b, view, view_size);
    add_text(b, "tQ");
    add_int(b, 0);
    add_text(b, "K\6\x85K\1\x85\x89)tRs.");
}

static void keys(bytes *b, const char *first, const char *second)
{
    add_text(b, "\x80\2](");
    if (first) add_string(b, first);
    if (second) add_string(b, second);
    add_text(b, "e.");
}

static void storage(bytes *b, uint64_t count, size_t bytes_there)
{
    static const uint8_t zeros[64];
    add_number(b, count, 8);
    add(b, zeros, bytes_there);
}

static void only_magic(bytes *b)
{
    add(b, magic, 15);
}

static void other_version(bytes *b)
{
    start(b, "\x80\2M\xea\3.", LITTLE);
}

static void big_endian(bytes *b)
{
    start(b, VERSION, "\x89s.");
}

static void no_endian(bytes *b)
{
    add(b, magic, 15);
    add_text(b, VERSION "\x80\2}.");
}

static void no_machine(bytes *b)
{
    add(b, magic, 15);
    add_text(b, VERSION "\x80\2N.");
}

static void no_object(bytes *b)
{
    start(b, VERSION, LITTLE);
}

static void no_keys(bytes *b)
{
    start(b, VERSION, LITTLE);
    object(b, "FloatStorage", "N", 1);
}

static void keys_no_list(bytes *b)
{
    no_keys(b);
    add_text(b, "\x80\2}.");
}

static void key_of_nobody(bytes *b)
{
    no_keys(b);
    keys(b, "95", NULL);
    storage(b, 6, 24);
}

static void key_is_number(bytes *b)
{
    no_keys(b);
    add_text(b, "\x80\2](K\1e.");
    storage(b, 6, 24);
}

static void key_twice(bytes *b)
{
    no_keys(b);
    keys(b, "94", "94");
    storage(b, 6, 24);
    storage(b, 6, 24);
}

static void key_missing(bytes *b)
{
    no_keys(b);
    keys(b, NULL, NULL);
}

static void no_count(bytes *b)
{
    no_keys(b);
    keys(b, "94", NULL);
}

static void other_count(bytes *b)
{
    no_count(b);
    storage(b, 5, 24);
}

static void negative_count(bytes *b)
{
    no_count(b);
    storage(b, UINT64_MAX, 24);
}

static void too_few_bytes(bytes *b)
{
    no_count(b);
    storage(b, 6, 23);
}

static void unsupported_type(bytes *b)
{
    start(b, VERSION, LITTLE);
    object(b, "QInt8Storage", "N", 1);
    keys(b, "94", NULL);
    storage(b, 6, 24);
}

static void with_view(bytes *b, const char *view, size_t size)
{
    start(b, VERSION, LITTLE);
    object(b, "FloatStorage", view, size);
    keys(b, "94", NULL);
    storage(b, 6, 24);
}

static void view_of_two(bytes *b)
{
    with_view(b, "X\1\0\0\0vK\1\x86", sizeof "X\1\0\0\0vK\1\x86" - 1);
}

static void view_negative(bytes *b)
{
    with_view(b, "X\1\0\0\0vJ\xff\xff\xff\xffK\1\x87",
              sizeof "X\1\0\0\0vJ\xff\xff\xff\xffK\1\x87" - 1);
}

static void view_beyond(bytes *b)
{
    with_view(b, "X\1\0\0\0vK\4K\3\x87", sizeof "X\1\0\0\0vK\4K\3\x87" - 1);
}

static void view_short(bytes *b)
{
    with_view(b, "X\1\0\0\0vK\1K\5\x87", sizeof "X\1\0\0\0vK\1K\5\x87" - 1);
}

static void add_other(bytes *b, const char *type, const char *count)
{
    add_text(b, "(");
    add_string(b, "storage");
    add_text(b, "ctorch\n");
    add_text(b, type);
    add_text(b, "\n");
    add_string(b, "94");
    add_string(b, "cpu");
    add_text(b, count);
    add_text(b, "NtQ");
}

/* {"x": a storage, "w": a tensor over the storage of the same key with another description}. */
static void described_twice(bytes *b, const char *first, const char *count, const char *second,
                            const char *call, const char *dtype)
{
    start(b, VERSION, LITTLE);
    add_text(b, "\x80\2}(");
    add_string(b, "x");
    add_other(b, first, count);
    add_string(b, "w");
    add_text(b, "ctorch._utils\n");
    add_text(b, call);
    add_text(b, "\n(");
    add_other(b, second, "K\6");
    add_int(b, 0);
    add_text(b, "K\6\x85K\1\x85\x89)");
    add_text(b, dtype);
    add_text(b, "tRu.");
    keys(b, "94", NULL);
    storage(b, 6, 24);
}

static void two_counts(bytes *b)
{
    described_twice(b, "FloatStorage", "K\5", "FloatStorage", "_rebuild_tensor_v2", "");
}

static void two_types(bytes *b)
{
    described_twice(b, "DoubleStorage", "K\6", "FloatStorage", "_rebuild_tensor_v2", "");
}

/* One description has a type of which we have no tensors, so that the other's width counts for the
 * stream; the tensor itself says a wider one. It once read behind the storage. */
static void two_widths(bytes *b)
{
    described_twice(b, "FloatStorage", "K\6", "ComplexFloatStorage", "_rebuild_tensor_v3",
                    "ctorch\nfloat64\n");
}

static const attack attacks[] = {
    {"magic alone", MAKER(only_magic), PRUNE_E_FORMAT,
     "pickle, byte 0: no protocol number; the file is damaged or not a PyTorch file"},
    {"another version", MAKER(other_version), PRUNE_E_FORMAT,
     "not a PyTorch stream of protocol 1001"},
    {"big-endian", MAKER(big_endian), PRUNE_E_UNSUPPORTED,
     "the file is big-endian: save it again on a little-endian machine"},
    {"byte order not said", MAKER(no_endian), PRUNE_E_UNSUPPORTED,
     "the file is big-endian: save it again on a little-endian machine"},
    {"machine is no dict", MAKER(no_machine), PRUNE_E_FORMAT,
     "not a PyTorch stream of protocol 1001"},
    {"no object", MAKER(no_object), PRUNE_E_FORMAT,
     "pickle, byte 0: no protocol number; the file is damaged or not a PyTorch file"},
    {"no list of keys", MAKER(no_keys), PRUNE_E_FORMAT,
     "pickle, byte 0: no protocol number; the file is damaged or not a PyTorch file"},
    {"keys: not a list", MAKER(keys_no_list), PRUNE_E_FORMAT,
     "no list of storages; the file is damaged"},
    {"keys: one that nobody mentioned", MAKER(key_of_nobody), PRUNE_E_FORMAT,
     "storage 0 of the stream is unknown, repeated or of an unsupported type"},
    {"keys: a number", MAKER(key_is_number), PRUNE_E_FORMAT,
     "storage 0 of the stream is unknown, repeated or of an unsupported type"},
    {"keys: one twice", MAKER(key_twice), PRUNE_E_FORMAT,
     "storage 1 of the stream is unknown, repeated or of an unsupported type"},
    {"keys: the needed one missing", MAKER(key_missing), PRUNE_E_FORMAT,
     "tensor 'w': its storage '94' is not in the file"},
    {"count: not there", MAKER(no_count), PRUNE_E_FORMAT, "the file is truncated"},
    {"count: another one", MAKER(other_count), PRUNE_E_FORMAT,
     "storage 0 of the stream has not the expected 6 elements; is the file truncated?"},
    {"count: negative", MAKER(negative_count), PRUNE_E_FORMAT,
     "storage 0 of the stream has not the expected 6 elements; is the file truncated?"},
    {"elements: one byte short", MAKER(too_few_bytes), PRUNE_E_FORMAT,
     "storage 0 of the stream has not the expected 6 elements; is the file truncated?"},
    {"storage: unsupported type", MAKER(unsupported_type), PRUNE_E_FORMAT,
     "storage 0 of the stream is unknown, repeated or of an unsupported type"},
    {"view: of two parts", MAKER(view_of_two), PRUNE_E_FORMAT,
     "tensor 'w': its storage is a malformed view"},
    {"view: negative offset", MAKER(view_negative), PRUNE_E_FORMAT,
     "tensor 'w': its storage is a malformed view"},
    {"view: beyond the storage", MAKER(view_beyond), PRUNE_E_FORMAT,
     "tensor 'w': its storage is a view beyond the end"},
    {"view: shorter than the tensor", MAKER(view_short), PRUNE_E_FORMAT,
     "tensor 'w': its shape and strides reach beyond its storage of 5 elements"},
    {"storage: described with two counts", MAKER(two_counts), PRUNE_E_FORMAT,
     "one storage is described in two ways"},
    {"storage: described with two types", MAKER(two_types), PRUNE_E_FORMAT,
     "one storage is described in two ways"},
    {"storage: described with two widths", MAKER(two_widths), PRUNE_E_FORMAT,
     "tensor 'w': its storage '94' has 24 bytes, expected 48"},
};

START_TEST(every_stream)
{
    run_attacks(ROWS(attacks));
}
END_TEST

TEST_MAIN("formats/hostile_stream", every_stream)
