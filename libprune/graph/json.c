/* The JSON form of a model's structure (docs/format.md). Reading trusts nothing. */
#include "libprune/graph/graph.h"

#include <math.h>
#include <prune/sys/json.h>
#include <stdio.h>
#include <string.h>

enum { MAX_NODES = 4096, MAX_NAME = 512 };

typedef enum field_type { FIELD_INT, FIELD_FLOAT, FIELD_WORD } field_type;

typedef struct field {
    const char *name;
    field_type type;
    size_t offset;
    int32_t count;
    const char *const *words;
} field;

static const char *const pad_words[] = {"zeros", "reflect", NULL};
static const char *const resize_words[] = {"nearest", "bilinear", "bilinear_corners", NULL};
static const char *const rule_words[] = {"offset", "size", NULL};
static const char *const output_words[] = {"relative", "disparity", "metric", NULL};
static const char *const fit_words[] = {"exact", "lower_bound", "minimal", NULL};
static const char *const filter_words[] = {
    "cubic_cv", "cubic_pil", "lanczos_pil", "bilinear", "bilinear_corners", "cubic_torch", NULL};
static const char *const compute_words[] = {"fp32", "int8", "bf16", NULL};
static const char *const input_words[] = {"none", "tensor", "channel", "token", NULL};

const char *pr_compute_name(pr_compute compute)
{
    return compute_words[compute];
}

#define INT(member, n)                                                                             \
    {                                                                                              \
#member, FIELD_INT, offsetof(pr_attrs, member), n, NULL                                    \
    }
#define FLOAT(member)                                                                              \
    {                                                                                              \
#member, FIELD_FLOAT, offsetof(pr_attrs, member), 1, NULL                                  \
    }
#define WORD(member, words)                                                                        \
    {                                                                                              \
#member, FIELD_WORD, offsetof(pr_attrs, member), 1, words                                  \
    }
static const field attr_fields[] = {
    INT(stride, 2),
    INT(pad, 4),
    WORD(pad_mode, pad_words),
    INT(groups, 1),
    INT(heads, 1),
    INT(qk_width, 1),
    INT(v_width, 1),
    INT(norm_width, 1),
    WORD(resize_mode, resize_words),
    INT(factor, 1),
    INT(grid, 2),
    INT(prefix, 1),
    WORD(position_rule, rule_words),
    FLOAT(scale),
    FLOAT(offset),
    FLOAT(epsilon),
    FLOAT(alpha),
};
#undef INT
#undef FLOAT
#undef WORD
#define MINT(member)                                                                               \
    {                                                                                              \
#member, FIELD_INT, offsetof(pr_preprocess, member), 1, NULL                               \
    }
