/* One table of options per stage. It feeds the C defaults, the command line, recipes and the docs,
 * so that they cannot drift apart. */
#ifndef PRUNE_OPTIONS_H
#define PRUNE_OPTIONS_H

#include <prune/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum prune_option_type {
    PRUNE_OPTION_BOOL = 0,   /* bool */
    PRUNE_OPTION_INT = 1,    /* int32_t */
    PRUNE_OPTION_UINT64 = 2, /* uint64_t */
    PRUNE_OPTION_FLOAT = 3,  /* double */
    PRUNE_OPTION_TEXT = 4,   /* const char *, owned by the caller; NULL when not given */
    PRUNE_OPTION_CHOICE = 5  /* int32_t: index into choices */
} prune_option_type;

typedef struct prune_option {
    const char *name; /* words joined by '-', as on the command line without the leading "--" */
    prune_option_type type;
    size_t offset;             /* in the options struct */
    const char *default_value; /* as text; NULL for an unset TEXT */
    double minimum, maximum;   /* numbers only, inclusive */
    const char *choices;       /* "a|b|c" for CHOICE, else NULL */
    const char *help;          /* one line, with units */
} prune_option;

typedef struct prune_option_table {
    const char *stage;
    size_t struct_size;
    const prune_option *options;
    size_t count;
} prune_option_table;

/* Sets struct_size (the first member, uint32_t) and every option's default. */
void prune_options_init(const prune_option_table *table, void *options);

/* Parses text into the option called name. Errors name the option, its range and, for an unknown
 * name, the nearest known one. */
prune_status prune_options_set(const prune_option_table *table, void *options, const char *name,
                               const char *text);

/* Writes the option's value as text into buffer. "" for an unset TEXT. */
prune_status prune_options_get(const prune_option_table *table, const void *options,
                               const char *name, char *buffer, size_t size);

/* NULL when there is no such option. */
const prune_option *prune_options_find(const prune_option_table *table, const char *name);

/* The one of `words` that takes the fewest changed letters to become `word`, the earliest of
 * equals; NULL when count is 0. For messages about words that are not there. */
const char *prune_options_nearest(const char *word, const char *const *words, size_t count);

#ifdef __cplusplus
}
#endif
#endif
