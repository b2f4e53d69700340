/* Packed models: zstd frames around safetensors around a graph. */
#include "tests/fuzz/fuzz.h"

#include <prune/model.h>

/* 64 times the file's size is what the frames may announce; 2.5 times that may be held. */
const fuzz_bound fuzz_memory = {64 * 3, 1 << 20};

void fuzz_one(prune_context *ctx, const uint8_t *data, size_t size)
{
    prune_model *model = NULL;
    if (!fuzz_ok(prune_model_load_memory(&model, ctx, data, size, NULL))) return;
    prune_model_info info = {.struct_size = sizeof info};
    (void)fuzz_ok(prune_model_describe(model, 0, 0, &info));
    prune_model_free(model);
}
