#include "pipelines/cli/parse.h"

#include <prune/sys/error.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(member) offsetof(cli_common, member)
static const prune_option common_options[] = {
    {"threads", PRUNE_OPTION_INT, FIELD(threads), "0", 0, 1024, NULL,
     "worker threads; 0: as many as the process may run on"},
    {"seed", PRUNE_OPTION_UINT64, FIELD(seed), "0", 0, 1.8446744073709552e19, NULL,
     "of everything random"},
    {"json", PRUNE_OPTION_TEXT, FIELD(json), NULL, 0, 0, NULL,
     "also write the result as JSON to this file ('-': standard output)"},
    {"isa", PRUNE_OPTION_TEXT, FIELD(isa), NULL, 0, 0, NULL,
     "instruction set: portable, avx2, avxvnni, avx512, avx512vnni, amx (default: $PRUNE_ISA, else "
     "the best)"},
    {"quiet", PRUNE_OPTION_BOOL, FIELD(quiet), "false", 0, 0, NULL, "no progress, no log"},
    {"verbose", PRUNE_OPTION_BOOL, FIELD(verbose), "false", 0, 0, NULL, "log details as well"},
    {"help", PRUNE_OPTION_BOOL, FIELD(help), "false", 0, 0, NULL, "this text"},
};
#undef FIELD

const prune_option_table *cli_common_option_table(void)
{
    static const prune_option_table table = {"all commands", sizeof(cli_common), common_options,
                                             sizeof common_options / sizeof *common_options};
    return &table;
}

prune_status cli_usage_error(const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return prune_error_set(PRUNE_E_ARGUMENT, "%s", text);
}

static const prune_option_table *table_at(const cli_command *command, int index)
{
    return index < CLI_MAX_TABLES && command->tables[index] ? command->tables[index]() : NULL;
}

/* Type of an option wherever it is known; NULL when it is not. */
static const prune_option *lookup(const cli_command *command, const char *name)
{
    const prune_option *found = prune_options_find(cli_common_option_table(), name);
    const prune_option_table *table;
    for (int i = 0; !found && (table = table_at(command, i)); i++)
        found = prune_options_find(table, name);
    return found;
}

/* An option that several tables have (a seed) is set in all of them; a table that means something
 * else by the same word has another type and is left alone: the first table wins. */
static prune_status set_everywhere(cli_parsed *parsed, const cli_command *command, const char *name,
                                   const char *text)
{
    const prune_option_table *table = cli_common_option_table();
    const prune_option *known = lookup(command, name);
    const prune_option_type type = known->type;
    parsed->given[parsed->n_given++] = (cli_word){known->name, text};
    prune_status status = PRUNE_OK;
    prune_status refused = PRUNE_OK;
    bool taken = false;
    if (prune_options_find(table, name))
        status = prune_options_set(table, &parsed->common, name, text);
    for (int i = 0; status == PRUNE_OK && (table = table_at(command, i)); i++) {
        const prune_option *option = prune_options_find(table, name);
        if (!option || option->type != type) continue;
        const prune_status set = prune_options_set(table, parsed->options[i], name, text);
        if (set == PRUNE_OK)
            taken = true;
        else if (type == PRUNE_OPTION_CHOICE)
            refused = set; /* other choices by the same name: no fault while one table takes it */
        else
            status = set;
    }
    if (status == PRUNE_OK && !taken) status = refused;
    return status;
}

static prune_status join_line(cli_parsed *parsed, const cli_command *command, int argc, char **argv)
{
    size_t length = strlen(command->name) + 8;
    for (int i = 0; i < argc; i++) length += strlen(argv[i]) + 3;
    parsed->line = malloc(length);
    if (!parsed->line) return prune_error_set(PRUNE_E_MEMORY, "out of memory");
    size_t at = (size_t)snprintf(parsed->line, length, "prune %s", command->name);
    for (int i = 0; i < argc; i++) {
        const char *quote = strpbrk(argv[i], " *?\"$&;|<>") ? "'" : "";
        at += (size_t)snprintf(parsed->line + at, length - at, " %s%s%s", quote, argv[i], quote);
    }
    return PRUNE_OK;
}

static prune_status unknown(const cli_command *command, const char *name)
{
    enum { MOST = 256 };
    const char *names[MOST];
    size_t count = 0;
    const prune_option_table *table = cli_common_option_table();
    for (int i = -1; i < 0 || (table = table_at(command, i)); i++)
        for (size_t k = 0; k < table->count && count < MOST; k++)
            names[count++] = table->options[k].name;
    return cli_usage_error("there is no option --%s; did you mean --%s?", name,
                           prune_options_nearest(name, names, count));
}

