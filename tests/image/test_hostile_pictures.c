/* Every attack on pictures and maps: PNG, JPEG, .npy, raw floats. Made from honest ones, one thing
 * put wrong; the exact error, and memory in proportion to the file. */
#include "libprune/base/file.h"
#include "tests/support/meter.h"
#include "tests/support/support.h"

#include <prune/image.h>
#include <stdio.h>
#include <zlib.h>

typedef struct blob {
    uint8_t data[1 << 20];
    size_t size;
} blob;

typedef enum reader { PICTURE, DEPTH, NPY, RAW } reader;

typedef struct attack {
    const char *name;
    reader reader;
    void (*make)(blob *b);
    prune_status status;
    const char *message; /* all of it, behind "PATH: " */
} attack;

static meter used;
static prune_context *ctx;

/* --- PNG ------------------------------------------------------------------------------------- */

static void append(blob *b, const void *data, size_t size)
{
    ck_assert_uint_le(b->size + size, sizeof b->data);
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void big_endian(blob *b, uint32_t value)
{
    const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                              (uint8_t)value};
    append(b, bytes, 4);
}

static void chunk(blob *b, const char *type, const void *data, size_t size)
{
    big_endian(b, (uint32_t)size);
    size_t at = b->size;
    append(b, type, 4);
    append(b, data, size);
    big_endian(b, (uint32_t)crc32(0, b->data + at, (uInt)size + 4));
}

static void header(blob *b, uint32_t width, uint32_t height, int depth, int type, int rest)
{
    blob *h = calloc(1, sizeof *h);
    append(b, "\x89PNG\r\n\x1a\n", 8);
    big_endian(h, width);
    big_endian(h, height);
    const uint8_t fields[5] = {(uint8_t)depth, (uint8_t)type, 0, 0, (uint8_t)rest};
    append(h, fields, 5);
    chunk(b, "IHDR", h->data, h->size);
    free(h);
}

/* IDAT of so many zero bytes. */
static void pixels(blob *b, size_t size)
{
    uint8_t *raw = calloc(1, size + 1), *packed = malloc(compressBound((uLong)size));
    uLongf bytes = compressBound((uLong)size);
    ck_assert_int_eq(compress2(packed, &bytes, raw, (uLong)size, 9), Z_OK);
    chunk(b, "IDAT", packed, bytes);
    free(raw);
    free(packed);
}

static void end(blob *b)
{
    chunk(b, "IEND", "", 0);
}

/* 4 x 2, RGB. */
static void honest(blob *b)
{
    header(b, 4, 2, 8, 2, 0);
    pixels(b, 2 * 13);
    end(b);
}

static void png_empty_width(blob *b)
{
    header(b, 0, 2, 8, 2, 0);
    pixels(b, 2);
    end(b);
}

static void png_negative(blob *b)
{
    header(b, 0x80000000u, 2, 8, 2, 0);
}

static void png_huge(blob *b)
{
    header(b, 0x7fffffff, 0x7fffffff, 16, 6, 0);
    pixels(b, 100);
}

/* 100 million pixels, for which 300 MB would be taken, in a hundred bytes. */
static void png_promises(blob *b)
{
    header(b, 10000, 10000, 8, 2, 0);
    pixels(b, 1000);
    end(b);
}

static void png_depth_3(blob *b)
{
    header(b, 4, 2, 3, 0, 0);
}

static void png_type_5(blob *b)
{
    header(b, 4, 2, 8, 5, 0);
}

static void png_interlace_9(blob *b)
{
    header(b, 4, 2, 8, 2, 9);
}

static void png_palette_absent(blob *b)
{
    header(b, 4, 2, 8, 3, 0);
    pixels(b, 2 * 5);
    end(b);
}

static void png_too_few(blob *b)
{
    header(b, 4, 2, 8, 2, 0);
    pixels(b, 13);
    end(b);
}

static void png_no_pixels(blob *b)
{
    header(b, 4, 2, 8, 2, 0);
    end(b);
}

static void png_no_end(blob *b)
{
    honest(b);
    b->size -= 12;
}

