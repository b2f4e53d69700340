#include "libprune/models/models.h"

prune_status pr_models_finish(prune_model *model)
{
    if (model->origin_params != 0) return PRUNE_OK;
    for (int32_t i = 0; i < model->n_params; i++) {
        const pr_tensor *tensor = &model->params[i].tensor;
        model->origin_params += (uint64_t)pr_tensor_count(tensor);
        model->origin_bytes += (uint64_t)pr_tensor_bytes(tensor);
    }
    return PRUNE_OK;
}
