#include "libprune/models/models.h"
#include "libprune/passes/order.h"
#include "libprune/passes/shapes.h"

prune_status pr_models_finish(prune_model *model)
{
    /* The cost at the model's own size exists only when every shape fits. */
    uint64_t macs;
    int32_t moved;
    PR_TRY(pr_model_macs(model, 0, 0, &macs));
    PR_TRY(pr_order_resizes(model, &moved));
    return pr_model_set_origin(model);
}