static void png_bad_crc(blob *b)
{
    honest(b);
    b->data[20] ^= 1;
}

static void png_bad_zlib(blob *b)
{
    header(b, 4, 2, 8, 2, 0);
    chunk(b, "IDAT", "not zlib at all", 15);
    end(b);
}

static void png_bad_filter(blob *b)
{
    uint8_t raw[26] = {9}, packed[100];
    uLongf bytes = sizeof packed;
    header(b, 4, 2, 8, 2, 0);
    ck_assert_int_eq(compress2(packed, &bytes, raw, sizeof raw, 9), Z_OK);
    chunk(b, "IDAT", packed, bytes);
    end(b);
}

static void png_signature(blob *b)
{
    append(b, "\x89PNG\r\n\x1a\n", 8);
}

static void png_long_chunk(blob *b)
{
    honest(b);
    b->data[33] = 0x7f; /* IDAT's length */
}

/* A text of 8 MB in 8 KB, a hundred times: refused to be looked at rather than refused. */
static void png_text_bombs(blob *b)
{
    enum { BOMB = 7000000 };
    uint8_t *raw = calloc(1, BOMB), *packed = malloc(compressBound(BOMB) + 10);
    uLongf bytes = compressBound(BOMB);
    memcpy(packed, "bomb\0\0", 6);
    ck_assert_int_eq(compress2(packed + 6, &bytes, raw, BOMB, 9), Z_OK);
    header(b, 4, 2, 8, 2, 0);
    for (int k = 0; k < 100; k++) chunk(b, "zTXt", packed, bytes + 6);
    pixels(b, 2 * 13);
    end(b);
    free(raw);
    free(packed);
}

/* --- JPEG ------------------------------------------------------------------------------------ */

static void golden(blob *b, const char *name)
{
    char path[300];
    pr_mapped file;
    (void)snprintf(path, sizeof path, "tests/image/golden/%s", name);
    ck_ok(pr_file_map(&file, path));
    append(b, file.data, file.size);
    pr_file_unmap(&file);
}

/* Offset behind a marker, 0xff `marker`. */
static size_t marker(const blob *b, uint8_t code)
{
    for (size_t i = 0; i + 1 < b->size; i++)
        if (b->data[i] == 0xff && b->data[i + 1] == code) return i + 2;
    ck_abort_msg("no marker %02x", code);
    return 0;
}

static void jpeg_with(blob *b, size_t offset, uint8_t first, uint8_t second)
{
    golden(b, "rgb.jpg");
    size_t at = marker(b, 0xc0) + offset;
    b->data[at] = first;
    b->data[at + 1] = second;
}

static void jpeg_no_height(blob *b)
{
    jpeg_with(b, 3, 0, 0);
}

static void jpeg_no_width(blob *b)
{
    jpeg_with(b, 5, 0, 0);
}

/* 65500 x 65500. */
static void jpeg_huge(blob *b)
{
    jpeg_with(b, 3, 0xff, 0xdc);
    b->data[marker(b, 0xc0) + 5] = 0xff;
    b->data[marker(b, 0xc0) + 6] = 0xdc;
}

/* 8000 x 8000 in 830 bytes. */
static void jpeg_promises(blob *b)
{
    jpeg_with(b, 3, 0x1f, 0x40);
    b->data[marker(b, 0xc0) + 5] = 0x1f;
    b->data[marker(b, 0xc0) + 6] = 0x40;
}

static void jpeg_twelve_bits(blob *b)
{
    golden(b, "rgb.jpg");
    b->data[marker(b, 0xc0) + 2] = 12;
}

static void jpeg_five_components(blob *b)
{
    golden(b, "rgb.jpg");
    b->data[marker(b, 0xc0) + 7] = 5;
}

static void jpeg_cut_short(blob *b)
{
    golden(b, "rgb.jpg");
    b->size -= 60;
}

static void jpeg_start_alone(blob *b)
{
    append(b, "\xff\xd8\xff", 3);
}

static void jpeg_no_frame(blob *b)
{
    append(b, "\xff\xd8\xff\xd9", 4);
}

