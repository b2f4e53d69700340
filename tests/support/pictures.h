/* A sample source of made-up pictures: smooth colours and boxes that differ from frame to frame. */
#ifndef TESTS_PICTURES_H
#define TESTS_PICTURES_H

#include <prune/samples.h>

prune_samples *test_pictures(prune_context *ctx, uint64_t count, int32_t width, int32_t height);

#endif
