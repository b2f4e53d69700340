/* Errors: a status travels up, one message per thread says what happened. */
#ifndef PR_BASE_ERROR_H
#define PR_BASE_ERROR_H

#include <prune/status.h>
#include <stdarg.h>
#include <stddef.h>

/* Records the message and returns status, so that a failure is one line at the call site. */
prune_status pr_fail(prune_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "context: " in front of this thread's message: the caller knows the file or tensor. */
prune_status pr_fail_within(prune_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

prune_status pr_fail_memory(size_t bytes);

#define PR_TRY(expression)                                                                         \
    do {                                                                                           \
        prune_status pr_try_status_ = (expression);                                                \
        if (pr_try_status_ != PRUNE_OK) return pr_try_status_;                                     \
    } while (0)

/* Same, for functions with one exit: needs `prune_status status` and a label `done`. */
#define PR_GO(expression)                                                                          \
    do {                                                                                           \
        status = (expression);                                                                     \
        if (status != PRUNE_OK) goto done;                                                         \
    } while (0)

#endif
