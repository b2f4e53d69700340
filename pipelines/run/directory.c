#include "pipelines/run/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <prune/sys/error.h>
#include <prune/sys/file.h>
#include <prune/sys/memory.h>
#include <prune/sys/parallel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_LOG = 1 << 30 };

char *run_directory_path(const run_directory *d, const char *name)
{
    return prune_path_join(d->ctx, d->path, name);
}

/* --- the lock ---------------------------------------------------------------------------------*/

/* Who holds it, as its file says. */
static prune_status locked_by_another(const run_directory *d)
{
    char holder[300];
    const ssize_t length = pread(d->lock, holder, sizeof holder - 1, 0);
    holder[length > 0 ? length : 0] = '\0';
    holder[strcspn(holder, "\n")] = '\0';
    return prune_error_set(PRUNE_E_IO,
                           "%s: another run is using this folder (%s); wait for it, or choose "
                           "another folder",
                           d->path, *holder ? holder : "its process is not known");
}

/* flock, not fcntl: it also keeps two runs of one process apart, and no other close() of the file
 * lets go of it. The kernel releases it when the process dies, however it dies. */
static prune_status take_lock(run_directory *d)
{
    char host[128] = "", text[300];
    char *path = run_directory_path(d, "lock");
    if (!path) return PRUNE_E_MEMORY;
    d->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    prune_status status = PRUNE_OK;
    if (d->lock < 0)
        status = prune_error_set(PRUNE_E_IO, "%s: %s", path, strerror(errno));
    else if (flock(d->lock, LOCK_EX | LOCK_NB) != 0)
        status = errno == EWOULDBLOCK ? locked_by_another(d)
                                      : prune_error_set(PRUNE_E_IO, "%s: cannot be locked: %s",
                                                        path, strerror(errno));
    prune_memory_free(d->ctx, path);
    if (status != PRUNE_OK) return status;
    (void)gethostname(host, sizeof host - 1);
    const int length = snprintf(text, sizeof text, "process %ld on %s\n", (long)getpid(), host);
    /* Only for that message: a full disk must not keep anybody from resuming. */
    if (ftruncate(d->lock, 0) == 0 && pwrite(d->lock, text, (size_t)length, 0) < 0) errno = 0;
    return PRUNE_OK;
}

/* --- the log ----------------------------------------------------------------------------------*/

static prune_status read_all(run_directory *d, char **text, size_t *length)
{
    struct stat info;
    if (fstat(d->log, &info) != 0)
        return prune_error_set(PRUNE_E_IO, "%s/run.jsonl: %s", d->path, strerror(errno));
    if (info.st_size > LONGEST_LOG)
        return prune_error_set(PRUNE_E_FORMAT, "%s/run.jsonl: longer than any run's log", d->path);
    *text = prune_memory_new(d->ctx, (size_t)info.st_size + 1, 1);
    if (!*text) return PRUNE_E_MEMORY;
    for (*length = 0; *length < (size_t)info.st_size;) {
        const ssize_t got =
            pread(d->log, *text + *length, (size_t)info.st_size - *length, (off_t)*length);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return prune_error_set(PRUNE_E_IO, "%s/run.jsonl: %s", d->path, strerror(errno));
        if (got == 0) break;
        *length += (size_t)got;
    }
    (*text)[*length] = '\0';
    return PRUNE_OK;
}

static prune_status parse_lines(run_directory *d, const char *text, size_t length)
{
    json_error_t error;
    int number = 0;
    for (const char *line = text; line < text + length;) {
        const char *end = memchr(line, '\n', (size_t)(text + length - line));
        if (!end) break;
        json_t *parsed = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, &error);
        number++;
        if (!json_is_object(parsed)) {
            json_decref(parsed);
            return prune_error_set(PRUNE_E_FORMAT,
                                   "%s/run.jsonl: line %d is damaged, so it is not known what was "
                                   "finished; begin again in another folder",
                                   d->path, number);
        }
        (void)json_array_append_new(d->lines, parsed);
        line = end + 1;
    }
    return PRUNE_OK;
}

static prune_status read_log(run_directory *d)
{
    char *text = NULL;
    size_t length = 0, whole = 0;
    prune_status status = read_all(d, &text, &length);
    if (status == PRUNE_OK) {
        for (size_t i = 0; i < length; i++)
            if (text[i] == '\n') whole = i + 1;
        if (whole < length) {
            prune_log_write(d->ctx, PRUNE_LOG_WARNING,
                            "%s/run.jsonl: the last line was not finished (%zu bytes); it is cut "
                            "off",
                            d->path, length - whole);
            if (ftruncate(d->log, (off_t)whole) != 0)
                status = prune_error_set(PRUNE_E_IO, "%s/run.jsonl: %s", d->path, strerror(errno));
        }
    }
    if (status == PRUNE_OK) status = parse_lines(d, text, whole);
    prune_memory_free(d->ctx, text);
    d->present = json_array_size(d->lines);
    return status;
}