static void jpeg_bad_table(blob *b)
{
    golden(b, "rgb.jpg");
    memset(b->data + marker(b, 0xc4) + 3, 0xff, 16);
}

/* The scans of a progressive picture, two hundred times. */
static void jpeg_many_scans(blob *b)
{
    golden(b, "progressive.jpg");
    size_t at = marker(b, 0xda) - 2;
    /* One scan: up to the next table or scan. */
    size_t stop = at + 2;
    while (!(b->data[stop] == 0xff && (b->data[stop + 1] == 0xc4 || b->data[stop + 1] == 0xda)))
        stop++;
    uint8_t scan[600];
    size_t size = stop - at;
    ck_assert_uint_le(size, sizeof scan);
    memcpy(scan, b->data + at, size);
    b->size = at;
    for (int k = 0; k < 200; k++) append(b, scan, size);
    append(b, "\xff\xd9", 2);
}

/* --- maps ------------------------------------------------------------------------------------ */

static void npy(blob *b, const char *dict, int version, size_t data)
{
    static const uint8_t zeros[64];
    size_t length = strlen(dict);
    const uint8_t head[4] = {(uint8_t)version, 0, (uint8_t)length, (uint8_t)(length >> 8)};
    append(b, "\x93NUMPY", 6);
    append(b, head, 4);
    if (version >= 2) append(b, zeros, 2);
    append(b, dict, length);
    append(b, zeros, data);
}

#define DICT(type, order, shape)                                                                   \
    "{'descr': '" type "', 'fortran_order': " order ", 'shape': " shape ", }"
#define NPY_FILE(name, dict, data)                                                                 \
    static void name(blob *b)                                                                      \
    {                                                                                              \
        npy(b, dict, 1, data);                                                                     \
    }
NPY_FILE(npy_doubles, DICT("<f8", "False", "(2, 3)"), 48)
NPY_FILE(npy_objects, DICT("|O", "False", "(2, 3)"), 48)
NPY_FILE(npy_fortran, DICT("<f4", "True", "(2, 3)"), 24)
NPY_FILE(npy_one_axis, DICT("<f4", "False", "(6,)"), 24)
NPY_FILE(npy_four_axes, DICT("<f4", "False", "(1, 1, 2, 3)"), 24)
NPY_FILE(npy_negative, DICT("<f4", "False", "(-2, -3)"), 24)
NPY_FILE(npy_zero, DICT("<f4", "False", "(0, 3)"), 0)
NPY_FILE(npy_wraps, DICT("<f4", "False", "(18446744073709551618, 3)"), 24)
NPY_FILE(npy_huge, DICT("<f4", "False", "(2147483647, 2147483647)"), 24)
NPY_FILE(npy_promises, DICT("<f4", "False", "(10000, 10000)"), 24)
NPY_FILE(npy_more, DICT("<f4", "False", "(2, 3)"), 28)
NPY_FILE(npy_fewer, DICT("<f4", "False", "(2, 3)"), 20)
NPY_FILE(npy_no_shape, "{'descr': '<f4', 'fortran_order': False}", 24)
NPY_FILE(npy_open_shape, DICT("<f4", "False", "(2, 3"), 24)
NPY_FILE(npy_code, DICT("<f4", "False", "(__import__('os'), 3)"), 24)

static void npy_magic_alone(blob *b)
{
    append(b, "\x93NUMPY", 6);
}

static void npy_other_magic(blob *b)
{
    npy_more(b);
    b->data[1] = 'M';
}

static void npy_long_header(blob *b)
{
    npy_more(b);
    b->data[9] = 0xff;
}

static void npy_version_2_short(blob *b)
{
    append(b, "\x93NUMPY\2\0\xff\xff", 10);
}

static void npy_version_2_huge(blob *b)
{
    append(b, "\x93NUMPY\2\0\xff\xff\xff\xff", 12);
}

static void seven_bytes(blob *b)
{
    append(b, "1234567", 7);
}

static void nothing(blob *b)
{
    (void)b;
}

