/* Every attack on safetensors: its length, its JSON, its rules; then those that are large. */
#include "tests/formats/hostile.h"

#include <stdlib.h>

/* The header alone is given: "LENGTH" is put in front, `size` bytes of data behind. */
typedef struct headed {
    const char *name, *header;
    size_t data;
    prune_status status;
    const char *message;
} headed;

#define T(dtype, shape, offsets)                                                                   \
    "{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]}"
#define ONE(dtype, shape, offsets) "{\"a\":" T(dtype, shape, offsets) "}"

static const headed rows[] = {
    {"offsets: a hole before", ONE("F32", "2", "1,9"), 9, PRUNE_E_FORMAT,
     "tensor 'a': data_offsets [1, 9] must begin at 0 and end within the 9 bytes of data; is the "
     "file truncated?"},
    {"offsets: an overlap", "{\"a\":" T("F32", "2", "0,8") ",\"b\":" T("F32", "2", "4,12") "}", 12,
     PRUNE_E_FORMAT,
     "tensor 'b': data_offsets [4, 12] must begin at 8 and end within the 12 bytes of data; is the "
     "file truncated?"},
    {"offsets: a hole between", "{\"a\":" T("F32", "2", "0,8") ",\"b\":" T("F32", "1", "12,16") "}",
     16, PRUNE_E_FORMAT,
     "tensor 'b': data_offsets [12, 16] must begin at 8 and end within the 16 bytes of data; is "
     "the file truncated?"},
    {"offsets: end before begin", ONE("F32", "2", "8,0"), 8, PRUNE_E_FORMAT,
     "tensor 'a': data_offsets [8, 0] must begin at 0 and end within the 8 bytes of data; is the "
     "file truncated?"},
    {"offsets: beyond the data", ONE("F32", "2", "0,8"), 7, PRUNE_E_FORMAT,
     "tensor 'a': data_offsets [0, 8] must begin at 0 and end within the 7 bytes of data; is the "
     "file truncated?"},
    {"offsets: data of nobody", ONE("F32", "2", "0,8"), 9, PRUNE_E_FORMAT,
     "1 bytes of data belong to no tensor; the file is damaged"},
    {"offsets: all ones", ONE("U8", "1", "0,18446744073709551615"), 1, PRUNE_E_FORMAT,
     "tensor 'a': data_offsets [0, 18446744073709551615] must begin at 0 and end within the 1 "
     "bytes of data; is the file truncated?"},
    {"offsets: larger than 64 bits", ONE("U8", "1", "0,18446744073709551616"), 1, PRUNE_E_FORMAT,
     "safetensors header: integer too large; the file is damaged or not safetensors"},
    {"offsets: one only", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1,
     PRUNE_E_FORMAT, "safetensors header: ',' expected; the file is damaged"},
    {"offsets: three", ONE("U8", "1", "0,1,2"), 1, PRUNE_E_FORMAT,
     "safetensors header: ']' expected; the file is damaged"},
    {"shape: makes other bytes", ONE("F32", "3", "0,8"), 8, PRUNE_E_FORMAT,
     "tensor 'a': its shape and dtype do not make the 8 bytes that data_offsets give"},
    {"shape: product wraps to zero", ONE("F32", "4294967296,4294967296", "0,0"), 0, PRUNE_E_FORMAT,
     "tensor 'a': its shape and dtype do not make the 0 bytes that data_offsets give"},
    {"shape: product wraps to the bytes", ONE("U8", "4294967297,4294967295,2", "0,8"), 8,
     PRUNE_E_FORMAT,
     "tensor 'a': its shape and dtype do not make the 8 bytes that data_offsets give"},
    {"shape: wraps beside a zero", ONE("F32", "0,9223372036854775807,9223372036854775807", "0,0"),
     0, PRUNE_E_FORMAT,
     "tensor 'a': its shape and dtype do not make the 0 bytes that data_offsets give"},
    {"shape: above 63 bits", ONE("F32", "0,18446744073709551615", "0,0"), 0, PRUNE_E_FORMAT,
     "tensor 'a': shape has more than 8 axes or is huge"},
    {"shape: nine axes", ONE("F32", "1,1,1,1,1,1,1,1,1", "0,4"), 4, PRUNE_E_FORMAT,
     "tensor 'a': shape has more than 8 axes or is huge"},
    {"shape: negative", ONE("F32", "-2", "0,8"), 8, PRUNE_E_FORMAT,
     "safetensors header: a non-negative integer expected; the file is damaged or not safetensors"},
    {"shape: fraction", ONE("F32", "2.0", "0,8"), 8, PRUNE_E_FORMAT,
     "safetensors header: an integer without fraction or exponent expected; the file is damaged or "
     "not safetensors"},
    {"shape: exponent", ONE("F32", "2e0", "0,8"), 8, PRUNE_E_FORMAT,
     "safetensors header: an integer without fraction or exponent expected; the file is damaged or "
     "not safetensors"},
    {"shape: leading zero", ONE("F32", "02", "0,8"), 8, PRUNE_E_FORMAT,
     "safetensors header: integer with a leading zero; the file is damaged or not safetensors"},
    {"shape: text", ONE("F32", "\"2\"", "0,8"), 8, PRUNE_E_FORMAT,
     "safetensors header: a non-negative integer expected; the file is damaged or not safetensors"},
    {"dtype: unknown", ONE("F4", "2", "0,1"), 1, PRUNE_E_UNSUPPORTED,
     "tensor 'a': dtype F4 is not supported; convert it to F32, F16 or BF16"},
    {"dtype: 8-bit floats", ONE("F8_E4M3", "2", "0,2"), 2, PRUNE_E_UNSUPPORTED,
     "tensor 'a': dtype F8_E4M3 is not supported; convert it to F32, F16 or BF16"},
    {"dtype: too long", ONE("F32F32F32F32F32F32", "2", "0,8"), 8, PRUNE_E_FORMAT,
     "safetensors header: dtype name too long; the file is damaged or not safetensors"},
    {"dtype: a number", "{\"a\":{\"dtype\":5}}", 0, PRUNE_E_FORMAT,
     "safetensors header: '\"' expected; the file is damaged"},
    {"fields: one missing", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, PRUNE_E_FORMAT,
     "tensor 'a': dtype, shape and data_offsets are all needed"},
    {"fields: one twice", "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", 1, PRUNE_E_FORMAT,
     "tensor 'a': repeated header field 'dtype'"},
    {"fields: an unknown one", "{\"a\":{\"dtype\":\"U8\",\"extra\":[1]}}", 1, PRUNE_E_FORMAT,
     "tensor 'a': unknown header field 'extra'"},
    {"fields: none", "{\"a\":{}}", 0, PRUNE_E_FORMAT,
     "safetensors header: '\"' expected; the file is damaged"},
    {"names: one twice", "{\"a\":" T("U8", "1", "0,1") ",\"a\":" T("U8", "1", "1,2") "}", 2,
     PRUNE_E_FORMAT, "two tensors are named 'a': names must be unique"},
    {"names: empty", "{\"\":" T("U8", "1", "0,1") "}", 1, PRUNE_E_FORMAT,
     "safetensors header: empty or overlong tensor name, or too many tensors; the file is damaged "
     "or not safetensors"},
    {"names: NUL by an escape", "{\"a\\u0000\":" T("U8", "1", "0,1") "}", 1, PRUNE_E_FORMAT,
     "safetensors header: bad escape in a string; the file is damaged or not safetensors"},
    {"names: half a pair", "{\"\\ud83d\":" T("U8", "1", "0,1") "}", 1, PRUNE_E_FORMAT,
     "safetensors header: bad escape in a string; the file is damaged or not safetensors"},
    {"names: second half alone", "{\"\\ude00\":" T("U8", "1", "0,1") "}", 1, PRUNE_E_FORMAT,
     "safetensors header: bad escape in a string; the file is damaged or not safetensors"},
    {"names: unknown escape", "{\"a\\q\":" T("U8", "1", "0,1") "}", 1, PRUNE_E_FORMAT,
     "safetensors header: bad escape in a string; the file is damaged or not safetensors"},
    {"names: control character", "{\"a\n\":" T("U8", "1", "0,1") "}", 1, PRUNE_E_FORMAT,
     "safetensors header: control character in a string; the file is damaged or not safetensors"},
    {"names: not UTF-8", "{\"\xff\":" T("U8", "1", "0,1") "}", 1, PRUNE_E_FORMAT,
     "safetensors header: not valid UTF-8; the file is damaged or not safetensors"},
    {"names: overlong UTF-8", "{\"\xc0\xaf\":" T("U8", "1", "0,1") "}", 1, PRUNE_E_FORMAT,
     "safetensors header: not valid UTF-8; the file is damaged or not safetensors"},
    {"JSON: an array", "[1]", 0, PRUNE_E_FORMAT,
     "neither zstd, safetensors nor a PyTorch file (by its first bytes); give a model file"},
    {"JSON: a blank first", " {}", 0, PRUNE_E_FORMAT,
     "neither zstd, safetensors nor a PyTorch file (by its first bytes); give a model file"},
    {"JSON: text behind", "{} {}", 0, PRUNE_E_FORMAT,
     "safetensors header: text after the closing brace; the file is damaged or not safetensors"},
    {"JSON: ends early", "{\"a\":{\"dtype\":\"U8\"", 0, PRUNE_E_FORMAT,
     "safetensors header: '}' expected; the file is damaged"},
    {"JSON: ends in a string", "{\"a", 0, PRUNE_E_FORMAT,
     "safetensors header: unterminated string; the file is damaged or not safetensors"},
    {"JSON: ends in an escape", "{\"a\\u00", 0, PRUNE_E_FORMAT,
     "safetensors header: bad escape in a string; the file is damaged or not safetensors"},
    {"JSON: no comma", "{\"a\":" T("U8", "1", "0,1") "\"b\":1}", 1, PRUNE_E_FORMAT,
     "safetensors header: '}' expected; the file is damaged"},
    {"JSON: a comma too many", "{\"a\":" T("U8", "1", "0,1") ",}", 1, PRUNE_E_FORMAT,
     "safetensors header: '\"' expected; the file is damaged"},
    {"JSON: nested", "{\"a\":[[[[[[1]]]]]]}", 0, PRUNE_E_FORMAT,
     "safetensors header: '{' expected; the file is damaged"},
    {"metadata: not text", "{\"__metadata__\":{\"k\":1}}", 0, PRUNE_E_FORMAT,
     "safetensors header: '\"' expected; the file is damaged"},
    {"metadata: nested", "{\"__metadata__\":{\"k\":{}}}", 0, PRUNE_E_FORMAT,
     "safetensors header: '\"' expected; the file is damaged"},
    {"metadata: one key twice", "{\"__metadata__\":{\"k\":\"v\",\"k\":\"w\"}}", 0, PRUNE_E_FORMAT,
     "safetensors header: repeated key in __metadata__; the file is damaged or not safetensors"},
    {"metadata: twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, PRUNE_E_FORMAT,
     "safetensors header: __metadata__ appears twice; the file is damaged or not safetensors"},
};

