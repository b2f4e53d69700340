/* Offered to eval and pipelines, with weaker promises than the rest: folders and whole files. */
#ifndef PRUNE_SYS_FILE_H
#define PRUNE_SYS_FILE_H

#include <prune/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes a temporary file next to `path` and renames it: whole or not at all. */
prune_status prune_file_write(prune_context *context, const char *path, const void *data,
                              size_t bytes);
/* The whole content of a regular file of at most max_bytes, with a NUL behind it. Free *text with
 * prune_memory_free. size may be NULL. */
prune_status prune_file_read(char **text, size_t *size, prune_context *context, const char *path,
                             uint64_t max_bytes);
bool prune_path_exists(const char *path);
bool prune_path_is_folder(const char *path);
/* Makes a folder and its parents; fine when it exists. */
prune_status prune_folder_create(const char *path);
/* Folder and name joined by one '/', or NULL with a message set. Free with prune_memory_free. */
char *prune_path_join(prune_context *context, const char *folder, const char *name);

/* Names in a folder, sorted bytewise, without "." and "..". */
typedef struct prune_file_list {
    char **names;
    size_t count;
} prune_file_list;
prune_status prune_folder_list(prune_file_list *out, prune_context *context, const char *path);
void prune_file_list_free(prune_context *context, prune_file_list *list);

#ifdef __cplusplus
}
#endif
#endif
