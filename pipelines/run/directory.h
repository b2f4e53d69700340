/* The run directory: one run's lock, log and files. docs/architecture.md describes what is in it.
 *
 * run.jsonl is append-only, one JSON object per line. A line is one write() followed by fsync(), so
 * after a kill it is there or it is not; a line that power loss tore in two is cut off when the
 * directory is opened again. A file that a line names was complete and on disk before the line. */
#ifndef PIPELINES_DIRECTORY_H
#define PIPELINES_DIRECTORY_H

#include <prune/context.h>
#include <prune/sys/json.h>

typedef struct run_directory {
    prune_context *ctx;
    char *path;
    int lock, log;  /* descriptors; -1: not open */
    json_t *lines;  /* what the log says, oldest first, this process's own lines included */
    size_t present; /* how many of them were there when it was opened */
} run_directory;

/* Makes the folder where it is missing, takes the lock, reads the log. Errors: PRUNE_E_IO when
 * another process holds the lock (named), PRUNE_E_ARGUMENT when there is a log and resume is false,
 * PRUNE_E_FORMAT when the log is damaged before its last line. */
prune_status run_directory_open(run_directory *directory, prune_context *ctx, const char *path,
                                bool resume);
void run_directory_close(run_directory *directory); /* after a failed open as well */

/* Appends a line and waits until it is on disk. Takes `line` over, also on failure; NULL means that
 * memory ran out while it was made. */
prune_status run_directory_note(run_directory *directory, json_t *line);

/* The latest line with this "event", and these numbers under "stage" and "round"; -1: whatever.
 * NULL: there is none. */
const json_t *run_directory_find(const run_directory *directory, const char *event, int32_t stage,
                                 int32_t round);

/* Path of a file in it; free with prune_memory_free. NULL with a message set. */
char *run_directory_path(const run_directory *directory, const char *name);
/* Removes the files of folder stages/ whose names begin with prefix, but for `kept` (may be
 * NULL). */
void run_directory_sweep(const run_directory *directory, const char *prefix, const char *kept);

#endif
