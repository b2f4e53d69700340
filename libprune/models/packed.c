/* Our own file: a safetensors table whose notes hold the graph (docs/format.md, 4). */
#include "libprune/base/options.h"
#include "libprune/formats/safetensors.h"
#include "libprune/models/models.h"
#include "libprune/passes/integer.h"

#include <prune/sys/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_GRAPH_TEXT = 16 << 20, MAX_GRAPH_VALUES = 500000, MAX_SIBLING = 600 };
static const char graph_note[] = "prune.graph";

#define FIELD(member) offsetof(prune_save_options, member)
static const prune_option options_of_save[] = {
    {"container", PRUNE_OPTION_CHOICE, FIELD(container), "auto", 0, 0, "auto|packed|plain",
     "packed: zstd-compressed safetensors; plain: safetensors; auto: by the name (.zst packs)"},
    {"storage", PRUNE_OPTION_CHOICE, FIELD(storage), "same", 0, 0, "same|fp32|fp16",
     "how floats are stored; same: without loss"},
    {"level", PRUNE_OPTION_INT, FIELD(level), "19", 1, 22, NULL, "zstd level"},
    {"integers", PRUNE_OPTION_BOOL, FIELD(integers), "true", 0, 0, NULL,
     "store INT8 layers as integers and BF16 layers as BF16; without, as the floats that they come "
     "from, to tune them further"},
};
#undef FIELD

const prune_option_table *prune_save_option_table(void)
{
    static const prune_option_table table = {"save", sizeof(prune_save_options), options_of_save,
                                             sizeof options_of_save / sizeof *options_of_save};
    return &table;
}

void prune_save_options_init(prune_save_options *options)
{
    prune_options_init(prune_save_option_table(), options);
}

/* --- saving --------------------------------------------------------------------------------- */

/* F16 loses nothing: every value survives the way there and back. */
static bool fits_half(const pr_tensor *tensor)
{
    const float *values = pr_f32(tensor);
    for (int64_t i = 0, n = pr_tensor_count(tensor); i < n; i++) {
        float back = pr_f16_to_f32(pr_f32_to_f16(values[i]));
        if (memcmp(&back, &values[i], sizeof back) != 0) return false;
    }
    return true;
}

/* Beyond the range of F16 a value would become infinite: such tensors stay F32. */
static bool within_half(const pr_tensor *tensor)
{
    const float *values = pr_f32(tensor);
    for (int64_t i = 0, n = pr_tensor_count(tensor); i < n; i++)
        if (!(values[i] < 65504.0f && values[i] > -65504.0f)) return false;
    return true;
}

static prune_status add_param(pr_table *table, const pr_param *param, int32_t storage)
{
    const pr_tensor *tensor = &param->tensor;
    bool half = tensor->dtype == PR_F32 && ((storage == 0 && param->half && fits_half(tensor)) ||
                                            (storage == 2 && within_half(tensor)));
    pr_tensor stored;
    if (half)
        PR_TRY(pr_tensor_convert(&stored, table->ctx, tensor, PR_F16));
    else
        stored = pr_tensor_share(tensor);
    return pr_table_add(table, param->name, stored);
}

static prune_status add_sibling(pr_table *table, const pr_node *node, const char *suffix,
                                const pr_tensor *tensor)
{
    char name[MAX_SIBLING];
    if (!tensor->data) return PRUNE_OK;
    (void)snprintf(name, sizeof name, "%s.%s", node->name, suffix);
    return pr_table_add(table, name, pr_tensor_share(tensor));
}

/* Each JSON value costs about 100 bytes of memory, so their number is bounded before parsing. */
static prune_status check_graph_text(const char *text)
{
    size_t values = 1, length = strlen(text);
    for (const char *c = text; *c; c++) values += *c == ',' || *c == '[' || *c == '{';
    if (length <= MAX_GRAPH_TEXT && values <= MAX_GRAPH_VALUES) return PRUNE_OK;
    return pr_fail(PRUNE_E_FORMAT, "the graph has more than %d bytes or %d values", MAX_GRAPH_TEXT,
                   MAX_GRAPH_VALUES);
}

static prune_status add_graph(pr_table *table, const prune_model *model)
{
    json_t *json = pr_model_to_json(model);
    char *text =
        json ? prune_json_text(json, JSON_COMPACT | JSON_REAL_PRECISION(17), prune_json_failures())
             : NULL;
    json_decref(json);
    if (!text) return pr_fail(PRUNE_E_MEMORY, "out of memory: the graph cannot be written as JSON");
    prune_status status = check_graph_text(text);
    if (status == PRUNE_OK) status = pr_table_note(table, graph_note, text);
    free(text); /* jansson's own allocation */
    return status;
}

/* The weight as BF16 products see it: rounding it now or when it is packed for a processor is the
 * same rounding. */
