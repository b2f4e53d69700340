#define _GNU_SOURCE
#include "libprune/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int (*pr_file_fault)(const char *call, const char *path);

/* True, with errno set, when a test wants this call to fail. */
static bool fails(const char *call, const char *path)
{
    int reason = pr_file_fault ? pr_file_fault(call, path) : 0;
    if (reason) errno = reason;
    return reason != 0;
}

/* Status of a failed call: some run out of memory rather than into trouble with the disk. */
static prune_status status_of(int reason)
{
    return reason == ENOMEM ? PRUNE_E_MEMORY : PRUNE_E_IO;
}

/* --- reading ---------------------------------------------------------------------------------*/

static prune_status map_descriptor(pr_mapped *out, int file, const char *path)
{
    struct stat info;
    if (fails("stat", path) || fstat(file, &info) != 0)
        return pr_fail(status_of(errno), "%s: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return pr_fail(PRUNE_E_IO, "%s: not a regular file; give a file", path);
    pr_mapped mapped = {NULL, (uint64_t)info.st_size};
    if (mapped.size) {
        void *memory = fails("map", path)
                           ? MAP_FAILED
                           : mmap(NULL, (size_t)mapped.size, PROT_READ, MAP_PRIVATE, file, 0);
        if (memory == MAP_FAILED)
            return pr_fail(status_of(errno), "%s: cannot be mapped: %s", path, strerror(errno));
        mapped.data = memory;
    }
    *out = mapped;
    return PRUNE_OK;
}

prune_status pr_file_map(pr_mapped *out, const char *path)
{
    /* O_NONBLOCK: opening a pipe must not hang; fstat refuses it right after. */
    int file = fails("open", path) ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return pr_fail(status_of(errno), "%s: cannot be opened: %s", path, strerror(errno));
    prune_status status = map_descriptor(out, file, path);
    (void)close(file);
    return status;
}

void pr_file_unmap(pr_mapped *mapped)
{
    if (mapped->data) (void)munmap((void *)(uintptr_t)mapped->data, (size_t)mapped->size);
    mapped->data = NULL;
    mapped->size = 0;
}

/* --- writing ---------------------------------------------------------------------------------*/

struct pr_writer {
    prune_context *ctx;
    char *path, *temporary;
    FILE *file;
    bool named; /* the temporary name exists in the folder */
};

static void writer_free(pr_writer *writer)
{
    prune_context *ctx = writer->ctx;
    if (writer->file) (void)fclose(writer->file);
    if (writer->named) (void)unlink(writer->temporary);
    pr_free(ctx, writer->path);
    pr_free(ctx, writer->temporary);
    pr_free(ctx, writer);
}

/* Length of the folder part of a path, without the last '/'; 0 when there is none. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
}

static prune_status folder_of(char **out, prune_context *ctx, const char *path)
{
    size_t length = folder_length(path);
    char *folder = pr_strdup(ctx, length ? path : ".");
    if (!folder) return PRUNE_E_MEMORY;
    if (length) folder[length] = 0;
    *out = folder;
    return PRUNE_OK;
}

/* A file without a name vanishes when the process is killed; where the file system cannot do
 * that, one with a temporary name. */
static int open_temporary(pr_writer *writer, const char *folder)
{
    int file = fails("create unnamed", writer->path)
                   ? -1
                   : open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    if (file >= 0) return file;
    if (fails("create", writer->path)) return -1;
    file = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    writer->named = file >= 0;
    return file;
}

static prune_status writer_start(pr_writer *writer)
{
    static _Atomic unsigned counter;
    size_t size = strlen(writer->path) + 48;
    writer->temporary = pr_alloc(writer->ctx, size);
    if (!writer->temporary) return PRUNE_E_MEMORY;
    (void)snprintf(writer->temporary, size, "%s.%ld-%u.tmp", writer->path, (long)getpid(),
                   atomic_fetch_add(&counter, 1));
    char *folder;
    PR_TRY(folder_of(&folder, writer->ctx, writer->path));
    int file = open_temporary(writer, folder);
    int reason = errno;
    pr_free(writer->ctx, folder);
    if (file < 0)
        return pr_fail(status_of(reason), "%s: cannot be written: %s", writer->path,
                       strerror(reason));
    writer->file = fdopen(file, "wb");
    if (writer->file) return PRUNE_OK;
    (void)close(file);
    return pr_fail_memory(BUFSIZ);
}

prune_status pr_writer_open(pr_writer **out, prune_context *ctx, const char *path)
{
    if (pr_path_is_directory(path))
        return pr_fail(PRUNE_E_IO, "%s: is a folder; give a file name", path);
    pr_writer *writer = pr_calloc(ctx, 1, sizeof *writer);
    if (!writer) return PRUNE_E_MEMORY;
    writer->ctx = ctx;
    writer->path = pr_strdup(ctx, path);
    prune_status status = writer->path ? writer_start(writer) : PRUNE_E_MEMORY;
    if (status != PRUNE_OK) {
        writer_free(writer);
        return status;
    }
    *out = writer;
    return PRUNE_OK;
}

prune_status pr_writer_write(pr_writer *writer, const void *data, size_t bytes)
{
    if (bytes == 0) return PRUNE_OK;
    /* A disk that fills up takes the first half. */
    if (fails("write", writer->path)) {
        int reason = errno;
        (void)fwrite(data, 1, bytes / 2, writer->file);
        errno = reason;
    } else if (fwrite(data, 1, bytes, writer->file) == bytes) {
        return PRUNE_OK;
    }
    return pr_fail(status_of(errno), "%s: writing failed: %s", writer->path, strerror(errno));
}

/* Gives an unnamed file its temporary name, from which rename can replace an existing file. */
static bool give_name(pr_writer *writer)
{
    if (writer->named) return true;
    char source[64];
    (void)snprintf(source, sizeof source, "/proc/self/fd/%d", fileno(writer->file));
    if (fails("link", writer->path) ||
        linkat(AT_FDCWD, source, AT_FDCWD, writer->temporary, AT_SYMLINK_FOLLOW) != 0)
        return false;
    writer->named = true;
    return true;
}

/* The rename itself reaches the disk with its folder. Best effort: some systems refuse. */
static void sync_folder(pr_writer *writer)
{
    char *folder;
    if (folder_of(&folder, writer->ctx, writer->path) != PRUNE_OK) return;
    int descriptor =
        fails("sync folder", writer->path) ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) {
        (void)fsync(descriptor);
        (void)close(descriptor);
    }
    pr_free(writer->ctx, folder);
}

