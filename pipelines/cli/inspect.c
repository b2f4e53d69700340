/* prune inspect: what a model is made of. */
#include "pipelines/cli/command.h"

#include <prune/sys/error.h>
#include <prune/sys/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct inspect_options {
    uint32_t struct_size;
    const char *size;
    bool layers;
} inspect_options;

static const prune_option rows[] = {
    {"size", PRUNE_OPTION_TEXT, offsetof(inspect_options, size), NULL, 0, 0, NULL,
     "network input HEIGHTxWIDTH (default: the model's own)"},
    {"layers", PRUNE_OPTION_BOOL, offsetof(inspect_options, layers), "true", 0, 0, NULL,
     "list every layer"},
};
static const prune_option_table *table(void)
{
    static const prune_option_table t = {"inspect", sizeof(inspect_options), rows, 2};
    return &t;
}

static long long number(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "-";
}

static void print_summary(const json_t *root)
{
    const json_t *size = json_object_get(root, "size"), *origin = json_object_get(root, "origin");
    (void)printf("architecture  %s (%s), licence %s\n", text(root, "architecture"),
                 text(root, "variant"), text(root, "license"));
    (void)printf("input         %lld x %lld (height x width)\noutput        %s",
                 (long long)json_integer_value(json_array_get(size, 0)),
                 (long long)json_integer_value(json_array_get(size, 1)), text(root, "output"));
    if (json_object_get(root, "max_depth"))
        (void)printf(", up to %g m", json_real_value(json_object_get(root, "max_depth")));
    (void)printf("\nparameters    %.3f M (as loaded first: %.3f M)\n",
                 (double)number(root, "parameters") / 1e6,
                 (double)number(origin, "parameters") / 1e6);
    (void)printf("MACs          %.3f G (%.3f G at its own size)\n",
                 (double)number(root, "macs") / 1e9, (double)number(origin, "macs") / 1e9);
    (void)printf("bytes         %.3f MB (%.3f MB)\nINT8 layers   %lld of %lld with weights\n",
                 (double)number(root, "bytes") / 1e6, (double)number(origin, "bytes") / 1e6,
                 number(root, "int8_layers"), number(root, "weighted_layers"));
    if (number(root, "int8_attentions") > 0)
        (void)printf("INT8 attention %lld\n", number(root, "int8_attentions"));
}

static void print_lists(const json_t *root, bool layers)
{
    size_t i;
    const json_t *row;
    if (layers) {
        (void)printf("\n%-44s %-15s %-18s %11s %9s %s\n", "layer", "operator", "shape",
                     "parameters", "MMACs", "precision");
        json_array_foreach(json_object_get(root, "layers"), i, row)(void)
            printf("%-44s %-15s %-18s %11lld %9.2f %s %s\n", text(row, "name"), text(row, "op"),
                   text(row, "shape"), number(row, "parameters"), (double)number(row, "macs") / 1e6,
                   text(row, "compute"), json_object_get(row, "input") ? text(row, "input") : "");
    }
    (void)printf("\n%-52s %-9s %6s  %s\n", "channel space", "kind", "units", "");
    json_array_foreach(json_object_get(root, "spaces"), i, row)(void)
        printf("%-52s %-9s %6lld  %s\n", text(row, "name"), text(row, "kind"), number(row, "units"),
               json_is_string(json_object_get(row, "locked")) ? text(row, "locked") : "");
    if (json_array_size(json_object_get(root, "history")) > 0) (void)printf("\nhistory\n");
    json_array_foreach(json_object_get(root, "history"), i, row)
    {
        char *line = prune_json_text(row, JSON_COMPACT, prune_json_failures());
        (void)printf("  %zu. %.200s\n", i + 1, line ? line : "");
        free(line);
    }
}

static prune_status run(cli_call *call)
{
    const inspect_options *options = call->options[0];
    prune_model *model = NULL;
    char *json = NULL;
    int32_t height = 0, width = 0;
    prune_status status = cli_parse_size(options->size, &height, &width);
    if (status == PRUNE_OK)
        status = cli_open_model(call, call->arguments[0], call->options[1], &model);
    if (status == PRUNE_OK) status = prune_model_inspect(model, height, width, &json);
    if (status == PRUNE_OK) status = cli_write_json(call, json);
    json_t *root = status == PRUNE_OK ? json_loads(json, 0, NULL) : NULL;
    if (root && !(call->common->json && strcmp(call->common->json, "-") == 0)) {
        print_summary(root);
        print_lists(root, options->layers);
    }
    json_decref(root);
    prune_text_free(json);
    prune_model_free(model);
    return status;
}

const cli_command cli_inspect = {
    .name = "inspect",
    .arguments = "MODEL",
    .summary = "shows architecture, layers, channel spaces, cost, precision and history",
    .example = "prune inspect bundled --size 98x322",
    .min_arguments = 1,
    .max_arguments = 1,
    .tables = {table, prune_load_option_table},
    .run = run,
};