static prune_status bake_bf16(prune_model *model, int32_t index)
{
    const int32_t param = model->nodes[index].params[PR_SLOT_WEIGHT];
    if (param == PR_NONE) return PRUNE_OK; /* attention */
    pr_tensor *weight = &model->params[param].tensor, rounded;
    if (weight->dtype != PR_F32 && weight->dtype != PR_F16) return PRUNE_OK;
    PR_TRY(pr_tensor_convert(&rounded, model->ctx, weight, PR_BF16));
    pr_tensor_release(weight);
    *weight = rounded;
    return PRUNE_OK;
}

/* The model as it stands in a file: weights as the nodes compute with them. */
static prune_status fill_table(pr_table *table, prune_model *model, const prune_save_options *o)
{
    for (int32_t i = 0; o->integers && i < model->n_nodes; i++) {
        const pr_compute compute = model->nodes[i].precision.compute;
        if (compute == PR_COMPUTE_I8 && !pr_op_get(model->nodes[i].op)->int8_inputs)
            PR_TRY(pr_integer_bake(model, i));
        if (compute == PR_COMPUTE_BF16) PR_TRY(bake_bf16(model, i));
    }
    for (int32_t i = 0; i < model->n_params; i++)
        PR_TRY(add_param(table, &model->params[i], o->storage));
    for (int32_t i = 0; i < model->n_nodes; i++) {
        const pr_node *node = &model->nodes[i];
        PR_TRY(add_sibling(table, node, "input_scale", &node->precision.input_scale));
        PR_TRY(add_sibling(table, node, "input_zero", &node->precision.input_zero));
        PR_TRY(add_sibling(table, node, "weight_scale", &node->precision.weight_scale));
    }
    PR_TRY(pr_table_note(table, "format", "pt"));
    return add_graph(table, model);
}

static bool names_packed(const char *path)
{
    size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".zst") == 0;
}

prune_status prune_model_save(const prune_model *model, const char *path,
                              const prune_save_options *options)
{
    prune_save_options o;
    if (!model || !path) return pr_fail(PRUNE_E_ARGUMENT, "save: model and path are needed");
    PR_TRY(pr_options_take(prune_save_option_table(), &o, options));
    bool packed = o.container == 1 || (o.container == 0 && names_packed(path));
    prune_model *baked = NULL;
    pr_table table;
    pr_table_init(&table, model->ctx);
    prune_status status = PRUNE_OK;
    PR_GO(pr_model_clone(&baked, model));
    PR_GO(fill_table(&table, baked, &o));
    PR_GO(packed ? pr_safetensors_pack(&table, path, o.level) : pr_safetensors_write(&table, path));
done:
    pr_table_free(&table);
    pr_model_free(baked);
    return status;
}

/* --- opening -------------------------------------------------------------------------------- */

bool pr_packed_probe(const pr_table *table)
{
    return pr_table_noted(table, graph_note) != NULL;
}

static prune_status lookup(void *user, const char *name, pr_tensor *out)
{
    const pr_table *table = user;
    /* The table belongs to the reader, who gives tensors away one by one. */
    pr_tensor *found = (pr_tensor *)(uintptr_t)pr_table_find(table, name);
    if (!found)
        return pr_fail(PRUNE_E_FORMAT, "tensor '%s', which the graph names, is not in the file",
                       name);
    if (found->dtype == PR_F16 || found->dtype == PR_BF16) {
        if (!found->data)
            return pr_fail(PRUNE_E_FORMAT, "tensor '%s' serves two nodes of the graph", name);
        PR_TRY(pr_tensor_convert(out, table->ctx, found, PR_F32));
        const pr_dtype dtype = found->dtype;
        pr_tensor_release(found);
        found->dtype = dtype;
        return PRUNE_OK;
    }
    if (found->dtype != PR_F32 && found->dtype != PR_I8)
        return pr_fail(PRUNE_E_FORMAT, "tensor '%s': expected F32, F16, BF16 or I8, found %s", name,
                       pr_dtype_name(found->dtype));
    *out = pr_tensor_share(found);
    return PRUNE_OK;
}

prune_status pr_packed_open(prune_model **out, prune_context *ctx, pr_table *table)
{
    const char *text = pr_table_noted(table, graph_note);
    PR_TRY(check_graph_text(text));
    PR_TRY(pr_table_widen(table));
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!json && prune_json_parse_status(&error) == PRUNE_E_MEMORY) return PRUNE_E_MEMORY;
    if (!json)
        return pr_fail(PRUNE_E_FORMAT, "the graph is not valid JSON: %s at character %d",
                       error.text, error.position);
    prune_model *model = NULL;
    prune_status status = pr_model_from_json(&model, ctx, json, lookup, table);
    json_decref(json);
    PR_TRY(status);
    for (int32_t i = 0; i < model->n_params; i++) {
        const pr_named *item = pr_table_item(table, model->params[i].name);
        model->params[i].half = item && item->stored == PR_F16;
    }
    status = pr_models_finish(model);
    if (status != PRUNE_OK)
        pr_model_free(model);
    else
        *out = model;
    return status;
}
