/* Layout "folders": image/NAME.{png,jpg} and groundtruth_depth/NAME.png. */
#include "eval/datasets/datasets.h"

#include <string.h>

static bool probe(prune_context *context, const char *path)
{
    return pr_dataset_has_folder(context, path, "image") &&
           pr_dataset_has_folder(context, path, "groundtruth_depth");
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