static void text(blob *b)
{
    append(b, "GIF89a", 6);
}

static const attack attacks[] = {
    {"PNG: honest", PICTURE, honest, PRUNE_OK, ""},
    {"PNG: no width", PICTURE, png_empty_width, PRUNE_E_FORMAT, "damaged PNG: Invalid IHDR data"},
    {"PNG: a negative width", PICTURE, png_negative, PRUNE_E_FORMAT,
     "damaged PNG: PNG unsigned integer out of range"},
    {"PNG: as large as can be said", PICTURE, png_huge, PRUNE_E_MEMORY,
     "2147483647x2147483647 pixels are more than the limit of 100 million: scale the picture down"},
    {"PNG: 100 million pixels in 100 bytes", PICTURE, png_promises, PRUNE_E_FORMAT,
     "74 bytes cannot hold the picture that the header announces: the file is damaged or hostile"},
    {"PNG: three bits", PICTURE, png_depth_3, PRUNE_E_FORMAT, "damaged PNG: Invalid IHDR data"},
    {"PNG: unknown colours", PICTURE, png_type_5, PRUNE_E_FORMAT, "damaged PNG: Invalid IHDR data"},
    {"PNG: unknown interlacing", PICTURE, png_interlace_9, PRUNE_E_FORMAT,
     "damaged PNG: Invalid IHDR data"},
    {"PNG: no palette", PICTURE, png_palette_absent, PRUNE_E_FORMAT,
     "damaged PNG: IDAT: Missing PLTE before IDAT"},
    {"PNG: too few pixels", PICTURE, png_too_few, PRUNE_E_FORMAT,
     "damaged PNG: Not enough image data"},
    {"PNG: no pixels", PICTURE, png_no_pixels, PRUNE_E_FORMAT, "damaged PNG: IEND: out of place"},
    {"PNG: no end", PICTURE, png_no_end, PRUNE_E_FORMAT, "damaged PNG: the file ends too early"},
    {"PNG: a wrong checksum", PICTURE, png_bad_crc, PRUNE_E_FORMAT, "damaged PNG: IHDR: CRC error"},
    {"PNG: pixels that are not compressed", PICTURE, png_bad_zlib, PRUNE_E_FORMAT,
     "damaged PNG: IDAT: incorrect header check"},
    {"PNG: unknown filter", PICTURE, png_bad_filter, PRUNE_E_FORMAT,
     "damaged PNG: bad adaptive filter value"},
    {"PNG: signature alone", PICTURE, png_signature, PRUNE_E_FORMAT,
     "damaged PNG: the file ends too early"},
    {"PNG: a chunk beyond the end", PICTURE, png_long_chunk, PRUNE_E_FORMAT,
     "damaged PNG: the file ends too early"},
    {"PNG: texts of 700 MB", PICTURE, png_text_bombs, PRUNE_OK, ""},
    {"PNG: colours as depth", DEPTH, honest, PRUNE_E_FORMAT,
     "a depth map must be a 16-bit grey PNG, but this has 3 channel(s) of 8 bits: is it a colour "
     "picture, or was it saved with 8 bits?"},
    {"JPEG: no height", PICTURE, jpeg_no_height, PRUNE_E_FORMAT,
     "damaged JPEG: Empty JPEG image (DNL not supported)"},
    {"JPEG: no width", PICTURE, jpeg_no_width, PRUNE_E_FORMAT,
     "damaged JPEG: Empty JPEG image (DNL not supported)"},
    {"JPEG: as large as can be said", PICTURE, jpeg_huge, PRUNE_E_MEMORY,
     "65500x65500 pixels are more than the limit of 100 million: scale the picture down"},
    {"JPEG: 64 million pixels in 830 bytes", PICTURE, jpeg_promises, PRUNE_E_FORMAT,
     "830 bytes cannot hold the picture that the header announces: the file is damaged or hostile"},
    {"JPEG: twelve bits", PICTURE, jpeg_twelve_bits, PRUNE_E_FORMAT,
     "damaged JPEG: Unsupported JPEG data precision 12"},
    {"JPEG: five components", PICTURE, jpeg_five_components, PRUNE_E_FORMAT,
     "damaged JPEG: Bogus marker length"},
    {"JPEG: cut short", PICTURE, jpeg_cut_short, PRUNE_E_FORMAT,
     "damaged JPEG: Premature end of JPEG file"},
    {"JPEG: its first bytes alone", PICTURE, jpeg_start_alone, PRUNE_E_FORMAT,
     "damaged JPEG: Premature end of JPEG file"},
    {"JPEG: no frame", PICTURE, jpeg_no_frame, PRUNE_E_FORMAT,
     "damaged JPEG: JPEG datastream contains no image"},
    {"JPEG: a table of all ones", PICTURE, jpeg_bad_table, PRUNE_E_FORMAT,
     "damaged JPEG: Bogus Huffman table definition"},
    {"JPEG: two hundred scans", PICTURE, jpeg_many_scans, PRUNE_E_FORMAT,
     "damaged JPEG: more than 100 scans"},
    {"JPEG: as depth", DEPTH, jpeg_promises, PRUNE_E_FORMAT,
     "not a PNG: depth maps are 16-bit grey PNG files"},
    {"empty: as a picture", PICTURE, nothing, PRUNE_E_FORMAT,
     "neither PNG nor JPEG: convert the picture first"},
    {"empty: as depth", DEPTH, nothing, PRUNE_E_FORMAT,
     "not a PNG: depth maps are 16-bit grey PNG files"},
    {"empty: as .npy", NPY, nothing, PRUNE_E_FORMAT, "not a NumPy .npy file"},
    {"another format", PICTURE, text, PRUNE_E_FORMAT,
     "neither PNG nor JPEG: convert the picture first"},
    {"npy: magic alone", NPY, npy_magic_alone, PRUNE_E_FORMAT, "not a NumPy .npy file"},
    {"npy: another magic", NPY, npy_other_magic, PRUNE_E_FORMAT, "not a NumPy .npy file"},
    {"npy: header beyond the end", NPY, npy_long_header, PRUNE_E_FORMAT,
     "the header's length 65339 makes no sense"},
    {"npy: version 2, cut short", NPY, npy_version_2_short, PRUNE_E_FORMAT,
     "the file ends too early"},
    {"npy: version 2, header of 4 GB", NPY, npy_version_2_huge, PRUNE_E_FORMAT,
     "the header's length 4294967295 makes no sense"},
    {"npy: doubles", NPY, npy_doubles, PRUNE_E_UNSUPPORTED,
     "want a little-endian float32 array of shape (height, width) in C order: save it with "
     "numpy.save(path, map.astype('<f4'))"},
    {"npy: objects", NPY, npy_objects, PRUNE_E_UNSUPPORTED,
     "want a little-endian float32 array of shape (height, width) in C order: save it with "
     "numpy.save(path, map.astype('<f4'))"},
    {"npy: columns first", NPY, npy_fortran, PRUNE_E_UNSUPPORTED,
     "want a little-endian float32 array of shape (height, width) in C order: save it with "
     "numpy.save(path, map.astype('<f4'))"},
    {"npy: one axis", NPY, npy_one_axis, PRUNE_E_UNSUPPORTED,
     "want a little-endian float32 array of shape (height, width) in C order: save it with "
     "numpy.save(path, map.astype('<f4'))"},
    {"npy: four axes", NPY, npy_four_axes, PRUNE_E_UNSUPPORTED,
     "want a little-endian float32 array of shape (height, width) in C order: save it with "
     "numpy.save(path, map.astype('<f4'))"},
    {"npy: negative", NPY, npy_negative, PRUNE_E_UNSUPPORTED,
     "want a little-endian float32 array of shape (height, width) in C order: save it with "
     "numpy.save(path, map.astype('<f4'))"},
    {"npy: empty axis", NPY, npy_zero, PRUNE_E_UNSUPPORTED,
     "want a little-endian float32 array of shape (height, width) in C order: save it with "
     "numpy.save(path, map.astype('<f4'))"},
    {"npy: a size that wraps around", NPY, npy_wraps, PRUNE_E_UNSUPPORTED,
     "want a little-endian float32 array of shape (height, width) in C order: save it with "
     "numpy.save(path, map.astype('<f4'))"},
    {"npy: as large as can be said", NPY, npy_huge, PRUNE_E_MEMORY,
     "2147483647x2147483647 pixels are more than the limit of 100 million: scale the picture down"},
    {"npy: 100 million values in 100 bytes", NPY, npy_promises, PRUNE_E_FORMAT,
     "10000x10000 values announced, but 24 bytes follow"},
    {"npy: values of nobody", NPY, npy_more, PRUNE_E_FORMAT,
     "3x2 values announced, but 28 bytes follow"},
    {"npy: values missing", NPY, npy_fewer, PRUNE_E_FORMAT,
     "3x2 values announced, but 20 bytes follow"},
    {"npy: no shape", NPY, npy_no_shape, PRUNE_E_UNSUPPORTED,
     "want a little-endian float32 array of shape (height, width) in C order: save it with "
     "numpy.save(path, map.astype('<f4'))"},
    {"npy: an open shape", NPY, npy_open_shape, PRUNE_E_UNSUPPORTED,
     "want a little-endian float32 array of shape (height, width) in C order: save it with "
     "numpy.save(path, map.astype('<f4'))"},
    {"npy: code for a shape", NPY, npy_code, PRUNE_E_UNSUPPORTED,
     "want a little-endian float32 array of shape (height, width) in C order: save it with "
     "numpy.save(path, map.astype('<f4'))"},
    {"raw: another number of bytes", RAW, seven_bytes, PRUNE_E_SHAPE,
     "holds 7 bytes, but 2x1 float32 values need 8"},
};

