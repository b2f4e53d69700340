/* Choosing frames: a glob, or a list in a file. */
#include "eval/datasets/datasets.h"

#include <fnmatch.h>
#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LIST = 64 << 20 };

/* The published lists of the Eigen split say "DATE/DRIVE FRAME l" or "DATE/DRIVE/image_02/data/
 * FRAME.png ..."; both become the names that the devkit layout gives its frames. Other lines name
 * a frame, with or without an extension. */
static bool listed_name(char *out, size_t size, const char *line)
{
    char first[300], second[64] = "", side[8] = "";
    if (sscanf(line, "%299s %63s %7s", first, second, side) < 1) return false;
    const char *slash = strchr(first, '/');
    if (!slash)
        return pr_dataset_is_picture(first) ? pr_dataset_stem(out, size, first)
                                            : snprintf(out, size, "%s", first) > 0;
    char drive[64], camera[16];
    unsigned long long frame;
    if (sscanf(slash, "/%63[^/]/%15[^/]/data/%llu", drive, camera, &frame) == 3)
        return snprintf(out, size, "%s_%s_%010llu", drive, camera, frame) > 0;
    if (sscanf(slash, "/%63[^/]", drive) == 1 && sscanf(second, "%llu", &frame) == 1)
        return snprintf(out, size, "%s_image_%s_%010llu", drive,
                        strcmp(side, "r") == 0 ? "03" : "02", frame) > 0;
    return false;
}

static int name_order(const void *key, const void *pair)
{
    return strcmp(key, ((const pr_pair *)pair)->name);
}

static prune_status mark(bool *keep, const pr_dataset *dataset, const char *line, const char *list,
                         int number, const char *path)
{
    char name[400];
    if (!listed_name(name, sizeof name, line))
        return prune_error_set(PRUNE_E_FORMAT,
                               "%s, line %d: cannot read a frame's name from '%.80s'", list, number,
                               line);
    const pr_pair *pair = dataset->count ? bsearch(name, dataset->pairs, dataset->count,
                                                   sizeof *dataset->pairs, name_order)
                                         : NULL;
    if (!pair)
        return prune_error_set(PRUNE_E_ARGUMENT, "%s, line %d: %s has no frame %s", list, number,
                               path, name);
    keep[pair - dataset->pairs] = true;
    return PRUNE_OK;
}

/* Marks the frames of the list; the pairs are sorted by name. */
static prune_status read_list(bool *keep, const pr_dataset *dataset, const char *list,
                              const char *path)
{
    char *text = NULL;
    size_t size = 0;
    prune_status status = prune_file_read(&text, &size, dataset->context, list, MAX_LIST);
    if (status == PRUNE_OK && strlen(text) != size)
        status = prune_error_set(PRUNE_E_FORMAT, "%s: not a list of names: it holds a NUL", list);
    char *line = text;
    for (int number = 1; status == PRUNE_OK && *line; number++) {
        char *end = line + strcspn(line, "\n");
        const bool last = *end == '\0';
        *end = '\0';
        line[strcspn(line, "\r")] = '\0';
        line += strspn(line, " \t");
        if (*line && *line != '#') status = mark(keep, dataset, line, list, number, path);
        line = last ? end : end + 1;
    }
    prune_memory_free(dataset->context, text);
    return status;
}

static void drop_others(pr_dataset *dataset, const bool *keep)
{
    uint64_t kept = 0;
    for (uint64_t i = 0; i < dataset->count; i++) {
        if (keep[i])
            dataset->pairs[kept++] = dataset->pairs[i];
        else
            pr_dataset_free_pair(dataset->context, &dataset->pairs[i]);
    }
    dataset->count = kept;
}

prune_status pr_dataset_filter(pr_dataset *dataset, const char *frames, const char *path)
{
    if (!frames || !*frames) return PRUNE_OK;
    bool *keep = prune_memory_zero(dataset->context, (size_t)dataset->count + 1, sizeof *keep);
    if (!keep) return PRUNE_E_MEMORY;
    prune_status status = PRUNE_OK;
    if (frames[0] == '@')
        status = read_list(keep, dataset, frames + 1, path);
    else
        for (uint64_t i = 0; i < dataset->count; i++)
            keep[i] = fnmatch(frames, dataset->pairs[i].name, 0) == 0;
    if (status == PRUNE_OK) {
        drop_others(dataset, keep);
        if (dataset->count == 0)
            status = prune_error_set(PRUNE_E_ARGUMENT, "%s has no frame that --frames %s chooses",
                                     path, frames);
    }
    prune_memory_free(dataset->context, keep);
    return status;
}
