/* Data sets: layouts find pairs of files, one shared source turns pairs into samples. */
#ifndef EVAL_DATASETS_H
#define EVAL_DATASETS_H

#include <prune/eval.h>

typedef struct pr_pair {
    char *name;  /* of the frame, unique */
    char *group; /* drive, or "" */
    char *image; /* paths; image NULL: there is none (an error unless the frame is left out) */
    char *depth; /* likewise */
} pr_pair;

typedef struct pr_dataset {
    prune_context *context;
    double divisor;
    pr_pair *pairs;
    uint64_t count, capacity;
} pr_dataset;

/* Copies the texts; image or depth may be NULL. */
prune_status pr_dataset_add(pr_dataset *dataset, const char *name, const char *group,
                            const char *image, const char *depth);
void pr_dataset_free_pair(prune_context *context, pr_pair *pair);
void pr_dataset_clear(pr_dataset *dataset);
/* Sorts by name; fails where a name occurs twice. */
prune_status pr_dataset_sort(pr_dataset *dataset);
/* Keeps the frames that a glob matches or an "@FILE" lists; fails where that is none, or where a
 * listed one does not exist. NULL keeps all. */
prune_status pr_dataset_filter(pr_dataset *dataset, const char *frames, const char *path);
/* Every remaining frame must have both files. */
prune_status pr_dataset_check(const pr_dataset *dataset, const char *path);
/* Samples that own the data set's content; *dataset is left empty. */
prune_status pr_dataset_samples(prune_samples **out, pr_dataset *dataset);

/* One way in which folders are laid out. */
typedef struct pr_layout {
    const char *name, *help;
    /* Whether path looks like this. */
    prune_status (*probe)(bool *found, prune_context *context, const char *path);
    prune_status (*list)(pr_dataset *dataset, const char *path,
                         const prune_dataset_options *options);
} pr_layout;
extern const pr_layout pr_layout_selection, pr_layout_devkit, pr_layout_folders;

/* --- paths and names -------------------------------------------------------------------------*/
/* "folder/a/b" and so on, NULL-terminated parts; NULL with a message when out of memory. Free
 * with prune_memory_free. */
char *pr_dataset_path(prune_context *context, const char *folder, ...);
prune_status pr_dataset_has_folder(bool *has, prune_context *context, const char *folder,
                                   const char *name);
/* Whether the file name ends in .png, .jpg or .jpeg (any case). */
bool pr_dataset_is_picture(const char *file);
/* File name without its extension into out; false when it does not fit. */
bool pr_dataset_stem(char *out, size_t size, const char *file);
/* All pairs of folder/image and folder/groundtruth_depth. to_depth turns the stem of a picture
 * into that of its ground truth. */
typedef bool (*pr_dataset_rename)(char *out, size_t size, const char *stem);
prune_status pr_dataset_pair_folders(pr_dataset *dataset, const char *folder,
                                     pr_dataset_rename to_depth);

#endif
