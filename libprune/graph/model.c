/* Building, looking at and freeing models. */
#include "libprune/graph/graph.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *slots[PR_MAX_PARAMS];
} kinds[PR_OP_COUNT] = {
#define PR_OP(symbol, name, slot0, slot1) {name, {slot0, slot1}},
#include "libprune/graph/op_kinds.def"
#undef PR_OP
};

const char *pr_op_name(pr_op_kind op)
{
    return (unsigned)op < PR_OP_COUNT ? kinds[op].name : "?";
}

const char *pr_op_slot(pr_op_kind op, int32_t slot)
{
    if ((unsigned)op >= PR_OP_COUNT || slot < 0 || slot >= PR_MAX_PARAMS) return NULL;
    return kinds[op].slots[slot];
}

pr_op_kind pr_op_find(const char *name)
{
    for (int op = 0; op < PR_OP_COUNT; op++)
        if (strcmp(kinds[op].name, name) == 0) return (pr_op_kind)op;
    return PR_OP_COUNT;
}

pr_attrs pr_attrs_default(void)
{
    return (pr_attrs){.stride = {1, 1},
                      .groups = 1,
                      .factor = 1,
                      .heads = 1,
                      .scale = 1.0f,
                      .epsilon = 1e-6f,
                      .alpha = 1.0f};
}

prune_status pr_model_create(prune_model **out, prune_context *ctx)
{
    prune_model *model = pr_calloc(ctx, 1, sizeof *model);
    if (!model) return PRUNE_E_MEMORY;
    model->ctx = ctx;
    model->history = json_array();
    model->meta.disparity_scale = 1.0f;
    for (int c = 0; c < 3; c++) model->meta.preprocess.std[c] = 1.0f;
    if (!model->history) {
        pr_free(ctx, model);
        return pr_fail_memory(sizeof(json_t));
    }
    *out = model;
    return PRUNE_OK;
}

static void release_precision(pr_precision *precision)
{
    pr_tensor_release(&precision->input_scale);
    pr_tensor_release(&precision->input_zero);
    pr_tensor_release(&precision->weight_scale);
}

void pr_model_free(prune_model *model)
{
    if (!model) return;
    prune_context *ctx = model->ctx;
    for (int32_t i = 0; i < model->n_nodes; i++) {
        pr_free(ctx, model->nodes[i].name);
        release_precision(&model->nodes[i].precision);
    }
    for (int32_t i = 0; i < model->n_params; i++) {
        pr_free(ctx, model->params[i].name);
        pr_tensor_release(&model->params[i].tensor);
    }
    for (int32_t i = 0; i < model->n_outputs; i++) pr_free(ctx, model->outputs[i].name);
    pr_free(ctx, model->nodes);
    pr_free(ctx, model->params);
    pr_free(ctx, model->outputs);
    pr_free(ctx, model->meta.architecture);
    pr_free(ctx, model->meta.variant);
    pr_free(ctx, model->meta.license);
    json_decref(model->history);
    pr_free(ctx, model);
}

void prune_model_free(prune_model *model)
{
    pr_model_free(model);
}

void pr_model_replace(prune_model *model, prune_model *from)
{
    prune_model old = *model;
    *model = *from;
    *from = old;
    pr_model_free(from);
}

