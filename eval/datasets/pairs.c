/* Pairs of files as samples. */
#include "eval/datasets/datasets.h"

#include <prune/image.h>
#include <prune/sys/error.h>
#include <prune/sys/memory.h>
#include <stdlib.h>
#include <string.h>

static char *copy_text(prune_context *context, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = prune_memory_new(context, bytes, 1);
    if (copy) memcpy(copy, text, bytes);
    return copy;
}

void pr_dataset_free_pair(prune_context *context, pr_pair *pair)
{
    prune_memory_free(context, pair->name);
    prune_memory_free(context, pair->group);
    prune_memory_free(context, pair->image);
    prune_memory_free(context, pair->depth);
}

static prune_status make_room(pr_dataset *dataset)
{
    if (dataset->count < dataset->capacity) return PRUNE_OK;
    uint64_t capacity = dataset->capacity ? 2 * dataset->capacity : 64;
    pr_pair *pairs = prune_memory_new(dataset->context, (size_t)capacity, sizeof *pairs);
    if (!pairs) return PRUNE_E_MEMORY;
    if (dataset->count) memcpy(pairs, dataset->pairs, (size_t)dataset->count * sizeof *pairs);
    prune_memory_free(dataset->context, dataset->pairs);
    dataset->pairs = pairs;
    dataset->capacity = capacity;
    return PRUNE_OK;
}

prune_status pr_dataset_add(pr_dataset *dataset, const char *name, const char *group,
                            const char *image, const char *depth)
{
    prune_status status = make_room(dataset);
    if (status != PRUNE_OK) return status;
    prune_context *context = dataset->context;
    pr_pair pair = {copy_text(context, name), copy_text(context, group),
                    image ? copy_text(context, image) : NULL,
                    depth ? copy_text(context, depth) : NULL};
    if (!pair.name || !pair.group || (image && !pair.image) || (depth && !pair.depth)) {
        pr_dataset_free_pair(context, &pair);
        return PRUNE_E_MEMORY;
    }
    dataset->pairs[dataset->count++] = pair;
    return PRUNE_OK;
}

void pr_dataset_clear(pr_dataset *dataset)
{
    for (uint64_t i = 0; i < dataset->count; i++)
        pr_dataset_free_pair(dataset->context, &dataset->pairs[i]);
    prune_memory_free(dataset->context, dataset->pairs);
    dataset->pairs = NULL;
    dataset->count = dataset->capacity = 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const pr_pair *)a)->name, ((const pr_pair *)b)->name);
}

prune_status pr_dataset_sort(pr_dataset *dataset)
{
    if (dataset->count) qsort(dataset->pairs, dataset->count, sizeof *dataset->pairs, by_name);
    for (uint64_t i = 1; i < dataset->count; i++) {
        const pr_pair *a = &dataset->pairs[i - 1], *b = &dataset->pairs[i];
        if (strcmp(a->name, b->name) == 0)
            return prune_error_set(PRUNE_E_ARGUMENT,
                                   "frame %s occurs twice (%s and %s): remove one", a->name,
                                   a->image ? a->image : a->depth, b->image ? b->image : b->depth);
    }
    return PRUNE_OK;
}

prune_status pr_dataset_check(const pr_dataset *dataset, const char *path)
{
    if (dataset->count == 0) return prune_error_set(PRUNE_E_ARGUMENT, "%s holds no frames", path);
    for (uint64_t i = 0; i < dataset->count; i++) {
        const pr_pair *pair = &dataset->pairs[i];
        if (!pair->image)
            return prune_error_set(PRUNE_E_ARGUMENT,
                                   "%s has no picture of the same name: add it, or leave the frame "
                                   "out with --frames",
                                   pair->depth);
        if (!pair->depth)
            return prune_error_set(PRUNE_E_ARGUMENT,
                                   "%s has no ground truth, a 16-bit PNG of the same name in "
                                   "groundtruth_depth/: add it, or leave the frame out with "
                                   "--frames",
                                   pair->image);
    }
    return PRUNE_OK;
}

static prune_status pairs_load(void *user, uint64_t index, prune_sample *sample)
{
    const pr_dataset *dataset = user;
    const pr_pair *pair = &dataset->pairs[index];
    prune_image image;
    prune_depth_map depth;
    prune_status status = prune_image_read(&image, dataset->context, pair->image);
    if (status != PRUNE_OK) return status;
    status = prune_depth_read(&depth, dataset->context, pair->depth, dataset->divisor);
    if (status != PRUNE_OK) {
        prune_image_free(dataset->context, &image);
        return status;
    }
    *sample = (prune_sample){.name = pair->name,
                             .group = pair->group,
                             .width = image.width,
                             .height = image.height,
                             .rgb = image.rgb,
                             .depth = depth.values,
                             .depth_width = depth.width,
                             .depth_height = depth.height};
    return PRUNE_OK;
}

static void pairs_release(void *user, prune_sample *sample)
{
    const pr_dataset *dataset = user;
    prune_memory_free(dataset->context, (void *)(uintptr_t)sample->rgb);
    prune_memory_free(dataset->context, (void *)(uintptr_t)sample->depth);
    memset(sample, 0, sizeof *sample);
}

static prune_status pairs_identify(void *user, uint64_t index, const char **name,
                                   const char **group)
{
    const pr_dataset *dataset = user;
    *name = dataset->pairs[index].name;
    *group = dataset->pairs[index].group;
    return PRUNE_OK;
}

static void pairs_close(void *user)
{
    pr_dataset *dataset = user;
    pr_dataset_clear(dataset);
    prune_memory_free(dataset->context, dataset);
}

prune_status pr_dataset_samples(prune_samples **out, pr_dataset *dataset)
{
    pr_dataset *own = prune_memory_new(dataset->context, 1, sizeof *own);
    if (!own) return PRUNE_E_MEMORY;
    *own = *dataset;
    prune_sample_source source = {.struct_size = sizeof source,
                                  .user = own,
                                  .count = own->count,
                                  .load = pairs_load,
                                  .release = pairs_release,
                                  .close = pairs_close,
                                  .identify = pairs_identify};
    prune_status status = prune_samples_create(out, dataset->context, &source);
    if (status != PRUNE_OK) {
        prune_memory_free(dataset->context, own);
        return status;
    }
    dataset->pairs = NULL;
    dataset->count = dataset->capacity = 0;
    return PRUNE_OK;
}
