/* Every attack on packed files: zstd frames that lie, bombs, and graphs that lie. Loading goes
 * through prune_model_load, since the graph is read there. */
#include "libprune/formats/safetensors.h"
#include "tests/formats/hostile.h"

#include <jansson.h>
#include <prune/model.h>
#include <stdlib.h>
#include <zstd.h>

typedef struct blob {
    uint8_t *data;
    size_t size;
} blob;

enum { ROOM = 12 << 20 };

static meter used;
static prune_context *ctx;

static void open_all(blob *b)
{
    ck_ok(meter_context(&ctx, &used));
    *b = (blob){malloc(ROOM), 0};
}

static void close_all(blob *b)
{
    free(b->data);
    prune_context_free(ctx);
}

/* `announced`: what the frames say, or what there is. */
static void check_load(const char *name, const blob *b, uint64_t announced, prune_status wanted,
                       const char *message)
{
    prune_model *model = NULL;
    const char *path = attack_path("attack");
    ck_ok(pr_file_write(ctx, path, b->data, b->size));
    meter before = used;
    used.peak = used.held;
    prune_status status = prune_model_load(&model, ctx, path, NULL);
    prune_model_free(model);
    if (getenv("PRUNE_HOSTILE_PRINT")) {
        (void)printf("%s\t%s\t%s\n", name, prune_status_name(status),
                     status == PRUNE_OK ? "" : prune_last_error() + strlen(path) + 2);
        return;
    }
    check_message(name, status, wanted, path, message);
    check_cost(name, &used, &before, announced > b->size ? announced : b->size, 4 * b->size);
}

/* --- frames ---------------------------------------------------------------------------------- */

static const char content[] = "\2\0\0\0\0\0\0\0{}";

/* One frame of these bytes. */
static void frame(blob *b, const void *data, size_t size, int sized, int checksum)
{
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, sized);
    (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, checksum);
    size_t packed = ZSTD_compress2(zstd, b->data + b->size, ROOM - b->size, data, size);
    ck_assert(!ZSTD_isError(packed));
    b->size += packed;
    (void)ZSTD_freeCCtx(zstd);
}

static void number(blob *b, uint64_t value, int width)
{
    for (int k = 0; k < width; k++) b->data[b->size++] = (uint8_t)(value >> (8 * k));
}

/* {compressed, content} of one frame, however many the table says there are. */
static void seek_table(blob *b, uint32_t compressed, uint32_t held, uint32_t frames, uint32_t size)
{
    number(b, 0x184D2A5E, 4);
    number(b, size, 4);
    number(b, compressed, 4);
    number(b, held, 4);
    number(b, frames, 4);
    number(b, 0, 1);
    number(b, 0x8F92EAB1, 4);
}

static void bomb(blob *b)
{
    static const uint8_t zeros[1 << 20];
    frame(b, zeros, sizeof zeros, 1, 1);
}

/* A frame header alone, which announces 2^63 bytes. */
static void giant(blob *b)
{
    number(b, 0xFD2FB528, 4);
    number(b, 0xE0, 1);
    number(b, (uint64_t)1 << 63, 8);
    number(b, 1, 3); /* last block, raw, empty */
}

/* Bombs that are below the bound one by one. */
static void bombs_together(blob *b)
{
    static const uint8_t zeros[4000];
    for (int k = 0; k < 100; k++) frame(b, zeros, sizeof zeros, 1, 0);
}

static void no_size(blob *b)
{
    frame(b, content, 10, 0, 1);
}

static void bad_checksum(blob *b)
{
    frame(b, content, 10, 1, 1);
    b->data[b->size - 1] ^= 1;
}

static void bad_content(blob *b)
{
    frame(b, content, 10, 1, 0);
    b->data[4 + 2] ^= 0x40;
}

static void cut_short(blob *b)
{
    frame(b, content, 10, 1, 1);
    b->size--;
}

static void text_behind(blob *b)
{
    frame(b, content, 10, 1, 1);
    memcpy(b->data + b->size, "garbage", 7);
    b->size += 7;
}

static void only_magic(blob *b)
{
    number(b, 0xFD2FB528, 4);
}

static void nothing_inside(blob *b)
{
    frame(b, "", 0, 1, 1);
}

static void twice(blob *b)
{
    blob inner = {malloc(1000), 0};
    frame(&inner, content, 10, 1, 1);
    frame(b, inner.data, inner.size, 1, 1);
    free(inner.data);
}