prune_status pr_writer_commit(pr_writer *writer)
{
    prune_status status = PRUNE_OK;
    const char *path = writer->path;
    bool flushed = !fails("flush", path) && fflush(writer->file) == 0 && !fails("sync", path) &&
                   fsync(fileno(writer->file)) == 0;
    if (!flushed || !give_name(writer) || fails("rename", path) ||
        rename(writer->temporary, path) != 0) {
        status = pr_fail(status_of(errno), "%s: writing failed: %s", path, strerror(errno));
    } else {
        writer->named = false;
        sync_folder(writer);
    }
    writer_free(writer);
    return status;
}

void pr_writer_abandon(pr_writer *writer)
{
    if (writer) writer_free(writer);
}

prune_status pr_file_write(prune_context *ctx, const char *path, const void *data, size_t bytes)
{
    pr_writer *writer;
    PR_TRY(pr_writer_open(&writer, ctx, path));
    prune_status status = pr_writer_write(writer, data, bytes);
    if (status == PRUNE_OK) return pr_writer_commit(writer);
    pr_writer_abandon(writer);
    return status;
}

/* --- paths -----------------------------------------------------------------------------------*/

bool pr_path_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

bool pr_path_is_directory(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

prune_status pr_path_make_directory(const char *path)
{
    char partial[4096];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof partial)
        return pr_fail(PRUNE_E_ARGUMENT, "folder '%.64s': the name is empty or too long", path);
    memcpy(partial, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (partial[i] != '/' && partial[i] != 0) continue;
        char kept = partial[i];
        partial[i] = 0;
        if ((fails("make folder", partial) || mkdir(partial, 0777) != 0) &&
            !pr_path_is_directory(partial))
            return pr_fail(status_of(errno), "%s: the folder cannot be made: %s", partial,
                           strerror(errno));
        partial[i] = kept;
    }
    return PRUNE_OK;
}

char *pr_path_join(prune_context *ctx, const char *folder, const char *name)
{
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') length--;
    size_t size = length + strlen(name) + 2;
    char *joined = pr_alloc(ctx, size);
    if (!joined) return NULL;
    const char *slash = length == 0 || folder[length - 1] == '/' ? "" : "/";
    (void)snprintf(joined, size, "%.*s%s%s", (int)length, folder, slash, name);
    return joined;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static prune_status read_names(pr_list *list, prune_context *ctx, DIR *folder, const char *path)
{
    size_t capacity = 0;
    for (;;) {
        errno = 0; /* the end of the folder and an error differ in it alone */
        const struct dirent *entry = fails("read folder", path) ? NULL : readdir(folder);
        if (!entry) break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        void *names = list->names;
        PR_TRY(pr_grow(ctx, &names, &capacity, list->count + 1, sizeof *list->names));
        list->names = names;
        char *name = pr_strdup(ctx, entry->d_name);
        if (!name) return PRUNE_E_MEMORY;
        list->names[list->count++] = name;
    }
    if (errno == 0) return PRUNE_OK;
    return pr_fail(status_of(errno), "%s: the folder cannot be read: %s", path, strerror(errno));
}

prune_status pr_path_list(pr_list *out, prune_context *ctx, const char *folder)
{
    DIR *opened = fails("open folder", folder) ? NULL : opendir(folder);
    if (!opened)
        return pr_fail(status_of(errno), "%s: the folder cannot be read: %s", folder,
                       strerror(errno));
    pr_list list = {NULL, 0};
    prune_status status = read_names(&list, ctx, opened, folder);
    (void)closedir(opened);
    if (status != PRUNE_OK) {
        pr_list_free(ctx, &list);
        return status;
    }
    if (list.count) qsort(list.names, list.count, sizeof *list.names, compare_names);
    *out = list;
    return PRUNE_OK;
}

void pr_list_free(prune_context *ctx, pr_list *list)
{
    for (size_t i = 0; i < list->count; i++) pr_free(ctx, list->names[i]);
    pr_free(ctx, list->names);
    list->names = NULL;
    list->count = 0;
}
