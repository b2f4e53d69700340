/* Text that grows, and reading of numbers and words out of a report's JSON. */
#ifndef PIPELINES_REPORT_TEXT_H
#define PIPELINES_REPORT_TEXT_H

#include <prune/sys/json.h>
#include <stdbool.h>
#include <stddef.h>

/* Failure to grow is remembered and reported by text_take. */
typedef struct text {
    char *data;
    size_t length, capacity;
    bool failed;
} text;
void text_add(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same characters with <, >, &, " and ' as HTML says them, and control characters as blanks:
 * for everything that comes from outside. */
void text_escaped(text *t, const char *s);
/* Hands the text over (free with free()), or NULL when memory ran out. */
char *text_take(text *t);

/* What lies at a path of keys and indices, "latency_ms.median" or "stages.0.name"; NULL: nothing.
 */
const json_t *report_at(const json_t *root, const char *path);
/* NAN when there is no number. */
double report_number(const json_t *root, const char *path);
/* "" when there is no text. */
const char *report_word(const json_t *root, const char *path);
/* The stages; the first is what everything is compared with, the last is what was made of it. */
const json_t *report_stages(const json_t *report);
const json_t *report_first(const json_t *report);
const json_t *report_last(const json_t *report);

#endif
