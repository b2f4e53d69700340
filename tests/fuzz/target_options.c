/* Option parsing: "name\0value" into every table of options there is. */
#include "tests/fuzz/fuzz.h"

#include <prune/pipeline.h>
#include <prune/prune.h>
#include <stdlib.h>
#include <string.h>

const fuzz_bound fuzz_memory = {1, 4096};

static void set_in(const prune_option_table *table, const char *name, const char *value)
{
    char text[256];
    void *options = calloc(1, table->struct_size);
    if (!options) return;
    prune_options_init(table, options);
    if (fuzz_ok(prune_options_set(table, options, name, value)) &&
        fuzz_ok(prune_options_get(table, options, name, text, sizeof text)) &&
        prune_options_find(table, name)->type != PRUNE_OPTION_TEXT)
        fuzz_require(fuzz_ok(prune_options_set(table, options, name, text)),
                     "an option's value does not read back");
    free(options);
}

void fuzz_one(prune_context *ctx, const uint8_t *data, size_t size)
{
    const prune_option_table *const tables[] = {
        prune_load_option_table(),     prune_save_option_table(), prune_new_option_table(),
        prune_cut_option_table(),      prune_tune_option_table(), prune_quant_option_table(),
        prune_compress_option_table(), prune_trim_option_table(),
    };
    (void)ctx;
    char *text = malloc(size + 2);
    if (!text) return;
    if (size) memcpy(text, data, size);
    text[size] = text[size + 1] = '\0';
    const char *value = text + strlen(text) + 1;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        set_in(tables[t], text, value);
        for (size_t k = 0; k < tables[t]->count; k++)
            set_in(tables[t], tables[t]->options[k].name, text);
    }
    free(text);
}