static prune_status parse_option(cli_parsed *parsed, const cli_command *command, int argc,
                                 char **argv, int *at)
{
    char name[64];
    const char *text = argv[*at] + 2, *equals = strchr(text, '=');
    const size_t length = equals ? (size_t)(equals - text) : strlen(text);
    if (strcmp(argv[*at], "-o") == 0) text = "output", equals = NULL;
    (void)snprintf(name, sizeof name, "%.*s",
                   strcmp(argv[*at], "-o") == 0 ? 6 : (int)(length < 63 ? length : 63), text);
    const prune_option *option = lookup(command, name);
    const bool negated = !option && strncmp(name, "no-", 3) == 0;
    if (negated) {
        option = lookup(command, name + 3);
        if (option && option->type == PRUNE_OPTION_BOOL && !equals)
            return set_everywhere(parsed, command, name + 3, "false");
        option = NULL;
    }
    if (!option) return unknown(command, name);
    if (equals) return set_everywhere(parsed, command, name, equals + 1);
    if (option->type == PRUNE_OPTION_BOOL) return set_everywhere(parsed, command, name, "true");
    if (*at + 1 >= argc) return cli_usage_error("--%s needs a value: %s", name, option->help);
    return set_everywhere(parsed, command, name, argv[++*at]);
}

prune_status cli_parse(cli_parsed *parsed, const cli_command *command, int argc, char **argv)
{
    const prune_option_table *table;
    *parsed = (cli_parsed){0};
    prune_options_init(cli_common_option_table(), &parsed->common);
    parsed->arguments = calloc((size_t)argc + 1, sizeof *parsed->arguments);
    parsed->given = calloc((size_t)argc + 1, sizeof *parsed->given);
    for (int i = 0; (table = table_at(command, i)); i++) {
        parsed->options[i] = calloc(1, table->struct_size);
        if (!parsed->options[i]) return prune_error_set(PRUNE_E_MEMORY, "out of memory");
        prune_options_init(table, parsed->options[i]);
    }
    if (!parsed->arguments || !parsed->given || join_line(parsed, command, argc, argv) != PRUNE_OK)
        return prune_error_set(PRUNE_E_MEMORY, "out of memory");
    bool only_arguments = false;
    for (int i = 0; i < argc; i++) {
        prune_status status = PRUNE_OK;
        if (!only_arguments && strcmp(argv[i], "--") == 0)
            only_arguments = true;
        else if (!only_arguments && (strncmp(argv[i], "--", 2) == 0 || strcmp(argv[i], "-o") == 0))
            status = parse_option(parsed, command, argc, argv, &i);
        else if (!only_arguments && argv[i][0] == '-' && argv[i][1] != '\0')
            status = cli_usage_error("there is no option %s", argv[i]);
        else
            parsed->arguments[parsed->count++] = argv[i];
        if (status != PRUNE_OK) return status;
    }
    if (parsed->common.help) return PRUNE_OK;
    if (parsed->count < command->min_arguments)
        return cli_usage_error("too few arguments, expected: %s", command->arguments);
    if (parsed->count > command->max_arguments)
        return cli_usage_error("unexpected argument '%s', expected: %s",
                               parsed->arguments[command->max_arguments], command->arguments);
    return PRUNE_OK;
}

void cli_parsed_free(cli_parsed *parsed)
{
    for (int i = 0; i < CLI_MAX_TABLES; i++) free(parsed->options[i]);
    free(parsed->arguments);
    free(parsed->given);
    free(parsed->line);
}

static void print_row(const prune_option *o)
{
    static const char *const kinds[] = {"", " N", " N", " X", " TEXT", " "};
    char left[96];
    (void)snprintf(left, sizeof left, "--%s%s%s", o->name, kinds[o->type],
                   o->type == PRUNE_OPTION_CHOICE ? o->choices : "");
    const bool on = o->type == PRUNE_OPTION_BOOL && strcmp(o->default_value, "true") == 0;
    (void)printf("  %-26s %s", left, strlen(left) > 26 ? "\n                             " : "");
    if (on)
        (void)printf("%s (default; --no-%s)\n", o->help, o->name);
    else if (o->default_value && o->type != PRUNE_OPTION_BOOL)
        (void)printf("%s (default %s)\n", o->help, o->default_value);
    else
        (void)printf("%s\n", o->help);
}

/* An option that several tables have is explained once, where it comes first. */
static bool is_shown_before(const cli_command *command, int before, const char *name)
{
    for (int i = 0; i < before; i++)
        if (prune_options_find(table_at(command, i), name)) return true;
    return false;
}

static void print_table(const cli_command *command, int index, const prune_option_table *table)
{
    (void)printf("\noptions of %s:\n", table->stage);
    for (size_t i = 0; i < table->count; i++) {
        const char *name = table->options[i].name;
        if (is_shown_before(command, index, name)) continue;
        if (command->hides && command->hides(table, name)) continue;
        print_row(&table->options[i]);
    }
}

void cli_print_help(const cli_command *command)
{
    (void)printf("usage: prune %s %s [options]\n\n%s\n\nexample:\n  %s\n", command->name,
                 command->arguments, command->summary, command->example);
    const prune_option_table *table;
    int i = 0;
    for (; (table = table_at(command, i)); i++) print_table(command, i, table);
    print_table(command, i, cli_common_option_table());
}
