/* Cloning and editing models. */
#include "libprune/graph/graph.h"

#include <string.h>

static prune_status copy_text(prune_context *ctx, char **out, const char *text)
{
    *out = text ? pr_strdup(ctx, text) : NULL;
    return text && !*out ? PRUNE_E_MEMORY : PRUNE_OK;
}

static prune_status clone_nodes(prune_model *copy, const prune_model *model)
{
    for (int32_t i = 0; i < model->n_nodes; i++) {
        const pr_node *from = &model->nodes[i];
        int32_t index;
        PR_TRY(pr_model_add_node(copy, &index, from->op, from->name, from->inputs, from->n_inputs,
                                 &from->attrs));
        pr_node *node = &copy->nodes[index];
        memcpy(node->params, from->params, sizeof node->params);
        node->precision = from->precision;
        node->precision.input_scale = pr_tensor_share(&from->precision.input_scale);
        node->precision.input_zero = pr_tensor_share(&from->precision.input_zero);
        node->precision.weight_scale = pr_tensor_share(&from->precision.weight_scale);
    }
    return PRUNE_OK;
}

static prune_status clone_params(prune_model *copy, const prune_model *model)
{
    PR_TRY(pr_grow(copy->ctx, (void **)&copy->params, &copy->param_capacity,
                   (size_t)model->n_params, sizeof *copy->params));
    for (int32_t i = 0; i < model->n_params; i++) {
        pr_param *param = &copy->params[i];
        *param = (pr_param){.trainable = model->params[i].trainable, .half = model->params[i].half};
        PR_TRY(copy_text(copy->ctx, &param->name, model->params[i].name));
        param->tensor = pr_tensor_share(&model->params[i].tensor);
        copy->n_params++;
    }
    return PRUNE_OK;
}

static prune_status clone_to(prune_model **out, prune_context *ctx, const prune_model *model)
{
    prune_model *copy = NULL;
    PR_TRY(pr_model_create(&copy, ctx));
    prune_status status = PRUNE_OK;
    PR_GO(clone_nodes(copy, model));
    PR_GO(clone_params(copy, model));
    for (int32_t i = 0; i < model->n_outputs; i++)
        PR_GO(pr_model_add_output(copy, model->outputs[i].name, model->outputs[i].node));
    copy->meta = model->meta;
    copy->meta.architecture = copy->meta.variant = copy->meta.license = NULL;
    PR_GO(copy_text(copy->ctx, &copy->meta.architecture, model->meta.architecture));
    PR_GO(copy_text(copy->ctx, &copy->meta.variant, model->meta.variant));
    PR_GO(copy_text(copy->ctx, &copy->meta.license, model->meta.license));
    json_decref(copy->history);
    copy->history = json_deep_copy(model->history);
    if (!copy->history) PR_GO(pr_fail_memory(sizeof(json_t)));
    copy->origin_macs = model->origin_macs;
    copy->origin_params = model->origin_params;
    copy->origin_bytes = model->origin_bytes;
    *out = copy;
    return PRUNE_OK;
done:
    pr_model_free(copy);
    return status;
}

prune_status pr_model_clone(prune_model **out, const prune_model *model)
{
    return clone_to(out, model->ctx, model);
}

prune_status prune_model_clone_to(prune_model **out, prune_context *context,
                                  const prune_model *model)
{
    if (!out || !context || !model)
        return pr_fail(PRUNE_E_ARGUMENT, "model clone: out, context and model are needed");
    return clone_to(out, context, model);
}

prune_status prune_model_clone(prune_model **out, const prune_model *model)
{
    if (!out || !model) return pr_fail(PRUNE_E_ARGUMENT, "model clone: out and model are needed");
    return pr_model_clone(out, model);
}

prune_status prune_model_assign(prune_model *model, const prune_model *from)
{
    prune_model *copy;
    if (!model || !from)
        return pr_fail(PRUNE_E_ARGUMENT, "model assign: model and from are needed");
    PR_TRY(pr_model_clone(&copy, from));
    pr_model_replace(model, copy);
    return PRUNE_OK;
}

