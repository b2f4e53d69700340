/* Layout "folders": image/NAME.{png,jpg} and groundtruth_depth/NAME.png. */
#include "eval/datasets/datasets.h"

#include <string.h>

static prune_status probe(bool *found, prune_context *context, const char *path)
{
    prune_status status = pr_dataset_has_folder(found, context, path, "image");
    if (status == PRUNE_OK && *found)
        status = pr_dataset_has_folder(found, context, path, "groundtruth_depth");
    return status;
}

static bool same_name(char *out, size_t size, const char *stem)
{
    size_t length = strlen(stem);
    if (length >= size) return false;
    memcpy(out, stem, length + 1);
    return true;
}

static prune_status list(pr_dataset *dataset, const char *path,
                         const prune_dataset_options *options)
{
    (void)options;
    return pr_dataset_pair_folders(dataset, path, same_name);
}

const pr_layout pr_layout_folders = {
    "folders", "image/NAME.png or .jpg with groundtruth_depth/NAME.png", probe, list};