static const field preprocess_fields[] = {
    {"fit", FIELD_WORD, offsetof(pr_preprocess, fit), 1, fit_words},
    {"filter", FIELD_WORD, offsetof(pr_preprocess, filter), 1, filter_words},
    MINT(width),
    MINT(height),
    MINT(multiple),
    {"mean", FIELD_FLOAT, offsetof(pr_preprocess, mean), 3, NULL},
    {"std", FIELD_FLOAT, offsetof(pr_preprocess, std), 3, NULL},
};
#undef MINT
static const field meta_fields[] = {
    {"resize_back", FIELD_WORD, offsetof(pr_meta, resize_back), 1, filter_words},
    {"output_kind", FIELD_WORD, offsetof(pr_meta, output_kind), 1, output_words},
    {"max_depth", FIELD_FLOAT, offsetof(pr_meta, max_depth), 1, NULL},
    {"disparity_scale", FIELD_FLOAT, offsetof(pr_meta, disparity_scale), 1, NULL},
    {"disparity_offset", FIELD_FLOAT, offsetof(pr_meta, disparity_offset), 1, NULL},
};
static const field precision_fields[] = {
    {"compute", FIELD_WORD, offsetof(pr_precision, compute), 1, compute_words},
    {"input", FIELD_WORD, offsetof(pr_precision, input), 1, input_words},
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static json_t *element_to_json(const field *f, const char *base, int32_t i)
{
    if (f->type == FIELD_FLOAT)
        return json_real((double)((const float *)(const void *)(base + f->offset))[i]);
    int32_t value = ((const int32_t *)(const void *)(base + f->offset))[i];
    return f->type == FIELD_WORD ? json_string(f->words[value]) : json_integer(value);
}

/* Writes the fields that differ from `neutral` (all of them when it is NULL). */
static void fields_to_json(json_t *object, const field *fields, size_t count, const void *from,
                           const void *neutral)
{
    for (size_t k = 0; k < count; k++) {
        const field *f = &fields[k];
        const char *base = from;
        if (neutral &&
            memcmp(base + f->offset, (const char *)neutral + f->offset, (size_t)f->count * 4) == 0)
            continue;
        json_t *value = f->count == 1 ? element_to_json(f, base, 0) : json_array();
        for (int32_t i = 0; f->count > 1 && i < f->count; i++)
            prune_json_append(value, element_to_json(f, base, i));
        prune_json_set(object, f->name, value);
    }
}

static prune_status element_from_json(const field *f, const json_t *json, char *base, int32_t i,
                                      const char *where)
{
    if (f->type == FIELD_FLOAT) {
        double value = json_number_value(json);
        if (!json_is_number(json) || !isfinite(value) || fabs(value) > 1e30)
            return pr_fail(PRUNE_E_FORMAT, "%s: '%s' must be a finite number", where, f->name);
        ((float *)(void *)(base + f->offset))[i] = (float)value;
        return PRUNE_OK;
    }
    int32_t *slot = &((int32_t *)(void *)(base + f->offset))[i];
    if (f->type == FIELD_INT) {
        json_int_t value = json_integer_value(json);
        if (!json_is_integer(json) || value < 0 || value > (1 << 24))
            return pr_fail(PRUNE_E_FORMAT, "%s: '%s' must be an integer from 0 to 2^24", where,
                           f->name);
        *slot = (int32_t)value;
        return PRUNE_OK;
    }
    for (int32_t w = 0; json_is_string(json) && f->words[w]; w++)
        if (strcmp(f->words[w], json_string_value(json)) == 0) {
            *slot = w;
            return PRUNE_OK;
        }
    return pr_fail(PRUNE_E_FORMAT, "%s: '%s' has an unknown value", where, f->name);
}

static prune_status fields_from_json(const json_t *object, const field *fields, size_t count,
                                     void *to, const char *where)
{
    for (size_t k = 0; k < count; k++) {
        const field *f = &fields[k];
        const json_t *value = json_object_get(object, f->name);
        if (!value) continue; /* keeps its default */
        if (f->count > 1 && json_array_size(value) != (size_t)f->count)
            return pr_fail(PRUNE_E_FORMAT, "%s: '%s' must be a list of %d numbers", where, f->name,
                           f->count);
        for (int32_t i = 0; i < f->count; i++)
            PR_TRY(element_from_json(f, f->count == 1 ? value : json_array_get(value, (size_t)i),
                                     to, i, where));
    }
    return PRUNE_OK;
}

static json_t *node_to_json(const prune_model *model, const pr_node *node)
{
    json_t *object = json_object(), *inputs = json_array();
    pr_attrs neutral = pr_attrs_default();
    prune_json_set(object, "op", json_string(pr_op_name(node->op)));
    prune_json_set(object, "name", json_string(node->name));
    for (int32_t i = 0; i < node->n_inputs; i++)
        prune_json_append(inputs, json_string(model->nodes[node->inputs[i]].name));
    prune_json_set(object, "inputs", inputs);
    json_t *attrs = json_object(), *params = json_object();
    fields_to_json(attrs, attr_fields, COUNT(attr_fields), &node->attrs, &neutral);
    for (int32_t s = 0; s < PR_MAX_PARAMS; s++)
        if (node->params[s] != PR_NONE)
            prune_json_set(params, pr_op_slot(node->op, s),
                           json_string(model->params[node->params[s]].name));
    if (!attrs || json_object_size(attrs) > 0) prune_json_set(object, "attrs", json_incref(attrs));
    if (!params || json_object_size(params) > 0)
        prune_json_set(object, "params", json_incref(params));
    json_decref(attrs);
    json_decref(params);
    if (node->precision.compute != PR_COMPUTE_F32 || node->precision.input != PR_INPUT_NONE ||
        node->precision.keep_float) {
        json_t *precision = json_object();
        fields_to_json(precision, precision_fields, COUNT(precision_fields), &node->precision,
                       NULL);
        prune_json_set(precision, "keep_float", json_boolean(node->precision.keep_float));
        prune_json_set(object, "precision", precision);
    }
    return object;
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text) prune_json_set(object, key, json_string(text));
}

