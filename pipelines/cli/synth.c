/* prune synth: street scenes with exact depth. */
#include "pipelines/cli/command.h"

#include <prune/synth.h>
#include <stdio.h>

typedef struct synth_extra {
    uint32_t struct_size;
    const char *size;
} synth_extra;

static const prune_option rows[] = {
    {"size", PRUNE_OPTION_TEXT, offsetof(synth_extra, size), NULL, 0, 0, NULL,
     "HEIGHTxWIDTH of the pictures, instead of --width and --height"},
};
static const prune_option_table *table(void)
{
    static const prune_option_table t = {"size", sizeof(synth_extra), rows, 1};
    return &t;
}

static prune_status run(cli_call *call)
{
    prune_synth_options options = *(const prune_synth_options *)call->options[0];
    const synth_extra *extra = call->options[1];
    prune_status status = cli_parse_size(extra->size, &options.height, &options.width);
    if (status == PRUNE_OK) status = prune_synth_write(call->ctx, call->arguments[0], &options);
    if (status == PRUNE_OK)
        (void)printf("%s: %d frames of %dx%d, seed %llu\n", call->arguments[0], options.frames,
                     options.width, options.height, (unsigned long long)options.seed);
    return status;
}

const cli_command cli_synth = {
    .name = "synth",
    .arguments = "DIR",
    .summary = "renders street scenes with exact depth, in KITTI's layout",
    .example = "prune synth scenes --frames 40 --seed 7 --size 196x644",
    .min_arguments = 1,
    .max_arguments = 1,
    .tables = {prune_synth_option_table, table},
    .run = run,
};
