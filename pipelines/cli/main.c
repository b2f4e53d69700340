/* prune: parse, call, print. Status 0 only on success, 1 when the work failed, 2 for a command
 * line that cannot be understood. */
#include "pipelines/cli/parse.h"
#include "pipelines/cli/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const cli_command *const cli_commands[] = {
    &cli_inspect,  &cli_predict,  &cli_eval,    &cli_synth,  &cli_trim, &cli_tune,
    &cli_quantize, &cli_compress, &cli_compare, &cli_report, &cli_pack, &cli_unpack,
    &cli_bench,    &cli_verify,   &cli_new,     NULL,
};

static void print_overview(FILE *to)
{
    (void)fputs("usage: prune COMMAND ...   (prune COMMAND --help explains one)\n\n"
                "Makes monocular depth networks small and fast, and measures what it costs.\n\n",
                to);
    for (const cli_command *const *c = cli_commands; *c; c++)
        (void)fprintf(to, "  %-10s %s\n", (*c)->name, (*c)->summary);
    (void)fputs(
        "\nMODEL is a packed file (.safetensors.zst), a checkpoint (.pth, .safetensors), a\n"
        "Hugging Face folder, an RT-MonoDepth folder, or 'bundled'.\n",
        to);
}

static const cli_command *find(const char *name)
{
    for (const cli_command *const *c = cli_commands; *c; c++)
        if (strcmp((*c)->name, name) == 0) return *c;
    return NULL;
}

static int fail(const char *command)
{
    terminal_clear();
    (void)fprintf(stderr, "prune %s: %s\n", command, prune_last_error());
    return EXIT_FAILURE;
}

static int run_command(const cli_command *command, int argc, char **argv)
{
    cli_parsed parsed;
    if (cli_parse(&parsed, command, argc, argv) != PRUNE_OK) {
        (void)fprintf(stderr, "prune %s: %s (see prune %s --help)\n", command->name,
                      prune_last_error(), command->name);
        cli_parsed_free(&parsed);
        return 2;
    }
    if (parsed.common.help) {
        cli_print_help(command);
        cli_parsed_free(&parsed);
        return EXIT_SUCCESS;
    }
    prune_context_options options;
    prune_context *ctx = NULL;
    prune_context_options_init(&options);
    options.threads = parsed.common.threads;
    options.isa = parsed.common.isa;
    terminal_open(&options, parsed.common.quiet, parsed.common.verbose);
    prune_status status = prune_context_create(&ctx, &options);
    if (status == PRUNE_OK) {
        cli_call call = {.command = command,
                         .ctx = ctx,
                         .arguments = parsed.arguments,
                         .count = parsed.count,
                         .common = &parsed.common,
                         .options = parsed.options,
                         .line = parsed.line,
                         .given = parsed.given,
                         .n_given = parsed.n_given};
        status = command->run(&call);
    }
    int code = status == PRUNE_OK ? EXIT_SUCCESS : fail(command->name);
    terminal_clear();
    if (status == PRUNE_OK && fflush(stdout) != 0) {
        (void)fprintf(stderr, "prune %s: cannot write to standard output\n", command->name);
        code = EXIT_FAILURE;
    }
    prune_context_free(ctx);
    cli_parsed_free(&parsed);
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_overview(argc < 2 ? stderr : stdout);
        return argc < 2 ? 2 : EXIT_SUCCESS;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("prune %s\n", prune_version());
        return EXIT_SUCCESS;
    }
    const cli_command *command = find(argv[1]);
    if (!command) {
        (void)fprintf(stderr, "prune: there is no command '%s' (see prune --help)\n", argv[1]);
        return 2;
    }
    return run_command(command, argc - 2, argv + 2);
}