json_t *pr_model_to_json(const prune_model *model)
{
    uint64_t failures = prune_json_failures();
    json_t *root = json_object(), *nodes = json_array(), *outputs = json_object();
    json_t *meta = json_object(), *preprocess = json_object(), *origin = json_object();
    prune_json_set(root, "version", json_integer(1));
    set_text(meta, "architecture", model->meta.architecture);
    set_text(meta, "variant", model->meta.variant);
    set_text(meta, "license", model->meta.license);
    fields_to_json(meta, meta_fields, COUNT(meta_fields), &model->meta, NULL);
    fields_to_json(preprocess, preprocess_fields, COUNT(preprocess_fields), &model->meta.preprocess,
                   NULL);
    prune_json_set(meta, "preprocess", preprocess);
    prune_json_set(root, "meta", meta);
    for (int32_t i = 0; i < model->n_nodes; i++)
        prune_json_append(nodes, node_to_json(model, &model->nodes[i]));
    prune_json_set(root, "nodes", nodes);
    for (int32_t i = 0; i < model->n_outputs; i++)
        prune_json_set(outputs, model->outputs[i].name,
                       json_string(model->nodes[model->outputs[i].node].name));
    prune_json_set(root, "outputs", outputs);
    prune_json_set(origin, "macs", json_integer((json_int_t)model->origin_macs));
    prune_json_set(origin, "params", json_integer((json_int_t)model->origin_params));
    prune_json_set(origin, "bytes", json_integer((json_int_t)model->origin_bytes));
    prune_json_set(root, "origin", origin);
    prune_json_set(root, "history", json_incref(model->history));
    if (prune_json_failures() == failures) return root;
    (void)pr_fail_memory(sizeof(json_t));
    json_decref(root);
    return NULL;
}

/* --- reading -------------------------------------------------------------------------------- */

static prune_status read_name(const char **out, const json_t *json, const char *what)
{
    const char *text = json_string_value(json);
    if (!text || text[0] == '\0' || strlen(text) > MAX_NAME)
        return pr_fail(PRUNE_E_FORMAT, "%s must be a name of 1 to %d characters", what, MAX_NAME);
    *out = text;
    return PRUNE_OK;
}

static prune_status bind_params(prune_model *model, int32_t index, const json_t *object,
                                pr_param_lookup lookup, void *user)
{
    const json_t *params = json_object_get(object, "params");
    for (int32_t s = 0; s < PR_MAX_PARAMS; s++) {
        const char *slot = pr_op_slot(model->nodes[index].op, s), *name = "";
        const json_t *value = slot ? json_object_get(params, slot) : NULL;
        if (!value) continue;
        PR_TRY(read_name(&name, value, "parameter name"));
        pr_tensor tensor = {0};
        PR_TRY(lookup(user, name, &tensor));
        PR_TRY(pr_model_add_param(model, index, s, tensor));
        pr_param *param = &model->params[model->n_params - 1];
        if (strcmp(param->name, name) != 0)
            return pr_fail(PRUNE_E_FORMAT, "node '%s': its %s must be named '%s', not '%s'",
                           model->nodes[index].name, slot, param->name, name);
    }
    return PRUNE_OK;
}

