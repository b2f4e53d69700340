/* The command line into option structs, by the stages' tables. */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include "pipelines/cli/command.h"

typedef struct cli_parsed {
    cli_common common;
    void *options[CLI_MAX_TABLES];
    const char **arguments;
    int32_t count;
    char *line; /* the command line as one text */
    cli_word *given;
    int32_t n_given;
} cli_parsed;

/* argv without program and command name. Free with cli_parsed_free also after a failure. */
prune_status cli_parse(cli_parsed *parsed, const cli_command *command, int argc, char **argv);
void cli_parsed_free(cli_parsed *parsed);
void cli_print_help(const cli_command *command);

#endif
