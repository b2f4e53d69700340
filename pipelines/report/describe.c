/* What the two models are made of, their licence, and the machine. */
#include "pipelines/report/look.h"

#include <prune/measure.h>
#include <string.h>

static prune_status inspect(json_t **out, const prune_model *model)
{
    char *text = NULL;
    prune_status status = prune_model_inspect(model, 0, 0, &text);
    *out = status == PRUNE_OK ? json_loads(text, 0, NULL) : NULL;
    prune_text_free(text);
    return status;
}

/* Channel spaces, and layers that compute: without the rest the page would be a list of
 * everything. */
static json_t *outline(const json_t *inspected)
{
    json_t *spaces = json_array(), *layers = json_array(), *row;
    size_t i;
    json_array_foreach(json_object_get(inspected, "spaces"), i, row)
    {
        (void)json_array_append_new(
            spaces, json_pack("{s:O, s:O, s:O, s:O*}", "name", json_object_get(row, "name"), "kind",
                              json_object_get(row, "kind"), "units", json_object_get(row, "units"),
                              "locked", json_object_get(row, "locked")));
    }
    json_array_foreach(json_object_get(inspected, "layers"), i, row)
    {
        json_t *storage = json_object_get(row, "storage"), *input = json_object_get(row, "input");
        if (json_integer_value(json_object_get(row, "macs")) == 0) continue;
        (void)json_array_append_new(
            layers, json_pack("{s:O, s:O, s:O, s:O, s:O, s:O*, s:O*}", "name",
                              json_object_get(row, "name"), "op", json_object_get(row, "op"),
                              "parameters", json_object_get(row, "parameters"), "macs",
                              json_object_get(row, "macs"), "compute",
                              json_object_get(row, "compute"), "storage", storage, "input", input));
    }
    return json_pack("{s:o, s:o}", "spaces", spaces, "layers", layers);
}

prune_status report_describe(json_t *report, const prune_model *before, const prune_model *after)
{
    json_t *first = NULL, *last = NULL, *network = json_object();
    char machine[256];
    prune_status status = before ? inspect(&first, before) : PRUNE_OK;
    if (status == PRUNE_OK && after) status = inspect(&last, after);
    if (first) (void)json_object_set_new(network, "before", outline(first));
    if (last) (void)json_object_set_new(network, "after", outline(last));
    json_t *license = json_object_get(last ? last : first, "license");
    if (json_is_string(license)) (void)json_object_set(report, "license", license);
    if (json_object_size(network) > 0) (void)json_object_set(report, "network", network);
    prune_machine_describe(machine, sizeof machine);
    (void)json_object_set_new(report, "machine", json_pack("{s:s}", "processor", machine));
    json_decref(network);
    json_decref(first);
    json_decref(last);
    return status;
}
