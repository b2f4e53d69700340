/* A table of tensors written in every container that checkpoints come in, byte by byte. */
#ifndef TESTS_MODELS_CHECKPOINTS_H
#define TESTS_MODELS_CHECKPOINTS_H

#define BYTES_CAPACITY (1 << 19)
#include "libprune/base/file.h"
#include "libprune/formats/container.h"
#include "libprune/formats/safetensors.h"
#include "tests/formats/bytes.h"
#include "tests/support/support.h"

#include <math.h>
#include <stdlib.h>

/* What a trainer puts around the state dict: keys of dicts inside each other, and a prefix. */
typedef struct wrapping {
    const char *outer, *inner; /* NULL: none */
    const char *prefix;
} wrapping;

static inline const char *storage_class(pr_dtype dtype)
{
    return dtype == PR_F16 ? "HalfStorage" : dtype == PR_BF16 ? "BFloat16Storage" : "FloatStorage";
}

/* The pickle of {outer: {inner: {name: tensor, ...}, "epoch": 3}}, storages called 0, 1, 2 ... */
static inline void add_state(bytes *b, const pr_table *table, const wrapping *w, int legacy)
{
    add_text(b, "\x80\2");
    const char *layers[2] = {w->outer, w->inner};
    for (int k = 0; k < 2; k++)
        if (layers[k]) {
            add_text(b, "}(");
            add_string(b, "epoch");
            add_text(b, "K\3");
            add_string(b, layers[k]);
        }
    add_text(b, "ccollections\nOrderedDict\n)R(");
    for (size_t i = 0; i < table->count; i++) {
        const pr_tensor *t = &table->items[i].tensor;
        char name[300], key[16];
        int64_t stride[PR_MAX_RANK], run = 1;
        for (int32_t k = t->shape.rank - 1; k >= 0; k--) {
            stride[k] = run;
            run *= t->shape.dim[k];
        }
        (void)snprintf(name, sizeof name, "%s%s", w->prefix ? w->prefix : "", table->items[i].name);
        (void)snprintf(key, sizeof key, "%zu", i);
        add_string(b, name);
        add_tensor(b, storage_class(t->dtype), key, run, 0, t->shape.rank, t->shape.dim, stride,
                   legacy);
    }
    add_text(b, "u");
    for (int k = 0; k < 2; k++)
        if (layers[k]) add_text(b, "u");
    add_text(b, ".");
}

static inline void write_bytes(prune_context *ctx, const char *path, const bytes *b)
{
    ck_assert_uint_lt(b->size, sizeof b->data);
    ck_ok(pr_file_write(ctx, path, b->data, b->size));
}

/* torch.save since 1.6. */
static inline void write_zip(const pr_table *table, const wrapping *w, const char *path)
{
    static zip_maker z;
    static bytes pickle;
    z.file.size = z.central.size = pickle.size = 0;
    z.entries = 0;
    add_state(&pickle, table, w, 0);
    zip_entry(&z, "archive/data.pkl", pickle.data, pickle.size);
    zip_entry(&z, "archive/byteorder", "little", 6);
    for (size_t i = 0; i < table->count; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "archive/data/%zu", i);
        zip_entry(&z, name, table->items[i].tensor.data, pr_tensor_bytes(&table->items[i].tensor));
    }
    zip_entry(&z, "archive/version", "3\n", 2);
    zip_end(&z);
    write_bytes(table->ctx, path, &z.file);
}

/* torch.save before 1.6. */
static inline void write_legacy(const pr_table *table, const wrapping *w, const char *path)
{
    static bytes b;
    b.size = 0;
    add(&b, "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
    add(&b, "\x80\2M\xe9\3.", 6);
    add_text(&b, "\x80\2}");
    add_string(&b, "little_endian");
    add_text(&b, "\x88s.");
    add_state(&b, table, w, 1);
    add_text(&b, "\x80\2](");
    for (size_t i = 0; i < table->count; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%zu", i);
        add_string(&b, key);
    }
    add_text(&b, "e.");
    for (size_t i = 0; i < table->count; i++) {
        const pr_tensor *t = &table->items[i].tensor;
        add_number(&b, (uint64_t)pr_tensor_count(t), 8);
        add(&b, t->data, pr_tensor_bytes(t));
    }
    write_bytes(table->ctx, path, &b);
}

/* The same tensors as another type. */
static inline void convert_table(pr_table *out, const pr_table *table, pr_dtype dtype)
{
    pr_table_init(out, table->ctx);
    for (size_t i = 0; i < table->count; i++) {
        pr_tensor converted;
        const pr_tensor *t = &table->items[i].tensor;
        if (t->dtype == dtype)
            converted = pr_tensor_share(t);
        else
            ck_ok(pr_tensor_convert(&converted, table->ctx, t, dtype));
        ck_ok(pr_table_add(out, table->items[i].name, converted));
    }
    ck_ok(pr_table_sort(out));
}

/* Values that every floating-point type holds exactly: rounded to bfloat16, then to half. */
static inline void round_table(pr_table *out, const pr_table *table)
{
    pr_table wide, brain, back, half;
    convert_table(&wide, table, PR_F32);
    for (size_t i = 0; i < wide.count; i++) {
        pr_tensor copy;
        ck_ok(pr_tensor_copy(&copy, wide.ctx, &wide.items[i].tensor));
        for (int64_t k = 0; k < pr_tensor_count(&copy); k++)
            if (fabsf(pr_f32(&copy)[k]) < 1e-3f) pr_f32(&copy)[k] = 0; /* no denormal halves */
        pr_tensor_release(&wide.items[i].tensor);
        wide.items[i].tensor = copy;
    }
    convert_table(&brain, &wide, PR_BF16);
    convert_table(&back, &brain, PR_F32);
    convert_table(&half, &back, PR_F16);
    convert_table(out, &half, PR_F32);
    pr_table_free(&wide);
    pr_table_free(&brain);
    pr_table_free(&back);
    pr_table_free(&half);
}

/* The rows [first, end) of the table. */
static inline void part_of_table(pr_table *out, const pr_table *table, size_t first, size_t end)
{
    pr_table_init(out, table->ctx);
    for (size_t i = first; i < end; i++)
        ck_ok(pr_table_add(out, table->items[i].name, pr_tensor_share(&table->items[i].tensor)));
}

#endif
