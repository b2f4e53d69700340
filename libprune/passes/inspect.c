/* Everything `prune inspect` shows, as one JSON object. */
#include "libprune/passes/shapes.h"
#include "libprune/passes/spaces.h"

#include <prune/sys/json.h>
#include <stdlib.h>
#include <string.h>

static const char *precision_name(const prune_model *model, const pr_node *node)
{
    static const char *const inputs[] = {"none", "tensor", "channel", "token"};
    const pr_tensor *weight = pr_node_param(model, node, PR_SLOT_WEIGHT);
    if (node->precision.compute == PR_COMPUTE_I8) return inputs[node->precision.input];
    return weight ? pr_dtype_name(weight->dtype) : "";
}

static json_t *layer_to_json(const prune_model *model, const pr_shape *shapes, int32_t index)
{
    const pr_node *node = &model->nodes[index];
    char shape[96];
    uint64_t params = 0;
    for (int32_t s = 0; s < PR_MAX_PARAMS; s++)
        if (node->params[s] != PR_NONE)
            params += (uint64_t)pr_tensor_count(pr_node_param(model, node, s));
    const bool int8 = node->precision.compute == PR_COMPUTE_I8;
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s}", "name", node->name, "op",
                     pr_op_name(node->op), "shape",
                     pr_shape_text(&shapes[index], shape, sizeof shape), "parameters",
                     (json_int_t)params, "macs", (json_int_t)pr_node_macs(model, shapes, index),
                     "compute", pr_compute_name(node->precision.compute),
                     int8 ? "input" : "storage", precision_name(model, node));
}

static prune_status layers_to_json(const prune_model *model, const prune_model_info *info,
                                   json_t *root)
{
    pr_shape *shapes;
    PR_TRY(pr_new(model->ctx, (void **)&shapes, (size_t)model->n_nodes, sizeof *shapes));
    json_t *layers = json_array();
    prune_status status = pr_shapes_infer(model, 1, info->input_height, info->input_width, shapes);
    for (int32_t i = 0; status == PRUNE_OK && i < model->n_nodes; i++)
        prune_json_append(layers, layer_to_json(model, shapes, i));
    prune_json_set(root, "layers", layers);
    pr_free(model->ctx, shapes);
    return status;
}

static json_t *summary(const prune_model *model, const prune_model_info *info)
{
    static const char *const kinds[] = {"relative", "disparity", "metric"};
    const pr_meta *meta = &model->meta;
    json_t *root = json_pack(
        "{s:s?, s:s?, s:s?, s:[i,i], s:s, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:{s:I, s:I, s:I}}",
        "architecture", meta->architecture, "variant", meta->variant, "license", meta->license,
        "size", info->input_height, info->input_width, "output", kinds[meta->output_kind],
        "weighted_layers", info->layers, "int8_layers", info->int8_layers, "bf16_layers",
        info->bf16_layers, "int8_attentions", info->int8_attentions, "parameters",
        (json_int_t)info->parameters, "macs", (json_int_t)info->macs, "bytes",
        (json_int_t)info->bytes, "origin", "macs", (json_int_t)model->origin_macs, "parameters",
        (json_int_t)model->origin_params, "bytes", (json_int_t)model->origin_bytes);
    if (root && meta->output_kind == PR_OUTPUT_METRIC)
        prune_json_set(root, "max_depth", json_real((double)meta->max_depth));
    return root;
}

prune_status prune_model_inspect(const prune_model *model, int32_t height, int32_t width,
                                 char **json)
{
    prune_model_info info = {.struct_size = (uint32_t)sizeof info};
    pr_spaces spaces = {0};
    json_t *root = NULL;
    prune_status status = PRUNE_OK;
    uint64_t failures = prune_json_failures();
    if (!model || !json) return pr_fail(PRUNE_E_ARGUMENT, "inspect: model and json are needed");
    PR_TRY(prune_model_describe(model, height, width, &info));
    PR_TRY(pr_spaces_create(&spaces, model, info.input_height, info.input_width));
    root = summary(model, &info);
    if (!root) PR_GO(pr_fail_memory(sizeof(json_t)));
    PR_GO(layers_to_json(model, &info, root));
    prune_json_set(root, "spaces", pr_spaces_to_json(&spaces));
    prune_json_set(root, "history", json_incref(model->history));
    char *text = prune_json_text(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER, failures);
    if (!text) PR_GO(PRUNE_E_MEMORY);
    *json = text;
done:
    json_decref(root);
    pr_spaces_free(&spaces);
    return status;
}
