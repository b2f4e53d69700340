#include "pipelines/report/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void text_add(text *t, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int needed = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (!t->failed && needed >= 0 && t->length + (size_t)needed + 1 > t->capacity) {
        const size_t capacity = 2 * (t->length + (size_t)needed) + 256;
        char *grown = realloc(t->data, capacity);
        if (grown) t->data = grown, t->capacity = capacity;
        if (!grown) t->failed = true;
    }
    if (!t->failed && needed >= 0) {
        (void)vsnprintf(t->data + t->length, t->capacity - t->length, format, again);
        t->length += (size_t)needed;
    }
    va_end(again);
}

char *text_take(text *t)
{
    if (t->failed) {
        free(t->data);
        t->data = NULL;
    }
    return t->data;
}
