#include "libprune/formats/zstd.h"

#include "libprune/base/file.h"

#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

/* Seekable format: a skippable frame of {u32 compressed, u32 decompressed} per frame, ended by
 * {u32 frames, u8 descriptor, u32 magic}. Descriptor bit 7 would add a u32 checksum per frame. */
#define SKIPPABLE_MAGIC 0x184D2A5Eu
#define SEEKABLE_MAGIC 0x8F92EAB1u
enum { SKIPPABLE_HEADER = 8, SEEK_ENTRY = 8, SEEK_FOOTER = 9 };
#define MAX_FRAMES (1u << 20)
#define MAX_FRAME_BYTES (1u << 30)

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_u32(uint8_t *p, uint32_t value)
{
    for (int k = 0; k < 4; k++) p[k] = (uint8_t)(value >> (8 * k));
}

bool pr_zstd_probe(const uint8_t *data, uint64_t size)
{
    return size >= 4 && get_u32(data) == ZSTD_MAGICNUMBER;
}

/* zstd's own way to say so: errors are negative sizes. */
#define OUT_OF_MEMORY ((size_t)-ZSTD_error_memory_allocation)

static bool no_memory(size_t result)
{
    return ZSTD_isError(result) && ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation;
}

/* --- writing -------------------------------------------------------------------------------- */

typedef struct packing {
    const pr_zstd_piece *pieces;
    uint8_t **frames; /* compressed */
    size_t *bytes;    /* of each frame; a zstd error code when it failed */
    prune_context *ctx;
    int32_t level;
    size_t first; /* piece that index 0 of the parallel loop means */
} packing;

