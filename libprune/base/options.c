#include "libprune/base/options.h"

#include "libprune/base/error.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *member(void *options, const prune_option *option)
{
    return (char *)options + option->offset;
}

static const void *member_const(const void *options, const prune_option *option)
{
    return (const char *)options + option->offset;
}

/* Index of text among "a|b|c", or -1. */
static int32_t choice_index(const char *choices, const char *text)
{
    size_t length = strlen(text);
    int32_t index = 0;
    for (const char *word = choices; word; index++) {
        size_t width = strcspn(word, "|");
        if (width == length && memcmp(word, text, length) == 0) return index;
        word = word[width] ? word + width + 1 : NULL;
    }
    return -1;
}

static bool choice_word(const char *choices, int32_t index, const char **word, int *width)
{
    for (const char *w = choices; w; index--) {
        size_t length = strcspn(w, "|");
        if (index == 0) {
            *word = w;
            *width = (int)length;
            return true;
        }
        w = w[length] ? w + length + 1 : NULL;
    }
    return false;
}

static prune_status out_of_range(const prune_option *option, const char *text)
{
    return pr_fail(PRUNE_E_ARGUMENT, "option %s: '%s' is outside %.10g to %.10g", option->name,
                   text, option->minimum, option->maximum);
}

static prune_status set_number(const prune_option *option, void *to, const char *text)
{
    char *end;
    errno = 0;
    if (option->type == PRUNE_OPTION_FLOAT) {
        double value = strtod(text, &end);
        if (end == text || *end || isnan(value))
            return pr_fail(PRUNE_E_ARGUMENT, "option %s: '%s' is not a number", option->name, text);
        if (value < option->minimum || value > option->maximum) return out_of_range(option, text);
        *(double *)to = value;
        return PRUNE_OK;
    }
    bool negative = text[0] == '-';
    const char *digits = text + negative;
    uint64_t magnitude = strtoull(digits, &end, 10);
    /* strtoull itself would take blanks and a second sign. */
    if (*digits < '0' || *digits > '9' || *end)
        return pr_fail(PRUNE_E_ARGUMENT, "option %s: '%s' is not a whole number", option->name,
                       text);
    double value = negative ? -(double)magnitude : (double)magnitude;
    if (errno == ERANGE || value < option->minimum || value > option->maximum)
        return out_of_range(option, text);
    if (option->type == PRUNE_OPTION_UINT64) {
        *(uint64_t *)to = magnitude;
    } else {
        if (value < INT32_MIN || value > INT32_MAX) return out_of_range(option, text);
        *(int32_t *)to = (int32_t)value;
    }
    return PRUNE_OK;
}

static prune_status set_bool(const prune_option *option, bool *to, const char *text)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (strcmp(text, yes[i]) != 0 && strcmp(text, no[i]) != 0) continue;
        *to = strcmp(text, yes[i]) == 0;
        return PRUNE_OK;
    }
    return pr_fail(PRUNE_E_ARGUMENT, "option %s: '%s' is neither true nor false", option->name,
                   text);
}

static prune_status set_value(const prune_option *option, void *options, const char *text)
{
    void *to = member(options, option);
    switch (option->type) {
    case PRUNE_OPTION_BOOL:
        return set_bool(option, to, text);
    case PRUNE_OPTION_TEXT:
        *(const char **)to = text;
        return PRUNE_OK;
    case PRUNE_OPTION_CHOICE: {
        int32_t index = choice_index(option->choices, text);
        if (index < 0)
            return pr_fail(PRUNE_E_ARGUMENT, "option %s: '%s' is not one of %s", option->name, text,
                           option->choices);
        *(int32_t *)to = index;
        return PRUNE_OK;
    }
    case PRUNE_OPTION_INT:
    case PRUNE_OPTION_UINT64:
    case PRUNE_OPTION_FLOAT:
        return set_number(option, to, text);
    }
    return pr_fail(PRUNE_E_INTERNAL, "option %s: its table row has no known type", option->name);
}

void prune_options_init(const prune_option_table *table, void *options)
{
    memset(options, 0, table->struct_size);
    uint32_t size = (uint32_t)table->struct_size;
    memcpy(options, &size, sizeof size);
    for (size_t i = 0; i < table->count; i++) {
        const prune_option *option = &table->options[i];
        /* Defaults are ours; tests of each table check that they parse. */
        if (option->default_value) (void)set_value(option, options, option->default_value);
    }
}

const prune_option *prune_options_find(const prune_option_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->options[i].name, name) == 0) return &table->options[i];
    return NULL;
}

/* Levenshtein distance of two short names, at most 63 characters of each. */
static int distance(const char *a, const char *b)
{
    int row[64];
    int n = (int)strnlen(b, 63), m = (int)strnlen(a, 63);
    for (int j = 0; j <= n; j++) row[j] = j;
    for (int i = 1; i <= m; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            int shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = change < shift ? change : shift;
        }
    }
    return row[n];
}

