#include "libprune/passes/cut.h"

#include "libprune/ops/ops.h"
#include "libprune/passes/shapes.h"

static prune_status check_space(const pr_space *space, const bool *removed)
{
    const int32_t width = space->n_units / space->groups;
    int32_t first = -1;
    for (int32_t g = 0; g < space->groups; g++) {
        int32_t kept = 0;
        for (int32_t u = g * width; u < (g + 1) * width; u++) kept += !removed[u];
        if (kept < width && space->locked)
            return pr_fail(PRUNE_E_ARGUMENT, "channel space '%s' cannot be cut: %s", space->name,
                           space->locked);
        if (kept == 0)
            return pr_fail(PRUNE_E_ARGUMENT,
                           "channel space '%s' would lose all its units: keep "
                           "at least one",
                           space->name);
        if (first < 0) first = kept;
        if (kept != first)
            return pr_fail(PRUNE_E_ARGUMENT,
                           "channel space '%s' keeps %d units in one group and "
                           "%d in another: cut the same number from each",
                           space->name, first, kept);
    }
    return PRUNE_OK;
}

/* The surviving channels of every value; list stays NULL where all survive. */
static prune_status list_kept(const pr_spaces *s, const uint8_t *mask, int32_t *storage,
                              pr_kept *kept)
{
    for (int32_t v = 0; v < s->n_nodes; v++) {
        int32_t count = 0;
        for (int32_t c = 0; c < s->channels[v]; c++)
            if (!mask[s->slots[v] + c]) storage[count++] = c;
        kept[v] = (pr_kept){count < s->channels[v] ? storage : NULL, count};
        if (count == 0)
            return pr_fail(PRUNE_E_INTERNAL, "a cut would leave value %d without channels", v);
        storage += count;
    }
    return PRUNE_OK;
}

/* Two nodes may share a parameter (one norm read at four taps): cutting it once for each would cut
 * too much, so every later node gets its own copy first. */
static prune_status unshare_params(prune_model *model, int32_t node)
{
    for (int32_t slot = 0; slot < PR_MAX_PARAMS; slot++) {
        const int32_t param = model->nodes[node].params[slot];
        bool shared = false;
        for (int32_t v = 0; param != PR_NONE && v < node && !shared; v++)
            for (int32_t k = 0; k < PR_MAX_PARAMS; k++)
                shared = shared || model->nodes[v].params[k] == param;
        if (!shared) continue;
        const bool trainable = model->params[param].trainable;
        model->nodes[node].params[slot] = PR_NONE;
        PR_TRY(
            pr_model_add_param(model, node, slot, pr_tensor_share(&model->params[param].tensor)));
        model->params[model->nodes[node].params[slot]].trainable = trainable;
    }
    return PRUNE_OK;
}

static prune_status cut_nodes(prune_model *model, const pr_kept *kept)
{
    /* From the end, so that a node still sees the nodes before it that share its parameters. */
    for (int32_t v = model->n_nodes - 1; v >= 0; v--) {
        const pr_node *n = &model->nodes[v];
        const pr_op_info *info = pr_op_get(n->op);
        pr_kept in[PR_MAX_INPUTS];
        bool touched = kept[v].list != NULL;
        for (int32_t j = 0; j < n->n_inputs; j++) {
            in[j] = kept[n->inputs[j]];
            touched = touched || in[j].list;
        }
        if (!touched || !info->cut) continue;
        PR_TRY(unshare_params(model, v));
        pr_cut_call call = {.model = model, .node = v, .in = in, .out = kept[v]};
        PR_TRY(info->cut(&call));
    }
    return PRUNE_OK;
}

/* An operator whose cut and shape rule disagree must not get through. */
static prune_status check_result(const prune_model *model, const pr_kept *kept)
{
    pr_shape *shapes = NULL;
    prune_status status = PRUNE_OK;
    PR_TRY(pr_new(model->ctx, (void **)&shapes, (size_t)model->n_nodes, sizeof *shapes));
    int64_t height, width;
    pr_model_input_size(model, &height, &width);
    PR_GO(pr_shapes_infer(model, 1, height, width, shapes));
    for (int32_t v = 0; v < model->n_nodes && status == PRUNE_OK; v++)
        if (pr_shape_last(&shapes[v]) != kept[v].count)
            status =
                pr_fail(PRUNE_E_INTERNAL,
                        "node '%s' has %lld channels after the cut, "
                        "expected %d",
                        model->nodes[v].name, (long long)pr_shape_last(&shapes[v]), kept[v].count);
done:
    pr_free(model->ctx, shapes);
    return status;
}

prune_status pr_spaces_cut(prune_model *model, const pr_spaces *spaces, const bool *removed)
{
    prune_context *ctx = model->ctx;
    prune_model *copy = NULL;
    uint8_t *mask = NULL;
    int32_t *storage = NULL;
    pr_kept *kept = NULL;
    prune_status status = PRUNE_OK;
    const size_t n_slots = (size_t)spaces->slots[spaces->n_nodes];
    if (spaces->n_nodes != model->n_nodes)
        return pr_fail(PRUNE_E_ARGUMENT, "the channel spaces belong to another model");
    for (int32_t i = 0; i < spaces->count; i++)
        PR_TRY(check_space(&spaces->items[i], removed + spaces->items[i].first_unit));
    PR_GO(pr_new(ctx, (void **)&mask, n_slots, 1));
    PR_GO(pr_new(ctx, (void **)&storage, n_slots, sizeof *storage));
    PR_GO(pr_new(ctx, (void **)&kept, (size_t)model->n_nodes, sizeof *kept));
    pr_spaces_mask(spaces, removed, mask);
    PR_GO(list_kept(spaces, mask, storage, kept));
    PR_GO(pr_model_clone(&copy, model));
    PR_GO(cut_nodes(copy, kept));
    PR_GO(check_result(copy, kept));
    pr_model_replace(model, copy);
    copy = NULL;
done:
    pr_model_free(copy);
    pr_free(ctx, kept);
    pr_free(ctx, storage);
    pr_free(ctx, mask);
    return status;
}
