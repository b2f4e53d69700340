/* Layout "selection": the KITTI depth selection. A picture is DRIVE_sync_image_FRAME_image_0C.png,
 * its ground truth DRIVE_sync_groundtruth_depth_FRAME_image_0C.png. */
#include "eval/datasets/datasets.h"

#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <stdio.h>
#include <string.h>

static const char picture_token[] = "_sync_image_", depth_token[] = "_sync_groundtruth_depth_";

static bool depth_stem(char *out, size_t size, const char *stem)
{
    const char *token = strstr(stem, picture_token);
    int length;
    if (!token) {
        length = snprintf(out, size, "%s", stem);
    } else {
        length = snprintf(out, size, "%.*s%s%s", (int)(token - stem), stem, depth_token,
                          token + sizeof picture_token - 1);
    }
    return length > 0 && (size_t)length < size;
}

/* The folder itself, or what contains it in the published archives. */
static const char *const inside[] = {".", "val_selection_cropped", "val_selection",
                                     "depth_selection/val_selection_cropped",
                                     "depth_selection/val_selection"};

static prune_status holds_selection(bool *found, prune_context *context, const char *folder)
{
    prune_status status = pr_dataset_has_folder(found, context, folder, "image");
    if (status == PRUNE_OK && *found)
        status = pr_dataset_has_folder(found, context, folder, "groundtruth_depth");
    if (status != PRUNE_OK || !*found) return status;
    *found = false;
    char *depths = prune_path_join(context, folder, "groundtruth_depth");
    if (!depths) return PRUNE_E_MEMORY;
    prune_file_list files = {0};
    status = prune_folder_list(&files, context, depths);
    for (size_t i = 0; i < files.count && !*found; i++)
        *found = strstr(files.names[i], depth_token) != NULL;
    prune_file_list_free(context, &files);
    prune_memory_free(context, depths);
    return status;
}

/* The folder with the selection, NULL when there is none. */
static prune_status find_selection(char **out, prune_context *context, const char *path)
{
    *out = NULL;
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        bool found = false;
        char *folder = prune_path_join(context, path, inside[i]);
        prune_status status = folder ? holds_selection(&found, context, folder) : PRUNE_E_MEMORY;
        if (status == PRUNE_OK && found) {
            *out = folder;
            return PRUNE_OK;
        }
        prune_memory_free(context, folder);
        if (status != PRUNE_OK) return status;
    }
    return PRUNE_OK;
}

static prune_status probe(bool *found, prune_context *context, const char *path)
{
    char *folder;
    prune_status status = find_selection(&folder, context, path);
    *found = status == PRUNE_OK && folder;
    if (status == PRUNE_OK) prune_memory_free(context, folder);
    return status;
}

static prune_status list(pr_dataset *dataset, const char *path,
                         const prune_dataset_options *options)
{
    (void)options;
    char *folder;
    prune_status status = find_selection(&folder, dataset->context, path);
    if (status != PRUNE_OK) return status;
    status = pr_dataset_pair_folders(dataset, folder ? folder : path, depth_stem);
    prune_memory_free(dataset->context, folder);
    return status;
}

const pr_layout pr_layout_selection = {
    "selection", "KITTI depth selection: image/ and groundtruth_depth/ as in val_selection_cropped",
    probe, list};