static void zip_inside(blob *b)
{
    frame(b, "PK\3\4 and so on", 14, 1, 1);
}

static void seek_more_frames(blob *b)
{
    frame(b, content, 10, 1, 1);
    seek_table(b, (uint32_t)b->size, 10, 2, 17);
}

static void seek_other_bytes(blob *b)
{
    frame(b, content, 10, 1, 1);
    seek_table(b, (uint32_t)b->size + 1, 10, 1, 17);
}

static void seek_other_content(blob *b)
{
    frame(b, content, 10, 1, 1);
    seek_table(b, (uint32_t)b->size, 11, 1, 17);
}

static void seek_count_wraps(blob *b)
{
    frame(b, content, 10, 1, 1);
    seek_table(b, (uint32_t)b->size, 10, UINT32_MAX, 17);
}

static void seek_alone(blob *b)
{
    frame(b, content, 10, 1, 1);
    b->size = 0;
    seek_table(b, 0, 0, 0, 17);
}

/* Frames of 0 bytes, a million and one of them: each costs 9 bytes. */
static void frames_without_number(blob *b)
{
    static const uint8_t empty[9] = {0x28, 0xB5, 0x2F, 0xFD, 0x20, 0, 1, 0, 0};
    for (int k = 0; k <= 1 << 20; k++, b->size += sizeof empty)
        memcpy(b->data + b->size, empty, sizeof empty);
}

typedef struct framed {
    const char *name;
    void (*make)(blob *b);
    prune_status status;
    const char *message;
} framed;

static const framed frames[] = {
    {"a bomb", bomb, PRUNE_E_MEMORY,
     "decompresses to more than 3456 bytes; raise the bound with --max-bytes if the file is "
     "trusted"},
    {"2^63 bytes announced", giant, PRUNE_E_MEMORY,
     "decompresses to more than 1024 bytes; raise the bound with --max-bytes if the file is "
     "trusted"},
    {"bombs together", bombs_together, PRUNE_E_MEMORY,
     "decompresses to more than 121600 bytes; raise the bound with --max-bytes if the file is "
     "trusted"},
    {"a frame without its size", no_size, PRUNE_E_UNSUPPORTED,
     "a zstd frame does not tell its content's size; compress the file with 'zstd FILE' rather "
     "than through a pipe"},
    {"a wrong checksum", bad_checksum, PRUNE_E_FORMAT,
     "zstd frame 1 of 1 is damaged (Restored data doesn't match checksum); copy the file again"},
    {"a damaged block", bad_content, PRUNE_E_FORMAT,
     "the zstd stream is damaged or truncated; copy the file again"},
    {"the last byte missing", cut_short, PRUNE_E_FORMAT,
     "the zstd stream is damaged or truncated; copy the file again"},
    {"text behind the frames", text_behind, PRUNE_E_FORMAT,
     "the zstd stream is damaged or truncated; copy the file again"},
    {"the magic number alone", only_magic, PRUNE_E_FORMAT,
     "the zstd stream is damaged or truncated; copy the file again"},
    {"nothing inside", nothing_inside, PRUNE_E_FORMAT,
     "safetensors header: its length does not fit the file, or it does not begin with '{'; the "
     "file is damaged or not safetensors"},
    {"zstd inside zstd", twice, PRUNE_E_FORMAT,
     "safetensors header: its length does not fit the file, or it does not begin with '{'; the "
     "file is damaged or not safetensors"},
    {"a zip inside", zip_inside, PRUNE_E_FORMAT,
     "safetensors header: its length does not fit the file, or it does not begin with '{'; the "
     "file is damaged or not safetensors"},
    {"seek table: one frame more", seek_more_frames, PRUNE_E_FORMAT,
     "the zstd stream is damaged or truncated; copy the file again"},
    {"seek table: other bytes", seek_other_bytes, PRUNE_E_FORMAT,
     "the zstd stream is damaged or truncated; copy the file again"},
    {"seek table: other content", seek_other_content, PRUNE_E_FORMAT,
     "the zstd stream is damaged or truncated; copy the file again"},
    {"seek table: a count of all ones", seek_count_wraps, PRUNE_E_FORMAT,
     "the zstd stream is damaged or truncated; copy the file again"},
    {"seek table: nothing else", seek_alone, PRUNE_E_FORMAT,
     "neither zstd, safetensors nor a PyTorch file (by its first bytes); give a model file"},
    {"a million frames of nothing", frames_without_number, PRUNE_E_FORMAT,
     "the zstd stream is damaged or truncated; copy the file again"},
};