prune_status pr_model_add_node(prune_model *model, int32_t *index, pr_op_kind op, const char *name,
                               const int32_t *inputs, int32_t n_inputs, const pr_attrs *attrs)
{
    if (n_inputs < 0 || n_inputs > PR_MAX_INPUTS)
        return pr_fail(PRUNE_E_UNSUPPORTED, "node '%s' has %d inputs, at most %d are supported",
                       name, n_inputs, PR_MAX_INPUTS);
    if (pr_model_find_node(model, name) != PR_NONE)
        return pr_fail(PRUNE_E_FORMAT, "two nodes are named '%s': names must be unique", name);
    for (int32_t i = 0; i < n_inputs; i++)
        if (inputs[i] < 0 || inputs[i] >= model->n_nodes)
            return pr_fail(PRUNE_E_FORMAT, "node '%s': input %d does not come before it", name, i);
    PR_TRY(pr_grow(model->ctx, (void **)&model->nodes, &model->node_capacity,
                   (size_t)model->n_nodes + 1, sizeof *model->nodes));
    char *copy = pr_strdup(model->ctx, name);
    if (!copy) return PRUNE_E_MEMORY;
    pr_node *node = &model->nodes[model->n_nodes];
    *node = (pr_node){.op = op, .name = copy, .n_inputs = n_inputs, .attrs = *attrs};
    for (int32_t i = 0; i < n_inputs; i++) node->inputs[i] = inputs[i];
    for (int32_t i = 0; i < PR_MAX_PARAMS; i++) node->params[i] = PR_NONE;
    *index = model->n_nodes++;
    return PRUNE_OK;
}

prune_status pr_model_add_param(prune_model *model, int32_t node, int32_t slot, pr_tensor tensor)
{
    const char *slot_name = pr_op_slot(model->nodes[node].op, slot);
    prune_status status = PRUNE_OK;
    char *name = NULL;
    if (!slot_name)
        PR_GO(pr_fail(PRUNE_E_INTERNAL, "operator '%s' has no parameter %d",
                      pr_op_name(model->nodes[node].op), slot));
    PR_GO(pr_grow(model->ctx, (void **)&model->params, &model->param_capacity,
                  (size_t)model->n_params + 1, sizeof *model->params));
    size_t length = strlen(model->nodes[node].name) + strlen(slot_name) + 2;
    name = pr_alloc(model->ctx, length);
    if (!name) PR_GO(PRUNE_E_MEMORY);
    (void)snprintf(name, length, "%s.%s", model->nodes[node].name, slot_name);
    model->params[model->n_params] = (pr_param){.name = name, .tensor = tensor, .trainable = true};
    model->nodes[node].params[slot] = model->n_params++;
    return PRUNE_OK;
done:
    pr_tensor_release(&tensor);
    return status;
}

prune_status pr_model_add_output(prune_model *model, const char *name, int32_t node)
{
    pr_output *grown = NULL;
    PR_TRY(pr_new(model->ctx, (void **)&grown, (size_t)model->n_outputs + 1, sizeof *grown));
    char *copy = pr_strdup(model->ctx, name);
    if (!copy) {
        pr_free(model->ctx, grown);
        return PRUNE_E_MEMORY;
    }
    if (model->n_outputs > 0)
        memcpy(grown, model->outputs, (size_t)model->n_outputs * sizeof *grown);
    grown[model->n_outputs++] = (pr_output){.name = copy, .node = node};
    pr_free(model->ctx, model->outputs);
    model->outputs = grown;
    return PRUNE_OK;
}

int32_t pr_model_find_node(const prune_model *model, const char *name)
{
    for (int32_t i = 0; i < model->n_nodes; i++)
        if (strcmp(model->nodes[i].name, name) == 0) return i;
    return PR_NONE;
}

int32_t pr_model_find_param(const prune_model *model, const char *name)
{
    for (int32_t i = 0; i < model->n_params; i++)
        if (strcmp(model->params[i].name, name) == 0) return i;
    return PR_NONE;
}

const pr_tensor *pr_node_param(const prune_model *model, const pr_node *node, int32_t slot)
{
    return node->params[slot] == PR_NONE ? NULL : &model->params[node->params[slot]].tensor;
}

int32_t pr_model_consumers(const prune_model *model, int32_t node, int32_t *out, int32_t limit)
{
    int32_t count = 0;
    for (int32_t i = node + 1; i < model->n_nodes; i++)
        for (int32_t j = 0; j < model->nodes[i].n_inputs; j++)
            if (model->nodes[i].inputs[j] == node) {
                if (count < limit) out[count] = i;
                count++;
                break;
            }
    return count;
}
