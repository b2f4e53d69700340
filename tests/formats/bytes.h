/* Files made byte by byte, honest and hostile ones. */
#ifndef TESTS_FORMATS_BYTES_H
#define TESTS_FORMATS_BYTES_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef BYTES_CAPACITY
#define BYTES_CAPACITY (1 << 16)
#endif
typedef struct bytes {
    uint8_t data[BYTES_CAPACITY];
    size_t size;
} bytes;

static inline void add(bytes *b, const void *data, size_t size)
{
    if (b->size + size > sizeof b->data) return;
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

/* Little-endian number of `width` bytes. */
static inline void add_number(bytes *b, uint64_t value, int width)
{
    for (int k = 0; k < width; k++) {
        uint8_t byte = k < 8 ? (uint8_t)(value >> (8 * k)) : 0;
        add(b, &byte, 1);
    }
}

static inline void add_text(bytes *b, const char *text)
{
    add(b, text, strlen(text));
}

/* --- pickle --- */

static inline void add_string(bytes *b, const char *text)
{
    add_text(b, "X");
    add_number(b, strlen(text), 4);
    add_text(b, text);
}

static inline void add_int(bytes *b, int64_t value)
{
    add(b, "\x8a\x08", 2);
    add_number(b, (uint64_t)value, 8);
}

/* A tensor on the stack: storage class, key, elements of the storage, offset, axes. */
static inline void add_tensor(bytes *b, const char *type, const char *key, int64_t count,
                              int64_t offset, int rank, const int64_t *size, const int64_t *stride,
                              int legacy)
{
    add_text(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    add_string(b, "storage");
    add_text(b, "ctorch\n");
    add_text(b, type);
    add_text(b, "\n");
    add_string(b, key);
    add_string(b, "cpu");
    add_int(b, count);
    add_text(b, legacy ? "NtQ" : "tQ");
    add_int(b, offset);
    for (int pass = 0; pass < 2; pass++) {
        add_text(b, "(");
        for (int k = 0; k < rank; k++) add_int(b, pass ? stride[k] : size[k]);
        add_text(b, "t");
    }
    add_text(b, "\x89)tR");
}

/* --- zip with stored entries --- */

typedef struct zip_maker {
    bytes file, central;
    unsigned entries;
} zip_maker;

static inline void zip_entry(zip_maker *z, const char *name, const void *data, size_t size)
{
    size_t at = z->file.size;
    add(&z->file, "PK\3\4\0\0\10\10\0\0\0\0\0\0", 14); /* sizes stand in the directory only */
    add_number(&z->file, 0, 4);
    add_number(&z->file, 0, 8);
    add_number(&z->file, strlen(name), 2);
    size_t extra = (64 - (at + 30 + strlen(name) + 4) % 64) % 64 + 4;
    add_number(&z->file, extra, 2);
    add_text(&z->file, name);
    add_text(&z->file, "FB");
    add_number(&z->file, extra - 4, 2);
    for (size_t k = 4; k < extra; k++) add_text(&z->file, "Z");
    add(&z->file, data, size);
    bytes *c = &z->central;
    add(c, "PK\1\2\0\0\0\0\10\10\0\0\0\0\0\0", 16);
    add_number(c, 0, 4); /* CRC: never relied on */
    add_number(c, size, 4);
    add_number(c, size, 4);
    add_number(c, strlen(name), 2);
    add_number(c, 0, 12);
    add_number(c, at, 4);
    add_text(c, name);
    z->entries++;
}

static inline void zip_end(zip_maker *z)
{
    size_t at = z->file.size;
    add(&z->file, z->central.data, z->central.size);
    add(&z->file, "PK\5\6\0\0\0\0", 8);
    add_number(&z->file, z->entries, 2);
    add_number(&z->file, z->entries, 2);
    add_number(&z->file, z->central.size, 4);
    add_number(&z->file, at, 4);
    add_number(&z->file, 0, 2);
}

#endif