const char *prune_options_nearest(const char *word, const char *const *words, size_t count)
{
    const char *nearest = NULL;
    int best = 1 << 20;
    for (size_t i = 0; i < count; i++) {
        int d = distance(word, words[i]);
        if (d < best) {
            best = d;
            nearest = words[i];
        }
    }
    return nearest;
}

static prune_status unknown(const prune_option_table *table, const char *name)
{
    enum { MOST = 128 };
    const char *names[MOST];
    size_t count = table->count < MOST ? table->count : MOST;
    for (size_t i = 0; i < count; i++) names[i] = table->options[i].name;
    const char *nearest = prune_options_nearest(name, names, count);
    if (!nearest)
        return pr_fail(PRUNE_E_ARGUMENT, "option %s: %s takes no options", name, table->stage);
    return pr_fail(PRUNE_E_ARGUMENT, "option %s: %s has none of that name; did you mean %s?", name,
                   table->stage, nearest);
}

prune_status prune_options_set(const prune_option_table *table, void *options, const char *name,
                               const char *text)
{
    const prune_option *option = prune_options_find(table, name);
    if (!option) return unknown(table, name);
    if (!text) return pr_fail(PRUNE_E_ARGUMENT, "option %s: a value is missing", name);
    return set_value(option, options, text);
}

static int format_value(const prune_option *option, const void *from, char *buffer, size_t size)
{
    const char *word;
    int width;
    switch (option->type) {
    case PRUNE_OPTION_BOOL:
        return snprintf(buffer, size, "%s", *(const bool *)from ? "true" : "false");
    case PRUNE_OPTION_INT:
        return snprintf(buffer, size, "%d", *(const int32_t *)from);
    case PRUNE_OPTION_UINT64:
        return snprintf(buffer, size, "%llu", (unsigned long long)*(const uint64_t *)from);
    case PRUNE_OPTION_FLOAT: {
        /* The shortest text that reads back as the same number. */
        int length = 0;
        for (int digits = 6; digits <= 17; digits++) {
            length = snprintf(buffer, size, "%.*g", digits, *(const double *)from);
            if (length < 0 || (size_t)length >= size) break;
            if (strtod(buffer, NULL) == *(const double *)from) break;
        }
        return length;
    }
    case PRUNE_OPTION_TEXT: {
        const char *text = *(const char *const *)from;
        return snprintf(buffer, size, "%s", text ? text : "");
    }
    case PRUNE_OPTION_CHOICE:
        if (!choice_word(option->choices, *(const int32_t *)from, &word, &width))
            return snprintf(buffer, size, "%d", *(const int32_t *)from);
        return snprintf(buffer, size, "%.*s", width, word);
    }
    return -1;
}

prune_status prune_options_get(const prune_option_table *table, const void *options,
                               const char *name, char *buffer, size_t size)
{
    const prune_option *option = prune_options_find(table, name);
    if (!option) return unknown(table, name);
    int length = format_value(option, member_const(options, option), buffer, size);
    if (length < 0 || (size_t)length >= size)
        return pr_fail(PRUNE_E_ARGUMENT, "option %s: its value needs a buffer of %d bytes", name,
                       length + 1);
    return PRUNE_OK;
}

/* The same range check for values that C code put into the struct. */
static prune_status check_value(const prune_option *option, const void *from)
{
    char text[64];
    double value;
    const char *word;
    int width;
    switch (option->type) {
    case PRUNE_OPTION_INT:
        value = *(const int32_t *)from;
        break;
    case PRUNE_OPTION_UINT64:
        value = (double)*(const uint64_t *)from;
        break;
    case PRUNE_OPTION_FLOAT:
        value = *(const double *)from;
        break;
    case PRUNE_OPTION_CHOICE:
        if (choice_word(option->choices, *(const int32_t *)from, &word, &width)) return PRUNE_OK;
        return pr_fail(PRUNE_E_ARGUMENT, "option %s: %d is not the index of one of %s",
                       option->name, *(const int32_t *)from, option->choices);
    default:
        return PRUNE_OK;
    }
    if (value >= option->minimum && value <= option->maximum) return PRUNE_OK;
    (void)snprintf(text, sizeof text, "%.10g", value);
    return out_of_range(option, text);
}

prune_status pr_options_take(const prune_option_table *table, void *out, const void *given)
{
    prune_options_init(table, out);
    if (!given) return PRUNE_OK;
    uint32_t size;
    memcpy(&size, given, sizeof size);
    if (size < sizeof size)
        return pr_fail(PRUNE_E_ARGUMENT,
                       "%s options: struct_size is %u; fill them with the _init "
                       "function first",
                       table->stage, size);
    size_t both = size < table->struct_size ? size : table->struct_size;
    memcpy((char *)out + sizeof size, (const char *)given + sizeof size, both - sizeof size);
    for (size_t i = 0; i < table->count; i++)
        PR_TRY(check_value(&table->options[i], member_const(out, &table->options[i])));
    return PRUNE_OK;
}
