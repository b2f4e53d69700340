/* prune verify: what files are, and whether all of them is as it should be. */
#include "pipelines/cli/command.h"

#include <prune/sys/error.h>
#include <prune/sys/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static void print_model(const json_t *verdict)
{
    const json_t *model = json_object_get(verdict, "model"), *size = json_object_get(model, "size");
    const char *type;
    json_t *count;
    const char *variant = text(model, "variant");
    (void)printf("  %s%s%s, %.3f M parameters, input %lld x %lld, %s", text(model, "architecture"),
                 *variant ? " " : "", variant,
                 (double)json_integer_value(json_object_get(model, "parameters")) / 1e6,
                 (long long)json_integer_value(json_array_get(size, 0)),
                 (long long)json_integer_value(json_array_get(size, 1)), text(model, "output"));
    if (json_object_get(model, "max_depth"))
        (void)printf(" up to %g m", json_real_value(json_object_get(model, "max_depth")));
    (void)printf(", licence %s\n  stored as",
                 *text(model, "license") ? text(model, "license") : "unknown");
    json_object_foreach(json_object_get(verdict, "types"), type, count)(void)
        printf(" %s x %lld", type, (long long)json_integer_value(count));
    (void)printf(", INT8 layers %lld of %lld with weights\n",
                 (long long)json_integer_value(json_object_get(model, "int8_layers")),
                 (long long)json_integer_value(json_object_get(model, "weighted_layers")));
}

static void print_image(const json_t *image)
{
    const json_t *depth = json_object_get(image, "depth");
    const long long turned = json_integer_value(json_object_get(image, "orientation"));
    (void)printf("  %s, %lld x %lld (width x height), %s, %lld bits%s", text(image, "format"),
                 (long long)json_integer_value(json_object_get(image, "width")),
                 (long long)json_integer_value(json_object_get(image, "height")),
                 text(image, "channels"),
                 (long long)json_integer_value(json_object_get(image, "bits")),
                 json_is_true(json_object_get(image, "interlaced")) ? ", interlaced" : "");
    if (turned > 1) (void)printf(", turned by EXIF orientation %lld", turned);
    if (depth)
        (void)printf("\n  as depth: %.1f %% of the pixels known, values %lld to %lld",
                     100 * json_real_value(json_object_get(depth, "known")),
                     (long long)json_integer_value(json_object_get(depth, "smallest")),
                     (long long)json_integer_value(json_object_get(depth, "largest")));
    (void)printf("\n");
}

static void print_list(const json_t *list, const char *before)
{
    size_t i;
    const json_t *line;
    json_array_foreach(list, i, line)(void) printf("  %s%s\n", before, json_string_value(line));
}

static void print_verdict(const char *path, const json_t *verdict)
{
    const bool ok = json_is_true(json_object_get(verdict, "ok"));
    if (ok)
        (void)printf("%s: fine, a %s\n", path, text(verdict, "kind"));
    else
        (void)printf("%s: NOT fine\n  problem: %s\n", path, text(verdict, "problem"));
    if (json_object_get(verdict, "model")) print_model(verdict);
    if (json_object_get(verdict, "image")) print_image(json_object_get(verdict, "image"));
    print_list(json_object_get(verdict, "checks"), "checked: ");
    print_list(json_object_get(verdict, "warnings"), "warning: ");
}

/* Verdicts are collected, whatever they are: one bad file must not hide another. */
static prune_status verify_all(cli_call *call, json_t *list, int32_t *bad)
{
    const bool quiet = call->common->json && strcmp(call->common->json, "-") == 0;
    for (int32_t i = 0; i < call->count; i++) {
        char *json = NULL;
        const prune_status status =
            prune_file_verify(&json, call->ctx, call->arguments[i], call->options[0]);
        if (status != PRUNE_OK) return status;
        json_t *verdict = json_loads(json, 0, NULL);
        prune_text_free(json);
        if (!quiet) print_verdict(call->arguments[i], verdict);
        *bad += !json_is_true(json_object_get(verdict, "ok"));
        if (json_array_append_new(list, verdict) != 0)
            return prune_error_set(PRUNE_E_MEMORY, "out of memory");
    }
    return PRUNE_OK;
}

static prune_status run(cli_call *call)
{
    int32_t bad = 0;
    json_t *list = json_array();
    prune_status status = verify_all(call, list, &bad);
    char *json = status == PRUNE_OK ? prune_json_text(list, JSON_INDENT(1) | JSON_PRESERVE_ORDER,
                                                      prune_json_failures())
                                    : NULL;
    json_decref(list);
    if (status == PRUNE_OK && !json) status = prune_error_set(PRUNE_E_MEMORY, "out of memory");
    if (status == PRUNE_OK) status = cli_write_json(call, json);
    free(json); /* jansson's own allocation */
    if (status == PRUNE_OK && bad > 0)
        status = prune_error_set(PRUNE_E_FORMAT, "%d of %d files are not fine", bad, call->count);
    return status;
}

const cli_command cli_verify = {
    .name = "verify",
    .arguments = "FILE|FOLDER...",
    .summary = "says what models, checkpoints and pictures are, and whether they are whole",
    .example = "prune verify small.safetensors.zst depth_anything_v2_vits.pth",
    .min_arguments = 1,
    .max_arguments = 1 << 20,
    .tables = {prune_load_option_table},
    .run = run,
};
