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
static const char *const inside[] = {"", "val_selection_cropped", "val_selection",
                                     "depth_selection/val_selection_cropped",
                                     "depth_selection/val_selection"};

static bool holds_selection(prune_context *context, const char *folder)
{
    if (!pr_dataset_has_folder(context, folder, "image")) return false;
    char *depths = prune_path_join(context, folder, "groundtruth_depth");
    prune_file_list files = {0};
    bool found = false;
    if (depths && prune_path_is_folder(depths) &&
        prune_folder_list(&files, context, depths) == PRUNE_OK)
        for (size_t i = 0; i < files.count && !found; i++)
            found = strstr(files.names[i], depth_token) != NULL;
    prune_file_list_free(context, &files);
    prune_memory_free(context, depths);
    return found;
}

/* The folder with the selection, or NULL. */
static char *find_selection(prune_context *context, const char *path)
{
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        char *folder = prune_path_join(context, path, inside[i][0] ? inside[i] : ".");
        if (folder && holds_selection(context, folder)) return folder;
        prune_memory_free(context, folder);
    }
    return NULL;
}

static bool probe(prune_context *context, const char *path)
{
    char *folder = find_selection(context, path);
    prune_memory_free(context, folder);
    return folder != NULL;
}

static prune_status list(pr_dataset *dataset, const char *path,
                         const prune_dataset_options *options)
{
    (void)options;
    char *folder = find_selection(dataset->context, path);
    prune_status status = pr_dataset_pair_folders(dataset, folder ? folder : path, depth_stem);
    prune_memory_free(dataset->context, folder);
    return status;
}

const pr_layout pr_layout_selection = {
    "selection", "KITTI depth selection: image/ and groundtruth_depth/ as in val_selection_cropped",
    probe, list};
