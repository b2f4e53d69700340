/* The table of layouts, and opening by it: a new layout is a row here. */
#include "eval/datasets/datasets.h"

#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <stddef.h>
#include <string.h>

/* In the order in which they are tried: the more particular first. */
static const pr_layout *const layouts[] = {&pr_layout_selection, &pr_layout_devkit,
                                           &pr_layout_folders};
enum { LAYOUTS = sizeof layouts / sizeof layouts[0] };

static const prune_option options[] = {
    {"layout", PRUNE_OPTION_CHOICE, offsetof(prune_dataset_options, layout), "auto", 0, 0,
     "auto|selection|devkit|folders", "how the data set is laid out"},
    {"frames", PRUNE_OPTION_TEXT, offsetof(prune_dataset_options, frames), NULL, 0, 0, NULL,
     "frames to take: a glob over their names, or @FILE with one name per line"},
    {"images", PRUNE_OPTION_TEXT, offsetof(prune_dataset_options, images), NULL, 0, 0, NULL,
     "root of the raw drives, for the devkit layout (default: the data set's own folder)"},
    {"depth-divisor", PRUNE_OPTION_FLOAT, offsetof(prune_dataset_options, depth_divisor), "256",
     1e-6, 1e9, NULL, "metres = PNG value / this: 256 for KITTI, 1000 for NYU"},
};
static const prune_option_table table = {"dataset", sizeof(prune_dataset_options), options,
                                         sizeof options / sizeof options[0]};

const prune_option_table *prune_dataset_option_table(void)
{
    return &table;
}

void prune_dataset_options_init(prune_dataset_options *out)
{
    prune_options_init(&table, out);
}

int32_t prune_dataset_layouts(void)
{
    return LAYOUTS;
}

const char *prune_dataset_layout_name(int32_t index)
{
    return index >= 0 && index < LAYOUTS ? layouts[index]->name : NULL;
}

const char *prune_dataset_layout_help(int32_t index)
{
    return index >= 0 && index < LAYOUTS ? layouts[index]->help : NULL;
}

static prune_status choose_layout(const pr_layout **out, prune_context *context, const char *path,
                                  int32_t wanted)
{
    if (!prune_path_is_folder(path)) return prune_error_set(PRUNE_E_IO, "%s is not a folder", path);
    if (wanted < 0 || wanted > LAYOUTS)
        return prune_error_set(PRUNE_E_ARGUMENT, "there is no layout number %d", (int)wanted);
    if (wanted > 0) {
        *out = layouts[wanted - 1];
        return PRUNE_OK;
    }
    for (int i = 0; i < LAYOUTS; i++) {
        bool found = false;
        prune_status status = layouts[i]->probe(&found, context, path);
        if (status != PRUNE_OK) return status;
        if (found) {
            *out = layouts[i];
            return PRUNE_OK;
        }
    }
    return prune_error_set(PRUNE_E_ARGUMENT,
                           "%s is no data set: it needs image/ and groundtruth_depth/, or train/ "
                           "and val/ of the KITTI depth data",
                           path);
}

static prune_status list_frames(pr_dataset *dataset, const char *path,
                                const prune_dataset_options *wanted)
{
    const pr_layout *layout = NULL;
    prune_status status = choose_layout(&layout, dataset->context, path, wanted->layout);
    if (status == PRUNE_OK) status = layout->list(dataset, path, wanted);
    if (status == PRUNE_OK) status = pr_dataset_sort(dataset);
    if (status == PRUNE_OK) status = pr_dataset_filter(dataset, wanted->frames, path);
    if (status == PRUNE_OK) status = pr_dataset_check(dataset, path);
    return status;
}

prune_status prune_dataset_open(prune_samples **out, prune_context *context, const char *path,
                                const prune_dataset_options *wanted)
{
    prune_dataset_options defaults;
    prune_dataset_options_init(&defaults);
    if (!wanted) wanted = &defaults;
    if (wanted->struct_size != sizeof *wanted)
        return prune_error_set(PRUNE_E_ARGUMENT,
                               "fill prune_dataset_options with prune_dataset_options_init");
    pr_dataset dataset = {.context = context, .divisor = wanted->depth_divisor};
    prune_status status = list_frames(&dataset, path, wanted);
    if (status == PRUNE_OK) status = pr_dataset_samples(out, &dataset);
    pr_dataset_clear(&dataset);
    return status;
}