void pr_model_rewire(prune_model *model, int32_t node, int32_t instead)
{
    for (int32_t i = instead + 1; i < model->n_nodes; i++)
        for (int32_t j = 0; j < model->nodes[i].n_inputs; j++)
            if (model->nodes[i].inputs[j] == node) model->nodes[i].inputs[j] = instead;
    for (int32_t i = 0; i < model->n_outputs; i++)
        if (model->outputs[i].node == node) model->outputs[i].node = instead;
}

static void free_node(prune_context *ctx, pr_node *node)
{
    pr_free(ctx, node->name);
    pr_tensor_release(&node->precision.input_scale);
    pr_tensor_release(&node->precision.input_zero);
    pr_tensor_release(&node->precision.weight_scale);
}

static void compact_params(prune_model *model, int32_t *map)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < model->n_params; i++) map[i] = PR_NONE;
    for (int32_t i = 0; i < model->n_nodes; i++)
        for (int32_t s = 0; s < PR_MAX_PARAMS; s++)
            if (model->nodes[i].params[s] != PR_NONE) map[model->nodes[i].params[s]] = 0;
    for (int32_t i = 0; i < model->n_params; i++) {
        if (map[i] == PR_NONE) {
            pr_free(model->ctx, model->params[i].name);
            pr_tensor_release(&model->params[i].tensor);
            continue;
        }
        map[i] = kept;
        model->params[kept++] = model->params[i];
    }
    model->n_params = kept;
    for (int32_t i = 0; i < model->n_nodes; i++)
        for (int32_t s = 0; s < PR_MAX_PARAMS; s++)
            if (model->nodes[i].params[s] != PR_NONE)
                model->nodes[i].params[s] = map[model->nodes[i].params[s]];
}

prune_status pr_model_drop_dead(prune_model *model)
{
    int32_t *map = NULL;
    size_t most = (size_t)(model->n_nodes > model->n_params ? model->n_nodes : model->n_params);
    PR_TRY(pr_new(model->ctx, (void **)&map, most + 1, sizeof *map));
    for (int32_t i = 0; i < model->n_nodes; i++)
        map[i] = model->nodes[i].op == PR_OP_INPUT ? 0 : PR_NONE; /* inputs always stay */
    for (int32_t i = 0; i < model->n_outputs; i++) map[model->outputs[i].node] = 0;
    for (int32_t i = model->n_nodes - 1; i >= 0; i--)
        if (map[i] == 0)
            for (int32_t j = 0; j < model->nodes[i].n_inputs; j++)
                map[model->nodes[i].inputs[j]] = 0;
    int32_t kept = 0;
    for (int32_t i = 0; i < model->n_nodes; i++) {
        if (map[i] == PR_NONE) {
            free_node(model->ctx, &model->nodes[i]);
            continue;
        }
        map[i] = kept;
        pr_node *node = &model->nodes[kept++];
        *node = model->nodes[i];
        for (int32_t j = 0; j < node->n_inputs; j++) node->inputs[j] = map[node->inputs[j]];
    }
    model->n_nodes = kept;
    for (int32_t i = 0; i < model->n_outputs; i++)
        model->outputs[i].node = map[model->outputs[i].node];
    compact_params(model, map);
    pr_free(model->ctx, map);
    return PRUNE_OK;
}

prune_status pr_model_record(prune_model *model, const char *step, json_t *fields)
{
    json_t *entry = fields ? fields : json_object();
    bool named = entry && json_object_set_new(entry, "step", json_string(step)) == 0 &&
                 json_object_set_new(entry, "version", json_string(prune_version())) == 0;
    if (named && json_array_append_new(model->history, entry) == 0) return PRUNE_OK;
    if (!named) json_decref(entry); /* appending took it over in any case */
    return pr_fail_memory(sizeof(json_t));
}