static prune_status lookup_sibling(const pr_node *node, const char *suffix, pr_dtype dtype,
                                   pr_param_lookup lookup, void *user, pr_tensor *out)
{
    char name[MAX_NAME + 32];
    (void)snprintf(name, sizeof name, "%s.%s", node->name, suffix);
    PR_TRY(lookup(user, name, out));
    if (out->dtype == dtype && out->shape.rank == 1) return PRUNE_OK;
    return pr_fail(PRUNE_E_FORMAT, "tensor '%s' must be a vector of %s", name,
                   pr_dtype_name(dtype));
}

static prune_status read_precision(prune_model *model, int32_t index, const json_t *object,
                                   pr_param_lookup lookup, void *user)
{
    pr_node *node = &model->nodes[index];
    pr_precision *precision = &node->precision;
    const json_t *json = json_object_get(object, "precision");
    if (json) {
        PR_TRY(fields_from_json(json, precision_fields, COUNT(precision_fields), precision,
                                node->name));
        precision->keep_float = json_is_true(json_object_get(json, "keep_float"));
    }
    if (precision->input == PR_INPUT_TENSOR || precision->input == PR_INPUT_CHANNEL) {
        PR_TRY(lookup_sibling(node, "input_scale", PR_F32, lookup, user, &precision->input_scale));
        PR_TRY(lookup_sibling(node, "input_zero", PR_I8, lookup, user, &precision->input_zero));
    }
    const pr_tensor *weight = pr_node_param(model, node, 0);
    if (weight && weight->dtype == PR_I8)
        PR_TRY(
            lookup_sibling(node, "weight_scale", PR_F32, lookup, user, &precision->weight_scale));
    return PRUNE_OK;
}

/* names: of all nodes so far, with their indices; searching the list would take quadratic time. */
static prune_status read_node(prune_model *model, const json_t *object, json_t *names,
                              pr_param_lookup lookup, void *user)
{
    const char *name = "", *op_name = "";
    PR_TRY(read_name(&name, json_object_get(object, "name"), "node name"));
    PR_TRY(read_name(&op_name, json_object_get(object, "op"), "operator"));
    pr_op_kind op = pr_op_find(op_name);
    if (op == PR_OP_COUNT)
        return pr_fail(PRUNE_E_UNSUPPORTED,
                       "node '%s': unknown operator '%s'; was the file "
                       "written by a newer version?",
                       name, op_name);
    const json_t *list = json_object_get(object, "inputs");
    size_t n_inputs = json_array_size(list);
    int32_t inputs[PR_MAX_INPUTS], index;
    if (n_inputs > PR_MAX_INPUTS)
        return pr_fail(PRUNE_E_FORMAT, "node '%s' has more than %d inputs", name, PR_MAX_INPUTS);
    for (size_t i = 0; i < n_inputs; i++) {
        const char *input = "";
        PR_TRY(read_name(&input, json_array_get(list, i), "input"));
        const json_t *before = json_object_get(names, input);
        if (!before)
            return pr_fail(PRUNE_E_FORMAT, "node '%s' reads '%s', which does not come before it",
                           name, input);
        inputs[i] = (int32_t)json_integer_value(before);
    }
    pr_attrs attrs = pr_attrs_default();
    PR_TRY(fields_from_json(json_object_get(object, "attrs"), attr_fields, COUNT(attr_fields),
                            &attrs, name));
    PR_TRY(pr_model_add_node(model, &index, op, name, inputs, (int32_t)n_inputs, &attrs));
    if (json_object_set_new(names, name, json_integer(index)) != 0)
        return pr_fail_memory(sizeof(json_t));
    PR_TRY(bind_params(model, index, object, lookup, user));
    return read_precision(model, index, object, lookup, user);
}

