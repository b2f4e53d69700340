/* Parameters as other frameworks see them (prune/parameters.h). */
#include "libprune/passes/integer.h"

#include <math.h>
#include <prune/parameters.h>
#include <prune/sys/json.h>
#include <stdlib.h>
#include <string.h>

prune_status prune_model_graph(const prune_model *model, char **json)
{
    if (!model || !json) return pr_fail(PRUNE_E_ARGUMENT, "graph: model and json are needed");
    json_t *root = pr_model_to_json(model);
    char *text =
        root ? prune_json_text(root, JSON_COMPACT | JSON_REAL_PRECISION(17), prune_json_failures())
             : NULL;
    json_decref(root);
    if (!text) return pr_fail_memory(1);
    *json = text;
    return PRUNE_OK;
}

int32_t prune_model_parameters(const prune_model *model)
{
    return model ? model->n_params : 0;
}

prune_status prune_model_parameter_find(const prune_model *model, const char *name, int32_t *index)
{
    if (!model || !name || !index)
        return pr_fail(PRUNE_E_ARGUMENT, "parameter: model, name and index are needed");
    const int32_t found = pr_model_find_param(model, name);
    if (found == PR_NONE) return pr_fail(PRUNE_E_ARGUMENT, "the model has no parameter '%s'", name);
    *index = found;
    return PRUNE_OK;
}

static prune_status check_index(const prune_model *model, int32_t index)
{
    if (model && index >= 0 && index < model->n_params) return PRUNE_OK;
    return pr_fail(PRUNE_E_ARGUMENT, "parameter %d: the model has %d", index,
                   model ? model->n_params : 0);
}

/* The node and slot that a parameter serves. */
static void find_user(const prune_model *model, int32_t index, int32_t *node, int32_t *slot)
{
    *node = *slot = PR_NONE;
    for (int32_t i = 0; i < model->n_nodes; i++)
        for (int32_t s = 0; s < PR_MAX_PARAMS; s++)
            if (model->nodes[i].params[s] == index) {
                *node = i;
                *slot = s;
                return;
            }
}

prune_status prune_model_parameter_info(const prune_model *model, int32_t index,
                                        prune_parameter *parameter)
{
    prune_parameter full = {.struct_size = (uint32_t)sizeof full};
    int32_t slot;
    PR_TRY(check_index(model, index));
    if (!parameter || parameter->struct_size < sizeof full.struct_size)
        return pr_fail(PRUNE_E_ARGUMENT, "parameter: set struct_size first");
    const pr_param *param = &model->params[index];
    find_user(model, index, &full.node, &slot);
    full.name = param->name;
    full.operator_name = full.node == PR_NONE ? "" : pr_op_name(model->nodes[full.node].op);
    full.slot = full.node == PR_NONE ? "" : pr_op_slot(model->nodes[full.node].op, slot);
    full.rank = param->tensor.shape.rank;
    for (int32_t a = 0; a < full.rank; a++) full.shape[a] = param->tensor.shape.dim[a];
    full.count = (uint64_t)pr_tensor_count(&param->tensor);
    full.integers = param->tensor.dtype == PR_I8;
    const uint32_t size = parameter->struct_size;
    memcpy(parameter, &full, size < sizeof full ? size : sizeof full);
    parameter->struct_size = size;
    return PRUNE_OK;
}

static prune_status check_count(const pr_param *param, uint64_t count)
{
    const uint64_t held = (uint64_t)pr_tensor_count(&param->tensor);
    if (count == held) return PRUNE_OK;
    return pr_fail(PRUNE_E_SHAPE, "parameter '%s' has %llu values, not %llu", param->name,
                   (unsigned long long)held, (unsigned long long)count);
}

prune_status prune_model_parameter_read(const prune_model *model, int32_t index, float *values,
                                        uint64_t count)
{
    pr_tensor floats;
    int32_t node, slot;
    PR_TRY(check_index(model, index));
    const pr_param *param = &model->params[index];
    PR_TRY(check_count(param, count));
    if (param->tensor.dtype == PR_F32) {
        floats = pr_tensor_share(&param->tensor);
    } else if (param->tensor.dtype == PR_I8) {
        find_user(model, index, &node, &slot);
        PR_TRY(pr_integer_dequantize(&floats, model, node));
    } else {
        PR_TRY(pr_tensor_convert(&floats, model->ctx, &param->tensor, PR_F32));
    }
    if (count) memcpy(values, pr_f32(&floats), (size_t)count * sizeof *values);
    pr_tensor_release(&floats);
    return PRUNE_OK;
}

static prune_status write_one(prune_model *model, const prune_parameter_values *given)
{
    pr_tensor fresh;
    int32_t node, slot;
    PR_TRY(check_index(model, given->index));
    pr_param *param = &model->params[given->index];
    PR_TRY(check_count(param, given->count));
    for (uint64_t i = 0; i < given->count; i++)
        if (!isfinite(given->values[i]))
            return pr_fail(PRUNE_E_ARGUMENT, "parameter '%s': value %llu is not finite",
                           param->name, (unsigned long long)i);
    PR_TRY(pr_tensor_create(&fresh, model->ctx, PR_F32, &param->tensor.shape));
    if (given->count) memcpy(pr_f32(&fresh), given->values, (size_t)given->count * sizeof(float));
    if (param->tensor.dtype == PR_I8) {
        find_user(model, given->index, &node, &slot);
        pr_tensor_release(&model->nodes[node].precision.weight_scale);
    }
    pr_tensor_release(&param->tensor);
    param->tensor = fresh;
    return PRUNE_OK;
}

prune_status prune_model_parameters_write(prune_model *model,
                                          const prune_parameter_values *parameters, int32_t count)
{
    prune_model *changed = NULL;
    prune_status status;
    if (!model || !parameters || count < 0)
        return pr_fail(PRUNE_E_ARGUMENT, "parameters: model and values are needed");
    PR_TRY(pr_model_clone(&changed, model));
    for (int32_t i = 0; i < count; i++) PR_GO(write_one(changed, &parameters[i]));
    json_t *fields = json_pack("{s:i}", "parameters", count);
    PR_GO(fields ? pr_model_record(changed, "weights", fields) : pr_fail_memory(64));
    pr_model_replace(model, changed);
    return PRUNE_OK;
done:
    pr_model_free(changed);
    return status;
}