START_TEST(every_frame)
{
    blob b;
    open_all(&b);
    for (size_t k = 0; k < sizeof frames / sizeof *frames; k++) {
        b.size = 0;
        frames[k].make(&b);
        check_load(frames[k].name, &b, 64 * (uint64_t)b.size, frames[k].status, frames[k].message);
    }
    close_all(&b);
}
END_TEST

/* --- graphs ---------------------------------------------------------------------------------- */

#define META                                                                                       \
    "\"meta\":{\"preprocess\":{\"width\":8,\"height\":8,\"multiple\":1,\"mean\":[0,0,0],\"std\":"  \
    "[1,1,1]}}"
#define INPUT "{\"op\":\"input\",\"name\":\"i\"}"
#define CONV(rest)                                                                                 \
    "{\"op\":\"conv\",\"name\":\"c\",\"inputs\":[\"i\"],\"params\":{\"weight\":\"c.weight\"}" rest \
    "}"
#define NODES(nodes) "{\"version\":1," META ",\"nodes\":[" nodes "],\"outputs\":{\"depth\":\"c\"}}"
#define WHOLE(meta, outputs)                                                                       \
    "{\"version\":1," meta ",\"nodes\":[" INPUT "," CONV("") "],\"outputs\":" outputs "}"
#define PREPROCESS(rest) "\"meta\":{\"preprocess\":{" rest "}}"

typedef struct graphed {
    const char *name, *graph;
    prune_status status;
    const char *message;
} graphed;

