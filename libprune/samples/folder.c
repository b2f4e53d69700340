/* All pictures of one folder as samples without ground truth. */
#include "libprune/samples/samples.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

typedef struct folder {
    prune_context *ctx;
    char *path;
    uint64_t count;
    char **files; /* with extension */
    char **names; /* without */
    char **groups;
} folder;

/* "YYYY_MM_DD_drive_NNNN_sync" at the start of the name. */
void prune_sample_group(char *group, size_t size, const char *name)
{
    static const char pattern[] = "dddd_dd_dd_drive_dddd_sync";
    size_t length = sizeof pattern - 1;
    group[0] = '\0';
    if (size <= length) return;
    for (size_t i = 0; i < length; i++) {
        bool digit = pattern[i] == 'd' && i != 11; /* 11: the d of "drive" */
        if (digit ? !isdigit((unsigned char)name[i]) : name[i] != pattern[i]) return;
    }
    memcpy(group, name, length);
    group[length] = '\0';
}

static bool is_picture(const char *file)
{
    const char *dot = strrchr(file, '.');
    return dot && dot != file &&
           (strcasecmp(dot, ".png") == 0 || strcasecmp(dot, ".jpg") == 0 ||
            strcasecmp(dot, ".jpeg") == 0);
}

static void folder_close(void *user)
{
    folder *f = user;
    for (uint64_t i = 0; i < f->count; i++) {
        pr_free(f->ctx, f->files[i]);
        pr_free(f->ctx, f->names[i]);
        pr_free(f->ctx, f->groups[i]);
    }
    pr_free(f->ctx, f->files);
    pr_free(f->ctx, f->names);
    pr_free(f->ctx, f->groups);
    pr_free(f->ctx, f->path);
    pr_free(f->ctx, f);
}

static prune_status folder_identify(void *user, uint64_t index, const char **name,
                                    const char **group)
{
    const folder *f = user;
    *name = f->names[index];
    *group = f->groups[index];
    return PRUNE_OK;
}

static prune_status folder_load(void *user, uint64_t index, prune_sample *sample)
{
    folder *f = user;
    char *path = pr_path_join(f->ctx, f->path, f->files[index]);
    if (!path) return PRUNE_E_MEMORY;
    prune_image image;
    prune_status status = prune_image_read(&image, f->ctx, path);
    pr_free(f->ctx, path);
    if (status != PRUNE_OK) return status;
    sample->name = f->names[index];
    sample->group = f->groups[index];
    sample->width = image.width;
    sample->height = image.height;
    sample->rgb = image.rgb;
    return PRUNE_OK;
}

static void folder_release(void *user, prune_sample *sample)
{
    folder *f = user;
    pr_free(f->ctx, (void *)(uintptr_t)sample->rgb);
    memset(sample, 0, sizeof *sample);
}

static prune_status add_file(folder *f, const char *file)
{
    char group[40];
    uint64_t i = f->count;
    f->files[i] = pr_strdup(f->ctx, file);
    f->names[i] = pr_strdup(f->ctx, file);
    prune_sample_group(group, sizeof group, file);
    f->groups[i] = pr_strdup(f->ctx, group);
    f->count++; /* close frees what there is */
    if (!f->files[i] || !f->names[i] || !f->groups[i]) return PRUNE_E_MEMORY;
    *strrchr(f->names[i], '.') = '\0';
    /* Files are sorted by their whole name, so two spellings of one name are neighbours up to
     * names that lie between their extensions; compare with all of the same stem. */
    for (uint64_t k = i; k-- > 0 && strncmp(f->names[k], f->names[i], strlen(f->names[i])) == 0;)
        if (strcmp(f->names[k], f->names[i]) == 0)
            return pr_fail(PRUNE_E_ARGUMENT,
                           "%s holds both %s and %s: names must be unique without the extension",
                           f->path, f->files[k], f->files[i]);
    return PRUNE_OK;
}

static prune_status list_folder(folder *f, const char *path)
{
    pr_list list = {0};
    PR_TRY(pr_path_list(&list, f->ctx, path));
    prune_status status;
    size_t room = list.count ? list.count : 1;
    f->path = pr_strdup(f->ctx, path);
    f->files = pr_calloc(f->ctx, room, sizeof *f->files);
    f->names = pr_calloc(f->ctx, room, sizeof *f->names);
    f->groups = pr_calloc(f->ctx, room, sizeof *f->groups);
    status = f->path && f->files && f->names && f->groups ? PRUNE_OK : PRUNE_E_MEMORY;
    for (size_t i = 0; status == PRUNE_OK && i < list.count; i++)
        if (is_picture(list.names[i])) status = add_file(f, list.names[i]);
    pr_list_free(f->ctx, &list);
    if (status == PRUNE_OK && f->count == 0)
        status = pr_fail(PRUNE_E_ARGUMENT, "%s holds no PNG or JPEG files", path);
    return status;
}

prune_status prune_samples_open(prune_samples **out, prune_context *context, const char *path)
{
    folder *f = pr_calloc(context, 1, sizeof *f);
    if (!f) return PRUNE_E_MEMORY;
    f->ctx = context;
    prune_status status = list_folder(f, path);
    prune_sample_source source = {.struct_size = sizeof source,
                                  .user = f,
                                  .count = f->count,
                                  .load = folder_load,
                                  .release = folder_release,
                                  .close = folder_close,
                                  .identify = folder_identify};
    if (status == PRUNE_OK) status = prune_samples_create(out, context, &source);
    if (status != PRUNE_OK) folder_close(f);
    return status;
}