static void check_file(prune_context *ctx, const meter *m, const char *name, const uint8_t *data,
                       size_t size, prune_status wanted, const char *message)
{
    pr_table table;
    const char *path = attack_path("attack");
    ck_ok(pr_file_write(ctx, path, data, size));
    meter before = *m;
    ((meter *)(uintptr_t)m)->peak = m->held;
    prune_status status = pr_container_read(&table, ctx, path, 0);
    if (status == PRUNE_OK) pr_table_free(&table);
    if (getenv("PRUNE_HOSTILE_PRINT")) {
        (void)printf("%s\t%s\t%s\n", name, prune_status_name(status),
                     status == PRUNE_OK ? "" : prune_last_error() + strlen(path) + 2);
        return;
    }
    check_message(name, status, wanted, path, message);
    check_cost(name, m, &before, size, 4 * size);
}

START_TEST(every_header)
{
    static bytes file;
    meter m;
    prune_context *ctx = NULL;
    ck_ok(meter_context(&ctx, &m));
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        file.size = 0;
        add_number(&file, strlen(rows[k].header), 8);
        add_text(&file, rows[k].header);
        for (size_t i = 0; i < rows[k].data; i++) add_number(&file, i, 1);
        check_file(ctx, &m, rows[k].name, file.data, file.size, rows[k].status, rows[k].message);
    }
    prune_context_free(ctx);
}
END_TEST