/* The file holds c.weight, 1 x 1 x 1 x 3. */
static const graphed graphs[] = {
    {"fine", NODES(INPUT "," CONV("")), PRUNE_OK, ""},
    {"not JSON", "{", PRUNE_E_FORMAT,
     "the graph is not valid JSON: string or '}' expected near end of file at character 1"},
    {"an array", "[]", PRUNE_E_UNSUPPORTED,
     "format version is not 1: this file needs another version of the library"},
    {"text behind", "{} x", PRUNE_E_FORMAT,
     "the graph is not valid JSON: end of file expected near 'x' at character 4"},
    {"a key twice", "{\"version\":1,\"version\":1}", PRUNE_E_FORMAT,
     "the graph is not valid JSON: duplicate object key near '\"version\"' at character 22"},
    {"a number above 64 bits", "{\"version\":18446744073709551616}", PRUNE_E_FORMAT,
     "the graph is not valid JSON: too big integer near '18446744073709551616' at character 31"},
    {"a real above a double", "{\"version\":1,\"x\":1e400}", PRUNE_E_FORMAT,
     "the graph is not valid JSON: real number overflow near '1e400' at character 22"},
    {"NaN", "{\"version\":NaN}", PRUNE_E_FORMAT,
     "the graph is not valid JSON: invalid token near 'NaN' at character 14"},
    {"not UTF-8", "{\"version\":\"\xff\"}", PRUNE_E_FORMAT,
     "safetensors header: not valid UTF-8; the file is damaged or not safetensors"},
    {"version: absent", "{}", PRUNE_E_UNSUPPORTED,
     "format version is not 1: this file needs another version of the library"},
    {"version: later", "{\"version\":2}", PRUNE_E_UNSUPPORTED,
     "format version is not 1: this file needs another version of the library"},
    {"version: text", "{\"version\":\"1\"}", PRUNE_E_UNSUPPORTED,
     "format version is not 1: this file needs another version of the library"},
    {"nodes: absent", "{\"version\":1}", PRUNE_E_FORMAT,
     "'nodes' must be a list of at most 4096 nodes"},
    {"nodes: an object", "{\"version\":1,\"nodes\":{}}", PRUNE_E_FORMAT,
     "'nodes' must be a list of at most 4096 nodes"},
    {"nodes: none", NODES(""), PRUNE_E_FORMAT, "output 'depth' names no node"},
    {"nodes: numbers", NODES("1,2"), PRUNE_E_FORMAT,
     "node name must be a name of 1 to 512 characters"},
    {"node: no name", NODES("{\"op\":\"input\"}"), PRUNE_E_FORMAT,
     "node name must be a name of 1 to 512 characters"},
    {"node: a number for a name", NODES("{\"op\":\"input\",\"name\":5}"), PRUNE_E_FORMAT,
     "node name must be a name of 1 to 512 characters"},
    {"node: no operator", NODES("{\"name\":\"i\"}"), PRUNE_E_FORMAT,
     "operator must be a name of 1 to 512 characters"},
    {"node: unknown operator", NODES("{\"op\":\"exec\",\"name\":\"i\"}"), PRUNE_E_UNSUPPORTED,
     "node 'i': unknown operator 'exec'; was the file written by a newer version?"},
    {"node: a name twice", NODES(INPUT "," INPUT), PRUNE_E_FORMAT,
     "two nodes are named 'i': names must be unique"},
    {"cycle: reads itself", NODES(INPUT ",{\"op\":\"relu\",\"name\":\"c\",\"inputs\":[\"c\"]}"),
     PRUNE_E_FORMAT, "node 'c' reads 'c', which does not come before it"},
    {"cycle: reads what comes later",
     NODES(INPUT ",{\"op\":\"relu\",\"name\":\"c\",\"inputs\":[\"d\"]},{\"op\":\"relu\",\"name\":"
                 "\"d\",\"inputs\":[\"c\"]}"),
     PRUNE_E_FORMAT, "node 'c' reads 'd', which does not come before it"},
    {"inputs: nine",
     NODES(INPUT ",{\"op\":\"add\",\"name\":\"c\",\"inputs\":[\"i\",\"i\",\"i\",\"i\",\"i\",\"i\","
                 "\"i\",\"i\",\"i\"]}"),
     PRUNE_E_FORMAT, "node 'c' has more than 8 inputs"},
    {"inputs: numbers", NODES(INPUT ",{\"op\":\"relu\",\"name\":\"c\",\"inputs\":[0]}"),
     PRUNE_E_FORMAT, "input must be a name of 1 to 512 characters"},
    {"inputs: none", NODES(INPUT ",{\"op\":\"relu\",\"name\":\"c\"}"), PRUNE_E_SHAPE,
     "node 'c' (relu): it has 0 inputs, expected 1 to 1"},
    {"attribute: negative", NODES(INPUT "," CONV(",\"attrs\":{\"groups\":-1}")), PRUNE_E_FORMAT,
     "c: 'groups' must be an integer from 0 to 2^24"},
    {"attribute: huge", NODES(INPUT "," CONV(",\"attrs\":{\"groups\":99999999999}")),
     PRUNE_E_FORMAT, "c: 'groups' must be an integer from 0 to 2^24"},
    {"attribute: zero groups", NODES(INPUT "," CONV(",\"attrs\":{\"groups\":0}")), PRUNE_E_SHAPE,
     "node 'c' (conv): input has 3 channels in 0 groups, the weight expects 3 per group"},
    {"attribute: zero stride", NODES(INPUT "," CONV(",\"attrs\":{\"stride\":[0,1]}")),
     PRUNE_E_SHAPE, "node 'c' (conv): the stride must be at least 1"},
    {"attribute: padding beyond all",
     NODES(INPUT "," CONV(",\"attrs\":{\"pad\":[16777216,0,0,0]}")), PRUNE_E_SHAPE,
     "node 'c' (conv): padding 16777216 does not fit the input"},
    {"attribute: two of four", NODES(INPUT "," CONV(",\"attrs\":{\"pad\":[1,1]}")), PRUNE_E_FORMAT,
     "c: 'pad' must be a list of 4 numbers"},
    {"attribute: a fraction", NODES(INPUT "," CONV(",\"attrs\":{\"groups\":1.5}")), PRUNE_E_FORMAT,
     "c: 'groups' must be an integer from 0 to 2^24"},
    {"attribute: unknown word", NODES(INPUT "," CONV(",\"attrs\":{\"pad_mode\":\"moebius\"}")),
     PRUNE_E_FORMAT, "c: 'pad_mode' has an unknown value"},
    {"attribute: resize to beyond all",
     NODES(INPUT ",{\"op\":\"resize\",\"name\":\"r\",\"inputs\":[\"i\"],\"attrs\":{\"factor\":"
                 "16777216}}," CONV("")),
     PRUNE_E_SHAPE, "node 'r' (resize): factor 16777216 is not in 1..64"},
    {"parameter: not in the file",
     NODES(INPUT ",{\"op\":\"conv\",\"name\":\"c\",\"inputs\":[\"i\"],\"params\":{\"weight\":\"d."
                 "weight\"}}"),
     PRUNE_E_FORMAT, "tensor 'd.weight', which the graph names, is not in the file"},
    {"parameter: another node's",
     NODES(INPUT ",{\"op\":\"conv\",\"name\":\"d\",\"inputs\":[\"i\"],\"params\":{\"weight\":\"c."
                 "weight\"}}"),
     PRUNE_E_FORMAT, "node 'd': its weight must be named 'd.weight', not 'c.weight'"},
    {"parameter: absent", NODES(INPUT ",{\"op\":\"conv\",\"name\":\"c\",\"inputs\":[\"i\"]}"),
     PRUNE_E_SHAPE, "node 'c' (conv): parameter 'weight' is missing"},
    {"parameter: of another shape",
     NODES(INPUT ",{\"op\":\"linear\",\"name\":\"c\",\"inputs\":[\"i\"],\"params\":{\"weight\":\"c."
                 "weight\"}}"),
     PRUNE_E_SHAPE, "node 'c' (linear): the weight must be O x I"},
    {"precision: scales absent",
     NODES(INPUT "," CONV(",\"precision\":{\"compute\":\"int8\",\"input\":\"tensor\"}")),
     PRUNE_E_FORMAT, "tensor 'c.input_scale', which the graph names, is not in the file"},
    {"precision: no input", NODES(INPUT "," CONV(",\"precision\":{\"compute\":\"int8\"}")),
     PRUNE_E_SHAPE, "node 'c' (conv): INT8 needs a quantized input"},
    {"precision: of an activation",
     NODES(INPUT "," CONV("") ",{\"op\":\"relu\",\"name\":\"e\",\"inputs\":[\"c\"],\"precision\":{"
                              "\"compute\":\"int8\",\"input\":\"token\"}}"),
     PRUNE_E_SHAPE, "node 'e' (relu): this operator cannot compute in INT8"},
    {"outputs: none", WHOLE(META, "{}"), PRUNE_E_FORMAT, "the model has no output"},
    {"outputs: of nobody", WHOLE(META, "{\"depth\":\"x\"}"), PRUNE_E_FORMAT,
     "output 'depth' names no node"},
    {"outputs: a number", WHOLE(META, "{\"depth\":1}"), PRUNE_E_FORMAT,
     "output 'depth' names no node"},
    {"outputs: of three channels", WHOLE(META, "{\"depth\":\"i\"}"), PRUNE_E_SHAPE,
     "node 'i' (input): an output must be N x H x W x 1"},
    {"size: zero",
     WHOLE(PREPROCESS("\"width\":0,\"height\":8,\"multiple\":1"), "{\"depth\":\"c\"}"),
     PRUNE_E_FORMAT, "meta.preprocess: width, height and multiple must be from 1 to 16384"},
    {"size: negative",
     WHOLE(PREPROCESS("\"width\":-8,\"height\":8,\"multiple\":1"), "{\"depth\":\"c\"}"),
     PRUNE_E_FORMAT, "meta.preprocess: 'width' must be an integer from 0 to 2^24"},
    {"size: huge",
     WHOLE(PREPROCESS("\"width\":16385,\"height\":8,\"multiple\":1"), "{\"depth\":\"c\"}"),
     PRUNE_E_FORMAT, "meta.preprocess: width, height and multiple must be from 1 to 16384"},
    {"size: a huge multiple",
     WHOLE(PREPROCESS("\"width\":8,\"height\":8,\"multiple\":16777216"), "{\"depth\":\"c\"}"),
     PRUNE_E_FORMAT, "meta.preprocess: width, height and multiple must be from 1 to 16384"},
    {"preprocess: a deviation of zero",
     WHOLE(PREPROCESS("\"width\":8,\"height\":8,\"multiple\":1,\"std\":[0,1,1]"),
           "{\"depth\":\"c\"}"),
     PRUNE_E_FORMAT, "meta.preprocess: std must be positive"},
    {"preprocess: absent", WHOLE("\"meta\":{}", "{\"depth\":\"c\"}"), PRUNE_E_FORMAT,
     "meta.preprocess: width, height and multiple must be from 1 to 16384"},
};