static prune_status read_text(prune_context *ctx, char **out, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (!text) return PRUNE_OK;
    *out = pr_strdup(ctx, text);
    return *out ? PRUNE_OK : PRUNE_E_MEMORY;
}

static prune_status read_meta(prune_model *model, const json_t *root)
{
    const json_t *meta = json_object_get(root, "meta"), *origin = json_object_get(root, "origin");
    PR_TRY(fields_from_json(meta, meta_fields, COUNT(meta_fields), &model->meta, "meta"));
    pr_preprocess *rule = &model->meta.preprocess;
    PR_TRY(fields_from_json(json_object_get(meta, "preprocess"), preprocess_fields,
                            COUNT(preprocess_fields), rule, "meta.preprocess"));
    if (rule->width < 1 || rule->height < 1 || rule->multiple < 1 || rule->width > 16384 ||
        rule->height > 16384 || rule->multiple > 16384)
        return pr_fail(PRUNE_E_FORMAT, "meta.preprocess: width, height and multiple must be from "
                                       "1 to 16384");
    for (int c = 0; c < 3; c++)
        if (!(rule->std[c] > 0.0f))
            return pr_fail(PRUNE_E_FORMAT, "meta.preprocess: std must be positive");
    PR_TRY(read_text(model->ctx, &model->meta.architecture, meta, "architecture"));
    PR_TRY(read_text(model->ctx, &model->meta.variant, meta, "variant"));
    PR_TRY(read_text(model->ctx, &model->meta.license, meta, "license"));
    model->origin_macs = (uint64_t)json_integer_value(json_object_get(origin, "macs"));
    model->origin_params = (uint64_t)json_integer_value(json_object_get(origin, "params"));
    model->origin_bytes = (uint64_t)json_integer_value(json_object_get(origin, "bytes"));
    const json_t *history = json_object_get(root, "history");
    if (json_is_array(history)) {
        json_decref(model->history);
        model->history = json_deep_copy(history);
        if (!model->history) return pr_fail_memory(sizeof(json_t));
    }
    return PRUNE_OK;
}

prune_status pr_model_from_json(prune_model **out, prune_context *ctx, const json_t *json,
                                pr_param_lookup lookup, void *user)
{
    const json_t *nodes = json_object_get(json, "nodes");
    json_t *outputs = json_object_get(json, "outputs"), *names = NULL;
    prune_model *model = NULL;
    prune_status status = PRUNE_OK;
    if (json_integer_value(json_object_get(json, "version")) != 1)
        return pr_fail(PRUNE_E_UNSUPPORTED, "format version is not 1: this file needs another "
                                            "version of the library");
    if (!json_is_array(nodes) || json_array_size(nodes) > MAX_NODES)
        return pr_fail(PRUNE_E_FORMAT, "'nodes' must be a list of at most %d nodes", MAX_NODES);
    PR_TRY(pr_model_create(&model, ctx));
    PR_GO(read_meta(model, json));
    names = json_object();
    if (!names) PR_GO(pr_fail_memory(sizeof(json_t)));
    for (size_t i = 0; i < json_array_size(nodes); i++)
        PR_GO(read_node(model, json_array_get(nodes, i), names, lookup, user));
    const char *key;
    json_t *value;
    json_object_foreach(outputs, key, value)
    {
        int32_t node =
            json_is_string(value) ? pr_model_find_node(model, json_string_value(value)) : PR_NONE;
        if (node == PR_NONE) PR_GO(pr_fail(PRUNE_E_FORMAT, "output '%s' names no node", key));
        PR_GO(pr_model_add_output(model, key, node));
    }
    if (model->n_outputs < 1) PR_GO(pr_fail(PRUNE_E_FORMAT, "the model has no output"));
    json_decref(names);
    *out = model;
    return PRUNE_OK;
done:
    json_decref(names);
    pr_model_free(model);
    return status;
}