/* --- its length ------------------------------------------------------------------------------ */

#define OTHER "neither zstd, safetensors nor a PyTorch file (by its first bytes); give a model file"

#define INSIDE(bytes)                                                                              \
    "a safetensors file that ends inside its header of " bytes " bytes; is the file truncated?"

START_TEST(every_length)
{
    static const struct {
        uint64_t length;
        const char *message;
    } lengths[] = {{0, OTHER},
                   {1, OTHER},
                   {3, INSIDE("3")},
                   {100, INSIDE("100")},
                   {100000000, INSIDE("100000000")},
                   {100000001, OTHER},
                   {UINT64_MAX, OTHER},
                   {UINT64_MAX - 7, OTHER}};
    static bytes file;
    meter m;
    prune_context *ctx = NULL;
    ck_ok(meter_context(&ctx, &m));
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
        file.size = 0;
        add_number(&file, lengths[k].length, 8);
        add_text(&file, "{}");
        check_file(ctx, &m, "length", file.data, file.size, PRUNE_E_FORMAT, lengths[k].message);
    }
    prune_context_free(ctx);
}
END_TEST

/* --- a megabyte of header: memory and allocations stay in proportion ---------------------------
 */

enum { LARGE = 1 << 20, ROOM = 6 << 20 };

typedef struct large {
    const char *name;
    size_t (*make)(char *text); /* at most ROOM bytes; returns their number */
    prune_status status;
    const char *message;
} large;

