/* Offered to eval and pipelines, with weaker promises than the rest: how errors are reported. */
#ifndef PRUNE_SYS_ERROR_H
#define PRUNE_SYS_ERROR_H

#include <prune/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Records this thread's message (printf-like) and returns status. */
prune_status prune_error_set(prune_status status, const char *format, ...);
/* Puts "context: " in front of this thread's message and returns status. */
prune_status prune_error_within(prune_status status, const char *format, ...);

#ifdef __cplusplus
}
#endif
#endif
