/* The pickle machine alone, then what it built as the state dict of a zip file with one storage. */
#include "libprune/formats/pickle.h"
#include "libprune/formats/pytorch.h"
#include "tests/formats/bytes.h"
#include "tests/fuzz/fuzz.h"

const fuzz_bound fuzz_memory = {1024, 1 << 20};

static void nobody(void *owner)
{
    (void)owner;
}

/* Every index that the reader hands out leads to something. */
static void walk(const pr_pickle *pickle)
{
    size_t seen = 0;
    fuzz_require(pickle->root < pickle->count, "a root that does not exist");
    for (size_t i = 0; i < pickle->count; i++) {
        const pr_pickle_object *o = pr_pickle_at(pickle, (uint32_t)i);
        if (o->kind != PR_PICKLE_TUPLE && o->kind != PR_PICKLE_LIST && o->kind != PR_PICKLE_DICT)
            continue;
        for (uint32_t k = 0; k < o->items.count; k++)
            seen += pr_pickle_item(pickle, o, k) < pickle->count;
        fuzz_require(o->items.first + o->items.count <= pickle->n_links, "items outside");
        seen -= o->items.count;
    }
    fuzz_require(seen == 0, "an item that does not exist");
}

static void read_in_zip(prune_context *ctx, const uint8_t *data, size_t size)
{
    static zip_maker zip;
    static const float values[24] = {1, 2, 3};
    zip.file.size = zip.central.size = zip.entries = 0;
    zip_entry(&zip, "a/data.pkl", data, size);
    zip_entry(&zip, "a/data/0", values, sizeof values);
    zip_end(&zip);
    pr_table table;
    pr_buffer *buffer;
    if (!fuzz_ok(pr_formats_buffer(&buffer, ctx, zip.file.data, nobody, NULL))) return;
    if (fuzz_ok(pr_pytorch_read_zip(&table, ctx, buffer, zip.file.size))) pr_table_free(&table);
    pr_formats_drop(buffer);
}

void fuzz_one(prune_context *ctx, const uint8_t *data, size_t size)
{
    pr_pickle pickle;
    if (fuzz_ok(pr_pickle_read(&pickle, ctx, data, size))) {
        fuzz_require(pickle.consumed <= size, "more consumed than there is");
        walk(&pickle);
        pr_pickle_free(&pickle);
    }
    if (size < 16384) read_in_zip(ctx, data, size);
}
