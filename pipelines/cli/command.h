/* A command of the program: one row per command, one file per command. Options come from the
 * stages' own tables; this room only parses, calls and prints. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <prune/model.h>
#include <prune/options.h>
#include <prune/samples.h>

enum { CLI_MAX_TABLES = 12 };

/* Options that every command has. */
typedef struct cli_common {
    uint32_t struct_size;
    int32_t threads;
    uint64_t seed;
    const char *json;
    const char *isa;
    bool quiet, verbose, help;
} cli_common;
const prune_option_table *cli_common_option_table(void);

typedef struct cli_command cli_command;

/* An option as it was given: the name as in its table, the value as text. */
typedef struct cli_word {
    const char *name, *text;
} cli_word;

typedef struct cli_call {
    const cli_command *command;
    prune_context *ctx;
    const char *const *arguments; /* positional */
    int32_t count;
    const cli_common *common;
    void *const *options;  /* one struct per table of the command, in its order */
    const char *line;      /* the whole command line, for reports */
    const cli_word *given; /* options in the order of the command line */
    int32_t n_given;
} cli_call;

struct cli_command {
    const char *name;
    const char *arguments; /* "MODEL IMAGE|DIR..." */
    const char *summary;   /* one line */
    const char *example;   /* whole command line */
    int32_t min_arguments, max_arguments;
    const prune_option_table *(*tables[CLI_MAX_TABLES])(void);
    prune_status (*run)(cli_call *call);
    /* Rows of the tables that this command has no use for; NULL: it takes all. */
    bool (*hides)(const prune_option_table *table, const char *name);
};

extern const cli_command cli_inspect, cli_predict, cli_eval, cli_synth, cli_new, cli_trim, cli_tune,
    cli_quantize, cli_pack, cli_unpack, cli_compress, cli_bench, cli_verify, cli_compare,
    cli_report;

/* All commands in the order of the help text; NULL ends the list. */
extern const cli_command *const cli_commands[];

/* MODEL: a path, or "bundled". */
prune_status cli_open_model(cli_call *call, const char *path, const prune_load_options *options,
                            prune_model **model);
/* --images: a data set (with ground truth) where the folder looks like one, else plain pictures. */
prune_status cli_open_images(cli_call *call, const char *path, prune_samples **out);
/* "196x644" (height x width) into two numbers; NULL leaves them 0. */
prune_status cli_parse_size(const char *text, int32_t *height, int32_t *width);
/* Writes text to --json FILE ("-": standard output) when given. */
prune_status cli_write_json(const cli_call *call, const char *text);
prune_status cli_usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
