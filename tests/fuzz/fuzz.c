/* What every fuzz target shares: a context that counts, and the checks around one input. */
#define _GNU_SOURCE
#include "tests/fuzz/fuzz.h"

#include "tests/support/meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static meter memory;

void fuzz_require(bool holds, const char *what)
{
    if (holds) return;
    (void)fprintf(stderr, "fuzz: %s (last message: %s)\n", what, prune_last_error());
    abort();
}

bool fuzz_ok(prune_status status)
{
    fuzz_require(status == PRUNE_OK || prune_last_error()[0], "a failure without a message");
    fuzz_require(status != PRUNE_E_INTERNAL, "an internal error from outside data");
    return status == PRUNE_OK;
}

const char *fuzz_file(const uint8_t *data, size_t size)
{
    static int descriptor = -1;
    static char path[64];
    if (descriptor < 0) {
        descriptor = memfd_create("fuzz", MFD_CLOEXEC);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    }
    fuzz_require(descriptor >= 0 && ftruncate(descriptor, 0) == 0 &&
                     pwrite(descriptor, data, size, 0) == (ssize_t)size,
                 "the input cannot be put into a file");
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static prune_context *ctx;
    if (!ctx) {
        fuzz_require(meter_context(&ctx, &memory) == PRUNE_OK, "no context");
        /* What a target makes once and keeps is not this input's. */
        fuzz_one(ctx, (const uint8_t *)"", 0);
    }
    (void)pr_fail(PRUNE_OK, "%s", "");
    int64_t open = memory.open;
    uint64_t before = memory.held;
    memory.peak = before;
    fuzz_one(ctx, data, size);
    fuzz_require(memory.open == open, "memory is left allocated");
    fuzz_require(memory.peak - before <= fuzz_memory.factor * size + fuzz_memory.base,
                 "more memory than the input may ask for");
    return 0;
}
