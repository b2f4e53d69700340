/* Evaluations kept as JSON: what a resumed run reads. */
#include "tests/fuzz/fuzz.h"

#include <prune/eval.h>
#include <stdlib.h>
#include <string.h>

const fuzz_bound fuzz_memory = {256, 1 << 16};

void fuzz_one(prune_context *ctx, const uint8_t *data, size_t size)
{
    prune_evaluation *evaluation = NULL;
    char *text = malloc(size + 1), *json = NULL;
    if (!text) return;
    if (size) memcpy(text, data, size);
    text[size] = '\0';
    if (fuzz_ok(prune_evaluation_from_json(&evaluation, ctx, text))) {
        if (fuzz_ok(prune_evaluation_json(evaluation, &json))) prune_text_free(json);
        prune_evaluation_free(evaluation);
    }
    free(text);
}
