#include "libprune/base/error.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 1024 };

static _Thread_local char message[MESSAGE_SIZE];

const char *prune_last_error(void)
{
    return message;
}

/* A message is one line whatever a hostile file put into a name. */
static void make_one_line(char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f) *text = '?';
    }
}

prune_status pr_fail(prune_status status, const char *format, ...)
{
    /* Formatted aside first: an argument may be the old message itself. */
    char text[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    make_one_line(text);
    memcpy(message, text, sizeof message);
    return status;
}

prune_status pr_fail_within(prune_status status, const char *format, ...)
{
    char context[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(context, sizeof context, format, arguments);
    va_end(arguments);
    return pr_fail(status, "%s: %s", context, message);
}

prune_status pr_fail_memory(size_t bytes)
{
    return pr_fail(PRUNE_E_MEMORY,
                   "out of memory: %zu bytes could not be allocated; use a smaller input or model",
                   bytes);
}
