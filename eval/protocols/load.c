/* The way back from an evaluation's JSON. */
#include "eval/protocols/protocols.h"

#include <math.h>
#include <prune/sys/error.h>
#include <prune/sys/json.h>
#include <string.h>

static prune_status malformed(const char *what)
{
    return prune_error_set(PRUNE_E_FORMAT,
                           "an evaluation's JSON: %s is missing or of the wrong kind; give what "
                           "prune_evaluation_json wrote",
                           what);
}

static prune_status keep_frame(prune_evaluation *evaluation, const json_t *image, prune_align align)
{
    const pr_metric_set *metrics = evaluation->protocol->metrics;
    const char *name = json_string_value(json_object_get(image, "name"));
    const char *group = json_string_value(json_object_get(image, "group"));
    const json_t *pixels = json_object_get(image, "pixels");
    pr_judgement judgement = {.align = align};
    if (!name || !group) return malformed("an image's name or group");
    if (!json_is_integer(pixels) || json_integer_value(pixels) < 0)
        return malformed("an image's pixels");
    judgement.pixels = (uint64_t)json_integer_value(pixels);
    for (int32_t m = 0; m < metrics->count; m++) {
        const json_t *value = json_object_get(image, metrics->rows[m].name);
        if (!json_is_number(value) && !json_is_null(value)) return malformed(metrics->rows[m].name);
        judgement.values[m] = json_is_null(value) ? (double)NAN : json_number_value(value);
    }
    return pr_evaluation_keep(evaluation, &judgement, name, group);
}

static prune_status fill(prune_evaluation *evaluation, const json_t *root)
{
    const json_t *images = json_object_get(root, "images"), *image;
    const char *name = json_string_value(json_object_get(root, "align"));
    prune_align align;
    size_t i;
    prune_status status = name ? prune_align_parse(&align, name) : malformed("align");
    if (status == PRUNE_OK && !json_is_array(images)) status = malformed("images");
    if (status != PRUNE_OK) return status;
    json_array_foreach(images, i, image)
    {
        status = keep_frame(evaluation, image, align);
        if (status != PRUNE_OK) return status;
    }
    return PRUNE_OK;
}

prune_status prune_evaluation_from_json(prune_evaluation **out, prune_context *context,
                                        const char *text)
{
    prune_evaluation_options options;
    prune_evaluation *evaluation = NULL;
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return prune_error_set(PRUNE_E_FORMAT, "an evaluation's JSON: %s in line %d", error.text,
                               error.line);
    const json_t *seed = json_object_get(root, "seed");
    prune_evaluation_options_init(&options);
    options.protocol = json_string_value(json_object_get(root, "protocol"));
    options.seed = (uint64_t)json_integer_value(seed);
    prune_status status = PRUNE_OK;
    if (!options.protocol) status = malformed("protocol");
    if (status == PRUNE_OK && !json_is_integer(seed)) status = malformed("seed");
    if (status == PRUNE_OK) status = prune_evaluation_create(&evaluation, context, &options);
    if (status == PRUNE_OK) status = fill(evaluation, root);
    json_decref(root);
    if (status == PRUNE_OK)
        *out = evaluation;
    else
        prune_evaluation_free(evaluation);
    return status;
}