static size_t many_notes(char *text)
{
    size_t at = (size_t)sprintf(text, "{\"__metadata__\":{");
    for (int k = 0; at < LARGE; k++)
        at += (size_t)sprintf(text + at, "%s\"%d\":\"\"", k ? "," : "", k);
    return at + (size_t)sprintf(text + at, "}}");
}

static size_t many_tensors(char *text)
{
    size_t at = (size_t)sprintf(text, "{");
    for (int k = 0; k <= 65536; k++)
        at += (size_t)sprintf(text + at, "%s\"%d\":" T("U8", "0", "0,0"), k ? "," : "", k);
    return at + (size_t)sprintf(text + at, "}");
}

static size_t long_name(char *text)
{
    text[0] = '{', text[1] = '"';
    memset(text + 2, 'n', LARGE);
    return LARGE + 2 + (size_t)sprintf(text + LARGE + 2, "\":" T("U8", "0", "0,0") "}");
}

static size_t deep(char *text)
{
    size_t at = (size_t)sprintf(text, "{\"a\":");
    memset(text + at, '[', LARGE);
    return at + LARGE;
}

static size_t blanks(char *text)
{
    memset(text, ' ', LARGE);
    text[0] = '{';
    return LARGE;
}

static const large larges[] = {
    {"metadata without number", many_notes, PRUNE_E_FORMAT, "more than 1024 entries of metadata"},
    {"tensors without number", many_tensors, PRUNE_E_FORMAT,
     "safetensors header: empty or overlong tensor name, or too many tensors; the file is damaged "
     "or not safetensors"},
    {"a name of a megabyte", long_name, PRUNE_E_FORMAT,
     "safetensors header: empty or overlong tensor name, or too many tensors; the file is damaged "
     "or not safetensors"},
    {"a million brackets", deep, PRUNE_E_FORMAT,
     "safetensors header: '{' expected; the file is damaged"},
    {"a million blanks", blanks, PRUNE_E_FORMAT,
     "safetensors header: '\"' expected; the file is damaged"},
};

START_TEST(every_large_header)
{
    meter m;
    prune_context *ctx = NULL;
    ck_ok(meter_context(&ctx, &m));
    uint8_t *file = malloc(ROOM + 8);
    for (size_t k = 0; k < sizeof larges / sizeof *larges; k++) {
        size_t size = larges[k].make((char *)file + 8);
        for (int i = 0; i < 8; i++) file[i] = (uint8_t)((uint64_t)size >> (8 * i));
        check_file(ctx, &m, larges[k].name, file, size + 8, larges[k].status, larges[k].message);
    }
    free(file);
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("formats/hostile_safetensors", every_header, every_length, every_large_header)
