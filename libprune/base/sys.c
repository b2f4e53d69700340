/* include/prune/sys: thin public names for what eval and pipelines need of this room. */
#include "libprune/base/context.h"
#include "libprune/base/file.h"

#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <prune/sys/parallel.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) prune_status prune_error_set(prune_status status,
                                                                   const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return pr_fail(status, "%s", text);
}

__attribute__((format(printf, 2, 3))) prune_status prune_error_within(prune_status status,
                                                                      const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return pr_fail_within(status, "%s", text);
}

void *prune_memory_new(prune_context *context, size_t count, size_t size)
{
    void *memory = NULL;
    return pr_new(context, &memory, count, size) == PRUNE_OK ? memory : NULL;
}

void *prune_memory_zero(prune_context *context, size_t count, size_t size)
{
    return pr_calloc(context, count, size);
}

void prune_memory_free(prune_context *context, void *memory)
{
    pr_free(context, memory);
}

void prune_parallel_for(prune_context *context, int64_t n, int64_t grain,
                        void (*body)(void *argument, int64_t begin, int64_t end, int lane),
                        void *argument)
{
    pr_parallel(context, n, grain, body, argument);
}

void prune_progress_report(prune_context *context, const char *stage, uint64_t done, uint64_t total)
{
    pr_progress(context, stage, done, total);
}

prune_status prune_cancel_check(prune_context *context)
{
    return pr_check_cancel(context);
}

__attribute__((format(printf, 3, 4))) void
prune_log_write(prune_context *context, prune_log_level level, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pr_log(context, level, "%s", text);
}

prune_status prune_file_write(prune_context *context, const char *path, const void *data,
                              size_t bytes)
{
    return pr_file_write(context, path, data, bytes);
}

prune_status prune_file_read(char **text, size_t *size, prune_context *context, const char *path,
                             uint64_t max_bytes)
{
    pr_mapped file;
    PR_TRY(pr_file_map(&file, path));
    prune_status status = PRUNE_OK;
    char *copy = NULL;
    if (file.size > max_bytes)
        status = pr_fail(PRUNE_E_FORMAT, "%s: has %llu bytes, more than the %llu that make sense",
                         path, (unsigned long long)file.size, (unsigned long long)max_bytes);
    else if (!(copy = pr_alloc(context, (size_t)file.size + 1)))
        status = PRUNE_E_MEMORY;
    if (copy) {
        if (file.size) memcpy(copy, file.data, (size_t)file.size);
        copy[file.size] = '\0';
        *text = copy;
        if (size) *size = (size_t)file.size;
    }
    pr_file_unmap(&file);
    return status;
}

bool prune_path_exists(const char *path)
{
    return pr_path_exists(path);
}

bool prune_path_is_folder(const char *path)
{
    return pr_path_is_directory(path);
}

prune_status prune_folder_create(const char *path)
{
    return pr_path_make_directory(path);
}

char *prune_path_join(prune_context *context, const char *folder, const char *name)
{
    return pr_path_join(context, folder, name);
}

prune_status prune_folder_list(prune_file_list *out, prune_context *context, const char *path)
{
    pr_list list = {0};
    PR_TRY(pr_path_list(&list, context, path));
    out->names = list.names;
    out->count = list.count;
    return PRUNE_OK;
}

void prune_file_list_free(prune_context *context, prune_file_list *list)
{
    pr_list inner = {.names = list->names, .count = list->count};
    pr_list_free(context, &inner);
    list->names = NULL;
    list->count = 0;
}
