/* Fuzz targets: one file per reader, target_<reader>.c, which defines fuzz_one. The same function
 * is run by libFuzzer (preset `fuzz`) and, over the committed inputs of corpus/<reader>/, by
 * replay.c in every other build. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "libprune/base/context.h"

/* One input. Whatever must hold and does not is told to fuzz_require. */
void fuzz_one(prune_context *ctx, const uint8_t *data, size_t size);

/* The most memory that this reader may hold for an input: factor * size + base bytes. */
typedef struct fuzz_bound {
    uint64_t factor, base;
} fuzz_bound;
extern const fuzz_bound fuzz_memory;

/* Ends the process, so that the fuzzer keeps the input, unless `holds`. */
void fuzz_require(bool holds, const char *what);
/* A failure leaves a message, whatever the status. True when the status is PRUNE_OK. */
bool fuzz_ok(prune_status status);
/* A file with this content, for readers that want a path. Valid until the next call. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* Creates the context once, runs fuzz_one and checks that nothing is left allocated and that the
 * memory bound was kept. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