static void graph_file(const char *graph)
{
    pr_table table;
    pr_tensor weight;
    const pr_shape shape = pr_shape4(1, 1, 1, 3);
    pr_table_init(&table, ctx);
    ck_ok(pr_tensor_zeros(&weight, ctx, PR_F32, &shape));
    ck_ok(pr_table_add(&table, "c.weight", weight));
    ck_ok(pr_table_note(&table, "prune.graph", graph));
    ck_ok(pr_safetensors_write(&table, test_path(1, "graph.safetensors")));
    pr_table_free(&table);
}

static void load_graph(blob *b, const char *name, const char *graph, prune_status status,
                       const char *message)
{
    pr_mapped file;
    graph_file(graph);
    ck_ok(pr_file_map(&file, test_path(1, "graph.safetensors")));
    memcpy(b->data, file.data, file.size);
    b->size = file.size;
    pr_file_unmap(&file);
    check_load(name, b, b->size, status, message);
}

START_TEST(every_graph)
{
    blob b;
    open_all(&b);
    for (size_t k = 0; k < sizeof graphs / sizeof *graphs; k++)
        load_graph(&b, graphs[k].name, graphs[k].graph, graphs[k].status, graphs[k].message);
    close_all(&b);
}
END_TEST

/* --- graphs of a megabyte -------------------------------------------------------------------- */

