#include "libprune/models/models.h"
#include "libprune/passes/shapes.h"

prune_status pr_models_finish(prune_model *model)
{
    /* The cost at the model's own size exists only when every shape fits. */
    uint64_t macs;
    PR_TRY(pr_model_macs(model, 0, 0, &macs));
    return pr_model_set_origin(model);
}
