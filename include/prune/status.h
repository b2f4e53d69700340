/* Status codes and the per-thread error message. */
#ifndef PRUNE_STATUS_H
#define PRUNE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum prune_status {
    PRUNE_OK = 0,
    PRUNE_E_ARGUMENT = 1,    /* an argument or option is wrong */
    PRUNE_E_IO = 2,          /* the operating system refused: missing file, full disk */
    PRUNE_E_FORMAT = 3,      /* a file's content is malformed */
    PRUNE_E_UNSUPPORTED = 4, /* well-formed, but not something this library handles */
    PRUNE_E_SHAPE = 5,       /* sizes do not fit together */
    PRUNE_E_MEMORY = 6,      /* out of memory, or above a stated bound */
    PRUNE_E_CANCELLED = 7,   /* the cancel callback asked to stop */
    PRUNE_E_INTERNAL = 8     /* a defect of the library: please report it */
} prune_status;

/* One line that names the file, tensor or option at fault and says what to do. It belongs to the
 * calling thread and stays valid until that thread's next failing call. "" before any failure. */
const char *prune_last_error(void);

/* Lower-case name of a status, for example "format". Never NULL. */
const char *prune_status_name(prune_status status);

/* Library version as "major.minor.patch". */
const char *prune_version(void);

#ifdef __cplusplus
}
#endif
#endif
