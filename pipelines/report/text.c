#include "pipelines/report/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void text_escaped(text *t, const char *s)
{
    for (; *s; s++) {
        if (*s == '<')
            text_add(t, "&lt;");
        else if (*s == '>')
            text_add(t, "&gt;");
        else if (*s == '&')
            text_add(t, "&amp;");
        else if (*s == '"')
            text_add(t, "&quot;");
        else if (*s == '\'')
            text_add(t, "&#39;");
        else
            text_add(t, "%c", (unsigned char)*s < ' ' && *s != '\n' ? ' ' : *s);
    }
}

char *text_take(text *t)
{
    if (t->failed) {
        free(t->data);
        t->data = NULL;
    }
    return t->data;
}

const json_t *report_at(const json_t *root, const char *path)
{
    char key[64];
    while (root && *path) {
        const size_t length = strcspn(path, ".");
        if (length >= sizeof key) return NULL;
        memcpy(key, path, length);
        key[length] = '\0';
        root = json_is_array(root) ? json_array_get(root, strtoul(key, NULL, 10))
                                   : json_object_get(root, key);
        path += length + (path[length] == '.');
    }
    return root;
}

double report_number(const json_t *root, const char *path)
{
    const json_t *value = report_at(root, path);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

const char *report_word(const json_t *root, const char *path)
{
    const char *s = json_string_value(report_at(root, path));
    return s ? s : "";
}

const json_t *report_stages(const json_t *report)
{
    return json_object_get(report, "stages");
}

const json_t *report_first(const json_t *report)
{
    return json_array_get(report_stages(report), 0);
}

const json_t *report_last(const json_t *report)
{
    const size_t count = json_array_size(report_stages(report));
    return count > 0 ? json_array_get(report_stages(report), count - 1) : NULL;
}
