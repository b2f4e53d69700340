/* Files: mapped reads, and writes that appear whole or not at all. */
#ifndef PR_BASE_FILE_H
#define PR_BASE_FILE_H

#include "libprune/base/context.h"

/* Called, when set, before every call to the operating system that may fail ("open", "write",
 * "rename" ...): 0 lets it happen, an errno makes it fail with that. Tests set it, to walk every
 * error path; set it before threads start. */
extern int (*pr_file_fault)(const char *call, const char *path);

typedef struct pr_mapped {
    const uint8_t *data; /* NULL when size is 0 */
    uint64_t size;
} pr_mapped;

/* Maps a regular file read-only. Errors name the path. */
prune_status pr_file_map(pr_mapped *out, const char *path);
void pr_file_unmap(pr_mapped *mapped);

/* A temporary file next to `path`; commit flushes, syncs and renames, abandon removes it. */
typedef struct pr_writer pr_writer;
prune_status pr_writer_open(pr_writer **out, prune_context *ctx, const char *path);
prune_status pr_writer_write(pr_writer *writer, const void *data, size_t bytes);
prune_status pr_writer_commit(pr_writer *writer); /* frees the writer, also on failure */
void pr_writer_abandon(pr_writer *writer);        /* accepts NULL */
/* Whole buffer in one go. */
prune_status pr_file_write(prune_context *ctx, const char *path, const void *data, size_t bytes);

bool pr_path_exists(const char *path);
bool pr_path_is_directory(const char *path);
/* mkdir -p. */
prune_status pr_path_make_directory(const char *path);
/* Joins with one '/', from the context's allocator. NULL with a message set when out of memory. */
char *pr_path_join(prune_context *ctx, const char *folder, const char *name);

/* Names in a folder (no "." and ".."), sorted bytewise. Free with pr_list_free. */
typedef struct pr_list {
    char **names;
    size_t count;
} pr_list;
prune_status pr_path_list(pr_list *out, prune_context *ctx, const char *folder);
void pr_list_free(prune_context *ctx, pr_list *list);

#endif
