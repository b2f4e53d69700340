/* Paths and names of files, and the pairing of two folders. */
#include "eval/datasets/datasets.h"

#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAME = 300 };

char *pr_dataset_path(prune_context *context, const char *folder, ...)
{
    va_list parts;
    va_start(parts, folder);
    char *path = NULL;
    const char *part;
    while ((part = va_arg(parts, const char *)) != NULL) {
        char *longer = prune_path_join(context, path ? path : folder, part);
        prune_memory_free(context, path);
        path = longer;
        if (!path) break;
    }
    va_end(parts);
    return path;
}

prune_status pr_dataset_has_folder(bool *has, prune_context *context, const char *folder,
                                   const char *name)
{
    char *path = prune_path_join(context, folder, name);
    if (!path) return PRUNE_E_MEMORY;
    *has = prune_path_is_folder(path);
    prune_memory_free(context, path);
    return PRUNE_OK;
}

bool pr_dataset_is_picture(const char *file)
{
    const char *dot = strrchr(file, '.');
    return dot && dot != file &&
           (strcasecmp(dot, ".png") == 0 || strcasecmp(dot, ".jpg") == 0 ||
            strcasecmp(dot, ".jpeg") == 0);
}

bool pr_dataset_stem(char *out, size_t size, const char *file)
{
    const char *dot = strrchr(file, '.');
    size_t length = dot ? (size_t)(dot - file) : strlen(file);
    if (length >= size) return false;
    memcpy(out, file, length);
    out[length] = '\0';
    return true;
}

static int text_order(const void *key, const void *entry)
{
    return strcmp(key, *(const char *const *)entry);
}

/* Names of ground-truth files are sorted; theirs end in ".png". */
static bool has_depth(const prune_file_list *depths, const char *stem, char *file)
{
    size_t length = strlen(stem);
    if (length + 5 > NAME) return false;
    memcpy(file, stem, length);
    memcpy(file + length, ".png", 5);
    return depths->count &&
           bsearch(file, depths->names, depths->count, sizeof *depths->names, text_order) != NULL;
}

typedef struct pairing {
    pr_dataset *dataset;
    const char *images_path, *depths_path;
    prune_file_list images, depths;
    bool *used; /* per ground-truth file */
    pr_dataset_rename to_depth;
} pairing;

static prune_status add_pair(const pairing *p, const char *stem, const char *image,
                             const char *depth)
{
    prune_context *context = p->dataset->context;
    char group[64];
    prune_sample_group(group, sizeof group, stem);
    char *image_path = image ? prune_path_join(context, p->images_path, image) : NULL;
    char *depth_path = depth ? prune_path_join(context, p->depths_path, depth) : NULL;
    prune_status status = PRUNE_E_MEMORY;
    if ((!image || image_path) && (!depth || depth_path))
        status = pr_dataset_add(p->dataset, stem, group, image_path, depth_path);
    prune_memory_free(context, image_path);
    prune_memory_free(context, depth_path);
    return status;
}

static prune_status pair_images(const pairing *p)
{
    for (size_t i = 0; i < p->images.count; i++) {
        const char *file = p->images.names[i];
        char stem[NAME], wanted[NAME], depth[NAME];
        if (!pr_dataset_is_picture(file)) continue;
        if (!pr_dataset_stem(stem, sizeof stem, file) || !p->to_depth(wanted, NAME, stem))
            return prune_error_set(PRUNE_E_UNSUPPORTED, "%s/%s: the name is too long",
                                   p->images_path, file);
        bool found = has_depth(&p->depths, wanted, depth);
        if (found) {
            char **entry = bsearch(depth, p->depths.names, p->depths.count, sizeof *p->depths.names,
                                   text_order);
            p->used[entry - p->depths.names] = true;
        }
        prune_status status = add_pair(p, stem, file, found ? depth : NULL);
        if (status != PRUNE_OK) return status;
    }
    return PRUNE_OK;
}

/* Ground truth that no picture claimed is kept without one, so that the check can name it. */
static prune_status add_orphans(const pairing *p)
{
    for (size_t i = 0; i < p->depths.count; i++) {
        char stem[NAME];
        if (p->used[i] || !pr_dataset_is_picture(p->depths.names[i])) continue;
        if (!pr_dataset_stem(stem, sizeof stem, p->depths.names[i])) continue;
        prune_status status = add_pair(p, stem, NULL, p->depths.names[i]);
        if (status != PRUNE_OK) return status;
    }
    return PRUNE_OK;
}

prune_status pr_dataset_pair_folders(pr_dataset *dataset, const char *folder,
                                     pr_dataset_rename to_depth)
{
    prune_context *context = dataset->context;
    char *images = prune_path_join(context, folder, "image");
    char *depths = prune_path_join(context, folder, "groundtruth_depth");
    pairing p = {
        .dataset = dataset, .images_path = images, .depths_path = depths, .to_depth = to_depth};
    prune_status status = images && depths ? PRUNE_OK : PRUNE_E_MEMORY;
    if (status == PRUNE_OK) status = prune_folder_list(&p.images, context, images);
    if (status == PRUNE_OK) status = prune_folder_list(&p.depths, context, depths);
    if (status == PRUNE_OK) {
        p.used = prune_memory_zero(context, p.depths.count + 1, sizeof *p.used);
        status = p.used ? pair_images(&p) : PRUNE_E_MEMORY;
    }
    if (status == PRUNE_OK) status = add_orphans(&p);
    prune_memory_free(context, p.used);
    prune_file_list_free(context, &p.images);
    prune_file_list_free(context, &p.depths);
    prune_memory_free(context, images);
    prune_memory_free(context, depths);
    return status;
}