static void compress_frames(void *arg, int64_t begin, int64_t end, int lane)
{
    (void)lane;
    packing *p = arg;
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    for (int64_t k = begin; k < end; k++) {
        size_t i = p->first + (size_t)k;
        const pr_zstd_piece *piece = &p->pieces[i];
        size_t capacity = ZSTD_compressBound(piece->bytes);
        p->frames[i] = zstd ? pr_alloc(p->ctx, capacity) : NULL;
        p->bytes[i] = OUT_OF_MEMORY;
        if (!p->frames[i]) continue;
        (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, p->level);
        (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
        p->bytes[i] = ZSTD_compress2(zstd, p->frames[i], capacity, piece->data, piece->bytes);
    }
    (void)ZSTD_freeCCtx(zstd);
}

static prune_status write_seek_table(pr_writer *writer, const packing *p, size_t count)
{
    uint8_t bytes[SEEK_FOOTER];
    put_u32(bytes, SKIPPABLE_MAGIC);
    put_u32(bytes + 4, (uint32_t)(count * SEEK_ENTRY + SEEK_FOOTER));
    PR_TRY(pr_writer_write(writer, bytes, SKIPPABLE_HEADER));
    for (size_t i = 0; i < count; i++) {
        put_u32(bytes, (uint32_t)p->bytes[i]);
        put_u32(bytes + 4, (uint32_t)p->pieces[i].bytes);
        PR_TRY(pr_writer_write(writer, bytes, SEEK_ENTRY));
    }
    put_u32(bytes, (uint32_t)count);
    bytes[4] = 0;
    put_u32(bytes + 5, SEEKABLE_MAGIC);
    return pr_writer_write(writer, bytes, SEEK_FOOTER);
}

/* Compresses in batches, so that memory does not grow with the file. Does not ask whether to stop:
 * a tuning that was stopped keeps its best model, and that has to reach the disk. */
static prune_status write_frames(pr_writer *writer, packing *p, size_t count)
{
    size_t batch = (size_t)prune_context_threads(p->ctx) * 4;
    for (p->first = 0; p->first < count; p->first += batch) {
        size_t n = count - p->first < batch ? count - p->first : batch;
        pr_parallel(p->ctx, (int64_t)n, 1, compress_frames, p);
        for (size_t i = p->first; i < p->first + n; i++) {
            if (!p->frames[i]) return pr_fail_memory(ZSTD_compressBound(p->pieces[i].bytes));
            if (no_memory(p->bytes[i])) return pr_fail_memory(p->pieces[i].bytes);
            if (ZSTD_isError(p->bytes[i]))
                return pr_fail(PRUNE_E_INTERNAL, "zstd: %s", ZSTD_getErrorName(p->bytes[i]));
            PR_TRY(pr_writer_write(writer, p->frames[i], p->bytes[i]));
            pr_free(p->ctx, p->frames[i]);
            p->frames[i] = NULL;
        }
    }
    return write_seek_table(writer, p, count);
}

prune_status pr_zstd_write(prune_context *ctx, const char *path, const pr_zstd_piece *pieces,
                           size_t count, int32_t level)
{
    packing p = {.pieces = pieces, .ctx = ctx, .level = level};
    pr_writer *writer = NULL;
    prune_status status = PRUNE_OK;
    if (count > MAX_FRAMES)
        return pr_fail(PRUNE_E_UNSUPPORTED, "%s: more than %u frames", path, MAX_FRAMES);
    for (size_t i = 0; i < count; i++)
        if (pieces[i].bytes > MAX_FRAME_BYTES)
            return pr_fail(PRUNE_E_INTERNAL, "%s: a frame above %u bytes", path, MAX_FRAME_BYTES);
    p.frames = pr_calloc(ctx, count + 1, sizeof *p.frames);
    p.bytes = pr_calloc(ctx, count + 1, sizeof *p.bytes);
    if (!p.frames || !p.bytes) PR_GO(PRUNE_E_MEMORY);
    PR_GO(pr_writer_open(&writer, ctx, path));
    PR_GO(write_frames(writer, &p, count));
    status = pr_writer_commit(writer);
    writer = NULL;
done:
    pr_writer_abandon(writer);
    for (size_t i = 0; p.frames && i < count; i++) pr_free(ctx, p.frames[i]);
    pr_free(ctx, p.frames);
    pr_free(ctx, p.bytes);
    return status;
}

/* --- reading -------------------------------------------------------------------------------- */

typedef struct frame {
    const uint8_t *data;
    size_t bytes;
    uint64_t offset, content; /* where it goes, how much it holds */
    size_t result;            /* of the decompression: bytes or a zstd error code */
} frame;

typedef struct unpacking {
    frame *frames;
    size_t count, capacity;
    uint64_t total;
    uint8_t *out;
} unpacking;

static prune_status too_large(uint64_t max_bytes)
{
    return pr_fail(PRUNE_E_MEMORY,
                   "decompresses to more than %llu bytes; raise the bound with --max-bytes if the "
                   "file is trusted",
                   (unsigned long long)max_bytes);
}

static prune_status damaged(void)
{
    return pr_fail(PRUNE_E_FORMAT, "the zstd stream is damaged or truncated; copy the file again");
}

/* Notes where the frame at data ends and what it holds. Skippable frames hold nothing. */
static prune_status note_frame(unpacking *u, prune_context *ctx, const uint8_t *data, uint64_t rest,
                               uint64_t max_bytes, size_t *bytes)
{
    *bytes = ZSTD_findFrameCompressedSize(data, (size_t)rest);
    if (ZSTD_isError(*bytes) || *bytes == 0) return damaged();
    if ((get_u32(data) & 0xfffffff0u) == ZSTD_MAGIC_SKIPPABLE_START) return PRUNE_OK;
    unsigned long long content = ZSTD_getFrameContentSize(data, *bytes);
    if (content == ZSTD_CONTENTSIZE_ERROR) return damaged();
    if (content == ZSTD_CONTENTSIZE_UNKNOWN)
        return pr_fail(PRUNE_E_UNSUPPORTED,
                       "a zstd frame does not tell its content's size; compress the file with "
                       "'zstd FILE' rather than through a pipe");
    /* No content is larger than a quarter of the address space, whatever the caller allows. */
    if (max_bytes > SIZE_MAX / 4) max_bytes = SIZE_MAX / 4;
    if (content > max_bytes - u->total) return too_large(max_bytes);
    if (u->count == MAX_FRAMES) return damaged();
    PR_TRY(pr_grow(ctx, (void **)&u->frames, &u->capacity, u->count + 1, sizeof *u->frames));
    u->frames[u->count++] = (frame){data, *bytes, u->total, content, 0};
    u->total += content;
    return PRUNE_OK;
}

/* When the file ends with a seek table, its numbers must agree with the frames: a file that says
 * two things is refused rather than read one of the two ways. */
static prune_status check_seek_table(const unpacking *u, const uint8_t *data, uint64_t size)
{
    if (size < SKIPPABLE_HEADER + SEEK_FOOTER || get_u32(data + size - 4) != SEEKABLE_MAGIC)
        return PRUNE_OK;
    uint64_t count = get_u32(data + size - SEEK_FOOTER);
    uint64_t entry = SEEK_ENTRY + (data[size - 5] & 0x80 ? 4u : 0u);
    uint64_t table = SKIPPABLE_HEADER + count * entry + SEEK_FOOTER;
    if (count != u->count || table > size) return damaged();
    const uint8_t *at = data + size - table;
    if (get_u32(at) != SKIPPABLE_MAGIC || get_u32(at + 4) != table - SKIPPABLE_HEADER)
        return damaged();
    at += SKIPPABLE_HEADER;
    for (size_t i = 0; i < u->count; i++, at += entry)
        if (get_u32(at) != u->frames[i].bytes || get_u32(at + 4) != u->frames[i].content)
            return damaged();
    return PRUNE_OK;
}

static void decompress_frames(void *arg, int64_t begin, int64_t end, int lane)
{
    (void)lane;
    unpacking *u = arg;
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    for (int64_t i = begin; i < end; i++) {
        frame *f = &u->frames[i];
        f->result = zstd ? ZSTD_decompressDCtx(zstd, u->out + f->offset, (size_t)f->content,
                                               f->data, f->bytes)
                         : OUT_OF_MEMORY;
    }
    (void)ZSTD_freeDCtx(zstd);
}

/* Damage is found later, when everything is decompressed. */
static prune_status ask_for_room(bool *out, const unpacking *u, prune_context *ctx,
                                 bool (*wants_room)(const uint8_t *first, uint64_t bytes))
{
    enum { MAX_FIRST = 1 << 24 };
    void *first;
    *out = wants_room != NULL;
    if (!wants_room || u->count < 2 || u->frames[0].content > MAX_FIRST) return PRUNE_OK;
    const frame *f = &u->frames[0];
    PR_TRY(pr_new(ctx, &first, (size_t)f->content + 1, 1));
    const size_t bytes = ZSTD_decompress(first, (size_t)f->content, f->data, f->bytes);
    *out = bytes == f->content && wants_room(first, bytes);
    pr_free(ctx, first);
    return no_memory(bytes) ? pr_fail_memory(f->content) : PRUNE_OK;
}

prune_status pr_zstd_read(pr_zstd_content *out, prune_context *ctx, const uint8_t *data,
                          uint64_t size, uint64_t max_bytes,
                          bool (*wants_room)(const uint8_t *first, uint64_t bytes))
{
    unpacking u = {0};
    enum { ALIGNMENT = 64 };
    bool wanted = false;
    size_t room = 0;
    uint8_t *memory = NULL;
    prune_status status = PRUNE_OK;
    for (uint64_t at = 0; at < size;) {
        size_t bytes;
        PR_GO(note_frame(&u, ctx, data + at, size - at, max_bytes, &bytes));
        at += bytes;
    }
    PR_GO(check_seek_table(&u, data, size));
    PR_GO(ask_for_room(&wanted, &u, ctx, wants_room));
    if (wanted) room = ((size_t)u.total + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    memory = pr_alloc(ctx, room + (size_t)u.total + 1);
    if (!memory) PR_GO(PRUNE_E_MEMORY);
    u.out = memory + room;
    pr_parallel(ctx, (int64_t)u.count, 1, decompress_frames, &u);
    for (size_t i = 0; i < u.count; i++) {
        if (no_memory(u.frames[i].result)) PR_GO(pr_fail_memory(u.frames[i].content));
        if (u.frames[i].result != u.frames[i].content)
            PR_GO(pr_fail(PRUNE_E_FORMAT,
                          "zstd frame %zu of %zu is damaged (%s); copy the file again", i + 1,
                          u.count,
                          ZSTD_isError(u.frames[i].result) ? ZSTD_getErrorName(u.frames[i].result)
                                                           : "wrong size"));
    }
    PR_GO(pr_formats_buffer(&out->buffer, ctx, memory, NULL, NULL));
    out->data = u.out;
    out->bytes = u.total;
    memory = NULL;
done:
    pr_free(ctx, memory);
    pr_free(ctx, u.frames);
    return status;
}

bool pr_zstd_summarize(pr_zstd_summary *out, const uint8_t *data, uint64_t size)
{
    enum { CHECKSUM_FLAG = 4 }; /* of the frame header descriptor, behind the magic number */
    pr_zstd_summary s = {0};
    for (uint64_t at = 0; at < size;) {
        const size_t bytes = ZSTD_findFrameCompressedSize(data + at, (size_t)(size - at));
        if (ZSTD_isError(bytes) || bytes == 0) return false;
        if ((get_u32(data + at) & 0xfffffff0u) == ZSTD_MAGIC_SKIPPABLE_START) {
            s.seek_table = bytes >= SKIPPABLE_HEADER + SEEK_FOOTER &&
                           get_u32(data + at + bytes - 4) == SEEKABLE_MAGIC;
        } else {
            const unsigned long long content = ZSTD_getFrameContentSize(data + at, bytes);
            if (content >= ZSTD_CONTENTSIZE_ERROR) return false;
            s.frames++;
            s.checksums += (data[at + 4] & CHECKSUM_FLAG) != 0;
            s.content += content;
        }
        at += bytes;
    }
    *out = s;
    return true;
}