static prune_status open_log(run_directory *d, bool resume)
{
    char *path = run_directory_path(d, "run.jsonl");
    if (!path) return PRUNE_E_MEMORY;
    d->log = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    prune_status status = PRUNE_OK;
    if (d->log < 0) status = prune_error_set(PRUNE_E_IO, "%s: %s", path, strerror(errno));
    prune_memory_free(d->ctx, path);
    if (status == PRUNE_OK) status = read_log(d);
    if (status == PRUNE_OK && d->present > 0 && !resume)
        status = prune_error_set(PRUNE_E_ARGUMENT,
                                 "%s: this folder already holds a run; go on with it (--resume) or "
                                 "choose another folder",
                                 d->path);
    return status;
}

prune_status run_directory_open(run_directory *d, prune_context *ctx, const char *path, bool resume)
{
    *d = (run_directory){.ctx = ctx, .lock = -1, .log = -1};
    prune_status status = prune_folder_create(path);
    if (status != PRUNE_OK) return status;
    d->path = prune_memory_new(ctx, strlen(path) + 1, 1);
    d->lines = json_array();
    if (!d->path || !d->lines) return prune_error_set(PRUNE_E_MEMORY, "%s: out of memory", path);
    memcpy(d->path, path, strlen(path) + 1);
    status = take_lock(d);
    if (status == PRUNE_OK) status = open_log(d, resume);
    char *stages = status == PRUNE_OK ? run_directory_path(d, "stages") : NULL;
    if (status == PRUNE_OK) status = stages ? prune_folder_create(stages) : PRUNE_E_MEMORY;
    prune_memory_free(ctx, stages);
    return status;
}

void run_directory_close(run_directory *d)
{
    if (!d->ctx) return;
    if (d->log >= 0) (void)close(d->log);
    if (d->lock >= 0) (void)close(d->lock);
    json_decref(d->lines);
    prune_memory_free(d->ctx, d->path);
    *d = (run_directory){.lock = -1, .log = -1};
}

/* All of it or none: what a full disk left of a line is taken back. */
static prune_status append(run_directory *d, const char *text, size_t length)
{
    struct stat before;
    ssize_t written = -1;
    if (fstat(d->log, &before) == 0) {
        do written = write(d->log, text, length);
        while (written < 0 && errno == EINTR);
        if (written == (ssize_t)length && fsync(d->log) == 0) return PRUNE_OK;
    }
    const int reason = written >= 0 && written < (ssize_t)length ? ENOSPC : errno;
    if (written > 0 && ftruncate(d->log, before.st_size) != 0)
        prune_log_write(d->ctx, PRUNE_LOG_WARNING, "%s/run.jsonl: half a line could not be removed",
                        d->path);
    return prune_error_set(PRUNE_E_IO, "%s/run.jsonl: writing failed: %s", d->path,
                           strerror(reason));
}

prune_status run_directory_note(run_directory *d, json_t *line)
{
    char *text = line ? prune_json_text(line, JSON_COMPACT, prune_json_failures()) : NULL;
    const size_t length = text ? strlen(text) : 0;
    prune_status status = PRUNE_OK;
    if (!text) {
        json_decref(line);
        return prune_error_set(PRUNE_E_MEMORY,
                               "%s/run.jsonl: a line could not be made (out of "
                               "memory, or a name that is not UTF-8)",
                               d->path);
    }
    text[length] = '\n'; /* in place of the end of the string */
    status = append(d, text, length + 1);
    free(text);
    if (status == PRUNE_OK)
        (void)json_array_append_new(d->lines, line);
    else
        json_decref(line);
    return status;
}

static bool has_number(const json_t *line, const char *key, int32_t wanted)
{
    const json_t *value = json_object_get(line, key);
    return wanted < 0 || (json_is_integer(value) && json_integer_value(value) == wanted);
}

const json_t *run_directory_find(const run_directory *d, const char *event, int32_t stage,
                                 int32_t round)
{
    for (size_t i = json_array_size(d->lines); i-- > 0;) {
        const json_t *line = json_array_get(d->lines, i);
        const char *name = json_string_value(json_object_get(line, "event"));
        if (name && strcmp(name, event) == 0 && has_number(line, "stage", stage) &&
            has_number(line, "round", round))
            return line;
    }
    return NULL;
}

void run_directory_sweep(const run_directory *d, const char *prefix, const char *kept)
{
    prune_file_list list;
    char *folder = run_directory_path(d, "stages");
    if (!folder || prune_folder_list(&list, d->ctx, folder) != PRUNE_OK) {
        prune_memory_free(d->ctx, folder);
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (strncmp(list.names[i], prefix, strlen(prefix)) != 0) continue;
        if (kept && strcmp(list.names[i], kept) == 0) continue;
        char *path = prune_path_join(d->ctx, folder, list.names[i]);
        if (path) (void)unlink(path);
        prune_memory_free(d->ctx, path);
    }
    prune_file_list_free(d->ctx, &list);
    prune_memory_free(d->ctx, folder);
}