static prune_status read_with(reader which, const char *path)
{
    prune_image image;
    prune_depth_map map;
    prune_status status;
    if (which == PICTURE) {
        status = prune_image_read(&image, ctx, path);
        if (status == PRUNE_OK) prune_image_free(ctx, &image);
        return status;
    }
    status = which == DEPTH ? prune_depth_read(&map, ctx, path, 256)
             : which == NPY ? prune_map_read_npy(&map, ctx, path)
                            : prune_map_read_f32(&map, ctx, path, 2, 1);
    if (status == PRUNE_OK) prune_depth_free(ctx, &map);
    return status;
}

static void check(const attack *a, const blob *b)
{
    char whole[1200];
    const char *path = test_path(0, "attack");
    ck_ok(pr_file_write(ctx, path, b->data, b->size));
    meter before = used;
    used.peak = used.held;
    prune_status status = read_with(a->reader, path);
    if (getenv("PRUNE_HOSTILE_PRINT")) {
        (void)printf("%s\t%s\t%s\n", a->name, prune_status_name(status),
                     status == PRUNE_OK ? "" : prune_last_error() + strlen(path) + 2);
        return;
    }
    (void)snprintf(whole, sizeof whole, "%s: %s", path, a->message);
    ck_assert_msg(status == a->status && (!status || strcmp(prune_last_error(), whole) == 0),
                  "%s: got %s \"%s\", wanted %s \"%s\"", a->name, prune_status_name(status),
                  prune_last_error(), prune_status_name(a->status), whole);
    ck_assert_msg(used.open == before.open, "%s: memory is left allocated", a->name);
    /* 64 KB: what libpng and the resulting picture of a few pixels need. */
    ck_assert_msg(used.peak - before.held <= b->size * 5 / 2 + (64 << 10), "%s: %llu bytes for %zu",
                  a->name, (unsigned long long)(used.peak - before.held), b->size);
}

START_TEST(every_picture)
{
    static blob b;
    ck_ok(meter_context(&ctx, &used));
    for (size_t k = 0; k < sizeof attacks / sizeof *attacks; k++) {
        b.size = 0;
        attacks[k].make(&b);
        check(&attacks[k], &b);
    }
    prune_context_free(ctx);
}
END_TEST

TEST_MAIN("image/hostile_pictures", every_picture)
