#include "libprune/passes/blocks.h"

#include <string.h>

/* reaches[v] = 1 where v depends on `from` (or is it). Nodes stand in topological order. */
static void mark_dependants(const prune_model *model, int32_t from, int32_t end, uint8_t *reaches)
{
    memset(reaches, 0, (size_t)model->n_nodes);
    reaches[from] = 1;
    for (int32_t v = from + 1; v < end; v++)
        for (int32_t j = 0; j < model->nodes[v].n_inputs; j++)
            reaches[v] |= reaches[model->nodes[v].inputs[j]];
}

prune_status pr_blocks_create(pr_blocks *out, const prune_model *model)
{
    pr_blocks blocks = {.ctx = model->ctx};
    uint8_t *reaches = NULL;
    size_t capacity = 0;
    prune_status status = PRUNE_OK;
    PR_GO(pr_new(model->ctx, (void **)&reaches, (size_t)model->n_nodes, 1));
    for (int32_t v = 0; v < model->n_nodes; v++) {
        const pr_node *n = &model->nodes[v];
        if (n->op != PR_OP_ADD || n->n_inputs != 2) continue;
        /* The stream is the earlier value; the branch must come from it. */
        const int32_t low = n->inputs[0] < n->inputs[1] ? n->inputs[0] : n->inputs[1];
        const int32_t high = n->inputs[0] < n->inputs[1] ? n->inputs[1] : n->inputs[0];
        if (low == high) continue;
        mark_dependants(model, low, v, reaches);
        if (!reaches[high]) continue;
        PR_GO(pr_grow(model->ctx, (void **)&blocks.items, &capacity, (size_t)blocks.count + 1,
                      sizeof *blocks.items));
        blocks.items[blocks.count++] = (pr_block){v, low, high};
    }
    *out = blocks;
done:
    pr_free(model->ctx, reaches);
    if (status != PRUNE_OK) pr_blocks_free(&blocks);
    return status;
}

void pr_blocks_free(pr_blocks *blocks)
{
    pr_free(blocks->ctx, blocks->items);
    memset(blocks, 0, sizeof *blocks);
}

prune_status pr_blocks_dead(const pr_blocks *blocks, const prune_model *model, const bool *removed,
                            uint8_t *dead)
{
    int32_t *instead = NULL; /* where a removed add's readers look; itself for all others */
    PR_TRY(pr_new(model->ctx, (void **)&instead, (size_t)model->n_nodes, sizeof *instead));
    for (int32_t v = 0; v < model->n_nodes; v++) instead[v] = v;
    for (int32_t i = 0; i < blocks->count; i++)
        if (removed[i]) instead[blocks->items[i].add] = instead[blocks->items[i].stream];
    memset(dead, 1, (size_t)model->n_nodes);
    for (int32_t i = 0; i < model->n_outputs; i++) dead[instead[model->outputs[i].node]] = 0;
    for (int32_t v = model->n_nodes - 1; v >= 0; v--)
        for (int32_t j = 0; !dead[v] && j < model->nodes[v].n_inputs; j++)
            dead[instead[model->nodes[v].inputs[j]]] = 0;
    pr_free(model->ctx, instead);
    return PRUNE_OK;
}

prune_status pr_blocks_remove(prune_model *model, const pr_blocks *blocks, const bool *removed)
{
    prune_model *copy = NULL;
    prune_status status = PRUNE_OK;
    PR_TRY(pr_model_clone(&copy, model));
    /* Latest first: readers of an add that is itself a stream are moved on by the earlier one. */
    for (int32_t i = blocks->count - 1; i >= 0; i--)
        if (removed[i]) pr_model_rewire(copy, blocks->items[i].add, blocks->items[i].stream);
    PR_GO(pr_model_drop_dead(copy));
    pr_model_replace(model, copy);
    return PRUNE_OK;
done:
    pr_model_free(copy);
    return status;
}
