/* Layout "devkit": the KITTI depth tree,
 * {train,val}/DRIVE/proj_depth/groundtruth/image_0C/FRAME.png. It holds no pictures; those are in
 * the raw drives, ROOT/DATE/DRIVE/image_0C/data/FRAME.png, where ROOT may be the same folder. */
#include "eval/datasets/datasets.h"

#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <stdio.h>
#include <string.h>

static bool is_drive(const char *name)
{
    char group[64];
    prune_sample_group(group, sizeof group, name);
    return group[0] != '\0' && strcmp(group, name) == 0;
}

/* Whether a folder holds drives with ground truth. */
static prune_status holds_drives(bool *found, prune_context *context, const char *folder)
{
    *found = false;
    if (!prune_path_is_folder(folder)) return PRUNE_OK;
    prune_file_list names = {0};
    prune_status status = prune_folder_list(&names, context, folder);
    for (size_t i = 0; status == PRUNE_OK && i < names.count && !*found; i++) {
        if (!is_drive(names.names[i])) continue;
        char *truth = pr_dataset_path(context, folder, names.names[i], "proj_depth", "groundtruth",
                                      (const char *)NULL);
        if (!truth) status = PRUNE_E_MEMORY;
        *found = truth && prune_path_is_folder(truth);
        prune_memory_free(context, truth);
    }
    prune_file_list_free(context, &names);
    return status;
}

static const char *const parts[] = {".", "train", "val"};
enum { PARTS = sizeof parts / sizeof parts[0] };

static prune_status probe(bool *found, prune_context *context, const char *path)
{
    prune_status status = PRUNE_OK;
    *found = false;
    for (int i = 0; i < PARTS && status == PRUNE_OK && !*found; i++) {
        char *folder = prune_path_join(context, path, parts[i]);
        status = folder ? holds_drives(found, context, folder) : PRUNE_E_MEMORY;
        prune_memory_free(context, folder);
    }
    return status;
}

/* The raw picture of a frame: below its date, or directly below the root; PNG or JPEG. NULL when
 * there is none. */
static prune_status find_picture(char **out, prune_context *context, const char *root,
                                 const char *drive, const char *camera, const char *stem)
{
    static const char *const extensions[] = {".png", ".jpg"};
    char date[16] = "";
    (void)snprintf(date, sizeof date, "%.10s", drive);
    for (int way = 0; way < 4; way++) {
        char file[64];
        (void)snprintf(file, sizeof file, "%s%s", stem, extensions[way & 1]);
        *out = way < 2 ? pr_dataset_path(context, root, date, drive, camera, "data", file,
                                         (const char *)NULL)
                       : pr_dataset_path(context, root, drive, camera, "data", file,
                                         (const char *)NULL);
        if (!*out) return PRUNE_E_MEMORY;
        if (prune_path_exists(*out)) return PRUNE_OK;
        prune_memory_free(context, *out);
    }
    *out = NULL;
    return PRUNE_OK;
}

static prune_status list_camera(pr_dataset *dataset, const char *folder, const char *drive,
                                const char *camera, const char *root)
{
    prune_context *context = dataset->context;
    prune_file_list files = {0};
    char *truth = pr_dataset_path(context, folder, drive, "proj_depth", "groundtruth", camera,
                                  (const char *)NULL);
    prune_status status = truth ? PRUNE_OK : PRUNE_E_MEMORY;
    if (truth && prune_path_is_folder(truth)) status = prune_folder_list(&files, context, truth);
    for (size_t i = 0; status == PRUNE_OK && i < files.count; i++) {
        char stem[48], name[160];
        if (!pr_dataset_is_picture(files.names[i]) ||
            !pr_dataset_stem(stem, sizeof stem, files.names[i]))
            continue;
        (void)snprintf(name, sizeof name, "%s_%s_%s", drive, camera, stem);
        char *depth = prune_path_join(context, truth, files.names[i]);
        char *image = NULL;
        status = depth ? find_picture(&image, context, root, drive, camera, stem) : PRUNE_E_MEMORY;
        if (status == PRUNE_OK) {
            status = pr_dataset_add(dataset, name, drive, image, depth);
            prune_memory_free(context, image);
        }
        prune_memory_free(context, depth);
    }
    prune_file_list_free(context, &files);
    prune_memory_free(context, truth);
    return status;
}

static prune_status list_drives(pr_dataset *dataset, const char *folder, const char *root)
{
    prune_file_list names = {0};
    if (!prune_path_is_folder(folder)) return PRUNE_OK;
    prune_status status = prune_folder_list(&names, dataset->context, folder);
    for (size_t i = 0; status == PRUNE_OK && i < names.count; i++) {
        if (!is_drive(names.names[i])) continue;
        status = list_camera(dataset, folder, names.names[i], "image_02", root);
        if (status == PRUNE_OK)
            status = list_camera(dataset, folder, names.names[i], "image_03", root);
    }
    prune_file_list_free(dataset->context, &names);
    return status;
}

static bool no_pictures(const pr_dataset *dataset)
{
    for (uint64_t i = 0; i < dataset->count; i++)
        if (dataset->pairs[i].image) return false;
    return dataset->count > 0;
}

static prune_status list(pr_dataset *dataset, const char *path,
                         const prune_dataset_options *options)
{
    const bool given = options->images && *options->images;
    const char *root = given ? options->images : path;
    if (!prune_path_is_folder(root))
        return prune_error_set(PRUNE_E_IO, "--images %s is not a folder", root);
    prune_status status = PRUNE_OK;
    for (int i = 0; i < PARTS && status == PRUNE_OK; i++) {
        char *folder = prune_path_join(dataset->context, path, parts[i]);
        status = folder ? list_drives(dataset, folder, root) : PRUNE_E_MEMORY;
        prune_memory_free(dataset->context, folder);
    }
    if (status == PRUNE_OK && !given && no_pictures(dataset))
        status = prune_error_set(PRUNE_E_ARGUMENT,
                                 "%s holds depth maps only: put the raw drives or links to them "
                                 "into it (%s/DATE/DRIVE/image_02/data), or tell prune eval with "
                                 "--images where they are",
                                 path, path);
    return status;
}

const pr_layout pr_layout_devkit = {
    "devkit",
    "KITTI depth tree (train/, val/); raw drives in the same folder or where --images says", probe,
    list};