enum { LARGE = 1 << 20 };

static size_t empty_lists(char *text)
{
    size_t at = (size_t)sprintf(text, "{\"history\":[[]");
    for (; at < 2 * LARGE; at += 3) memcpy(text + at, ",[]", 3);
    return at + (size_t)sprintf(text + at, "]}");
}

static size_t deep_lists(char *text)
{
    memset(text, '[', 100000);
    return 100000;
}

static size_t many_nodes(char *text)
{
    size_t at = (size_t)sprintf(text, "{\"version\":1," META ",\"nodes\":[");
    for (int k = 0; k <= 4096; k++)
        at += (size_t)sprintf(text + at, "%s{\"op\":\"input\",\"name\":\"i%d\"}", k ? "," : "", k);
    return at + (size_t)sprintf(text + at, "],\"outputs\":{}}");
}

/* As many nodes as there may be, each with eight inputs and a long common beginning of its name:
 * looking names up must not take quadratic time. */
static size_t long_searches(char *text)
{
    char begin[40];
    memset(begin, 'n', sizeof begin - 1);
    begin[sizeof begin - 1] = '\0';
    size_t at = (size_t)sprintf(text,
                                "{\"version\":1," META ",\"nodes\":[{\"op\":\"input\",\"name\":"
                                "\"%s0\"}",
                                begin);
    for (int k = 1; k < 4096; k++) {
        at +=
            (size_t)sprintf(text + at, ",{\"op\":\"add\",\"name\":\"%s%d\",\"inputs\":[", begin, k);
        for (int i = 0; i < 8; i++)
            at += (size_t)sprintf(text + at, "%s\"%s%d\"", i ? "," : "", begin, k - 1);
        at += (size_t)sprintf(text + at, "]}");
    }
    return at + (size_t)sprintf(text + at, "],\"outputs\":{}}");
}

static const struct {
    const char *name;
    size_t (*make)(char *text);
    prune_status status;
    const char *message;
} larges[] = {
    {"lists of lists without number", empty_lists, PRUNE_E_FORMAT,
     "the graph has more than 16777216 bytes or 500000 values"},
    {"lists inside lists", deep_lists, PRUNE_E_FORMAT,
     "the graph is not valid JSON: maximum parsing depth reached near '[' at character 2049"},
    {"nodes without number", many_nodes, PRUNE_E_FORMAT,
     "'nodes' must be a list of at most 4096 nodes"},
    {"names that look alike", long_searches, PRUNE_E_FORMAT, "the model has no output"},
};

START_TEST(every_large_graph)
{
    blob b;
    open_all(&b);
    char *text = malloc(ROOM);
    for (size_t k = 0; k < sizeof larges / sizeof *larges; k++) {
        text[larges[k].make(text)] = '\0';
        load_graph(&b, larges[k].name, text, larges[k].status, larges[k].message);
    }
    free(text);
    close_all(&b);
}
END_TEST

TEST_MAIN("formats/hostile_packed", every_frame, every_graph, every_large_graph)
