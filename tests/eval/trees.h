/* Makes small data sets on disk for tests. */
#ifndef TESTS_EVAL_TREES_H
#define TESTS_EVAL_TREES_H

#include "eval/datasets/datasets.h"
#include "tests/support/support.h"

#include <prune/image.h>
#include <prune/sys/file.h>
#include <stdio.h>
#include <stdlib.h>

/* Creates root/file's folder. */
static inline const char *tree_path(const char *root, const char *file)
{
    static char path[800];
    (void)snprintf(path, sizeof path, "%s/%s", root, file);
    char folder[800];
    (void)snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    ck_ok(prune_folder_create(folder));
    return path;
}

/* A picture of 4 x 2 in one shade; a depth map of 4 x 2 with one value. */
static inline void tree_image(prune_context *ctx, const char *root, const char *file, int shade)
{
    uint8_t rgb[24];
    memset(rgb, shade, sizeof rgb);
    ck_ok(prune_image_write_png(ctx, tree_path(root, file), rgb, 4, 2));
}

static inline void tree_depth(prune_context *ctx, const char *root, const char *file, float metres)
{
    float values[8];
    for (int i = 0; i < 8; i++) values[i] = metres;
    ck_ok(prune_depth_write(ctx, tree_path(root, file), values, 4, 2, 256));
}

static inline prune_dataset_options tree_options(void)
{
    prune_dataset_options options;
    prune_dataset_options_init(&options);
    return options;
}

/* Opens and checks the frames' names in order; NULL ends them. */
static inline prune_samples *tree_open(prune_context *ctx, const char *root,
                                       const prune_dataset_options *options,
                                       const char *const *names)
{
    prune_samples *samples;
    ck_ok(prune_dataset_open(&samples, ctx, root, options));
    uint64_t count = 0;
    for (; names[count]; count++) {
        const char *name, *group;
        ck_ok(prune_samples_identify(samples, count, &name, &group));
        ck_assert_str_eq(name, names[count]);
    }
    ck_assert_uint_eq(prune_samples_count(samples), count);
    return samples;
}

/* The frame's picture has this shade and its truth this depth. */
static inline void tree_check(prune_samples *samples, uint64_t index, int shade, float metres)
{
    prune_sample sample;
    ck_ok(prune_samples_load(samples, index, &sample));
    ck_assert_int_eq(sample.rgb[0], shade);
    ck_assert_ptr_nonnull(sample.depth);
    ck_assert(sample.depth[5] == metres);
    ck_assert_int_eq(sample.depth_width, 4);
    ck_assert_int_eq(sample.depth_height, 2);
    prune_samples_release(samples, &sample);
}

#endif
