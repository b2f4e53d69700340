/* config.json and preprocessor_config.json of a Hugging Face folder, beside the tensors of the tiny
 * checkpoint of tests/golden. The input holds both, {"config": {...}, "preprocessor": {...}}. */
#include "libprune/models/families/families.h"
#include "libprune/models/models.h"
#include "tests/fuzz/fuzz.h"

#include <prune/model.h>
#include <stdio.h>
#include <stdlib.h>

/* The model's own tensors are shared; nodes and names are not. */
const fuzz_bound fuzz_memory = {64, 8 << 20};

static pr_checkpoint checkpoint;

static void read_tensors(prune_context *ctx)
{
    char path[1024];
    const char *source = getenv("PRUNE_TEST_SOURCE");
    (void)snprintf(path, sizeof path, "%s/tests/golden/dav2_tiny_hf/model.safetensors",
                   source ? source : ".");
    checkpoint = (pr_checkpoint){.ctx = ctx, .path = "folder"};
    pr_table_init(&checkpoint.table, ctx);
    fuzz_require(fuzz_ok(pr_checkpoint_read(&checkpoint, path, "", 0)), "no tensors");
}

void fuzz_one(prune_context *ctx, const uint8_t *data, size_t size)
{
    if (!checkpoint.ctx) {
        read_tensors(ctx);
        return;
    }
    json_t *json = NULL;
    if (!fuzz_ok(pr_checkpoint_json(&json, fuzz_file(data, size)))) return;
    checkpoint.config = json_object_get(json, "config");
    checkpoint.preprocessor = json_object_get(json, "preprocessor");
    prune_load_options options;
    prune_load_options_init(&options);
    prune_model *model = NULL;
    for (size_t f = 0; f < pr_families_count && !model; f++)
        for (const char *const *probe = pr_families[f].probes; *probe && !model; probe++)
            if (pr_checkpoint_find(&checkpoint, *probe))
                (void)fuzz_ok(pr_families[f].build(&model, &checkpoint, *probe, &options));
    if (model) (void)fuzz_ok(pr_models_finish(model));
    prune_model_free(model);
    json_decref(json);
}
