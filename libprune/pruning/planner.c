/* Bookkeeping of a plan in the making: what is gone, and the weights that follow from it. */
#include "libprune/pruning/planner.h"

#include "libprune/ops/ops.h"

#include <string.h>

/* --- opening and closing ---------------------------------------------------------------------- */

/* Is `name` one of the comma-separated words of `list`? */
bool pr_planner_lists(const char *list, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == 0)) return true;
    return false;
}

static prune_status choose_spaces(pr_planner *p)
{
    int32_t count = 0;
    for (int32_t i = 0; i < p->spaces.count; i++) {
        const pr_space *space = &p->spaces.items[i];
        p->eligible[i] =
            !space->locked && pr_planner_lists(p->options.kinds, pr_space_kind_name(space->kind));
        count += p->eligible[i];
        if (p->eligible[i] && space->kind == PR_SPACE_HEAD && p->options.heads >= space->n_units)
            return pr_fail(PRUNE_E_ARGUMENT, "heads: '%s' has only %d, at least one must stay",
                           space->name, space->n_units);
    }
    if (count == 0 && !p->options.blocks)
        return pr_fail(PRUNE_E_ARGUMENT, "kinds: the model has nothing of '%s' to cut",
                       p->options.kinds);
    return PRUNE_OK;
}

/* Float weights that nobody else sees, in place of whatever the model stores. */
static prune_status own_floats(prune_model *work)
{
    for (int32_t i = 0; i < work->n_params; i++) {
        pr_tensor *tensor = &work->params[i].tensor;
        if (tensor->dtype == PR_I8)
            return pr_fail(PRUNE_E_UNSUPPORTED,
                           "parameter '%s' is stored as integers: cut before packing to INT8",
                           work->params[i].name);
        if (tensor->dtype != PR_F32) {
            pr_tensor floats;
            PR_TRY(pr_tensor_convert(&floats, work->ctx, tensor, PR_F32));
            pr_tensor_release(tensor);
            *tensor = floats;
        }
        PR_TRY(pr_tensor_own(tensor, work->ctx));
    }
    return PRUNE_OK;
}

prune_status pr_planner_open(pr_planner *p, const prune_model *model)
{
    prune_context *ctx = model->ctx;
    p->ctx = ctx;
    p->teacher = p->options.teacher ? p->options.teacher : model;
    PR_TRY(pr_model_clone(&p->work, model));
    PR_TRY(own_floats(p->work));
    PR_TRY(pr_planner_pictures(p));
    PR_TRY(pr_spaces_create(&p->spaces, p->work, p->height, p->width));
    PR_TRY(pr_blocks_create(&p->blocks, p->work));
    const size_t n = (size_t)p->spaces.count + 1, nodes = (size_t)p->work->n_nodes;
    const size_t slots = (size_t)p->spaces.slots[nodes];
    p->eligible = pr_calloc(ctx, n, sizeof *p->eligible);
    p->orders = pr_calloc(ctx, n, sizeof *p->orders);
    p->taken = pr_calloc(ctx, n, sizeof *p->taken);
    p->removed = pr_calloc(ctx, (size_t)p->spaces.n_units + 1, sizeof *p->removed);
    p->gone = pr_calloc(ctx, (size_t)p->blocks.count + 1, sizeof *p->gone);
    p->mask = pr_calloc(ctx, slots, 1);
    p->zeroed = pr_calloc(ctx, slots, 1);
    p->dead = pr_calloc(ctx, nodes, 1);
    if (!p->eligible || !p->orders || !p->taken || !p->removed || !p->gone || !p->mask ||
        !p->zeroed || !p->dead)
        return PRUNE_E_MEMORY;
    PR_TRY(choose_spaces(p));
    PR_TRY(pr_planner_cost(p, &p->cost_before));
    p->cost = p->cost_before;
    return PRUNE_OK;
}

void pr_planner_close(pr_planner *p)
{
    pr_judge_free(p);
    for (int32_t i = 0; p->orders && i < p->spaces.count; i++) pr_free(p->ctx, p->orders[i].order);
    pr_panels_free(&p->panels);
    pr_free(p->ctx, p->pictures);
    pr_free(p->ctx, p->eligible);
    pr_free(p->ctx, p->orders);
    pr_free(p->ctx, p->taken);
    pr_free(p->ctx, p->removed);
    pr_free(p->ctx, p->gone);
    pr_free(p->ctx, p->mask);
    pr_free(p->ctx, p->zeroed);
    pr_free(p->ctx, p->dead);
    pr_free(p->ctx, p->energy);
    pr_free(p->ctx, p->taylor);
    if (p->spaces.ctx) pr_spaces_free(&p->spaces);
    if (p->blocks.ctx) pr_blocks_free(&p->blocks);
    pr_model_free(p->work);
}

/* --- books ------------------------------------------------------------------------------------ */

/* Units of these kinds are cut by zeroing what makes them: nothing linear reads q and k, and a
 * residual stream's layer norms must see the zeros. */
static bool cut_at_source(const pr_space *space)
{
    return space->kind == PR_SPACE_QK || space->kind == PR_SPACE_RESIDUAL;
}

void pr_planner_take(pr_planner *p, int32_t index, int32_t taken)
{
    const pr_space *space = &p->spaces.items[index];
    const int32_t width = space->n_units / space->groups;
    bool *removed = p->removed + space->first_unit;
    memset(removed, 0, (size_t)space->n_units * sizeof *removed);
    for (int32_t g = 0; g < space->groups; g++)
        for (int32_t t = 0; t < taken; t++) removed[p->orders[index].order[g * width + t]] = true;
    p->taken[index] = taken;
    pr_spaces_mask(&p->spaces, p->removed, p->mask);
    memset(p->zeroed, 0, (size_t)p->spaces.slots[p->spaces.n_nodes]);
    for (int32_t i = 0; i < p->spaces.count; i++) {
        const pr_space *s = &p->spaces.items[i];
        for (int32_t u = 0; cut_at_source(s) && u < s->n_units; u++)
            for (int32_t r = s->run_begin[u];
                 p->removed[s->first_unit + u] && r < s->run_begin[u + 1]; r++)
                memset(p->zeroed + p->spaces.slots[s->runs[r].value] + s->runs[r].first, 1,
                       (size_t)s->runs[r].count);
    }
}

void pr_planner_touched(const pr_planner *p, int32_t index, uint8_t *touched)
{
    const pr_space *space = &p->spaces.items[index];
    memset(touched, 0, (size_t)p->work->n_nodes);
    for (int32_t i = 0; i < space->n_consumers; i++) touched[space->consumers[i]] = 1;
    for (int32_t r = 0; cut_at_source(space) && r < space->run_begin[1]; r++)
        touched[space->runs[r].value] = 1;
}

/* Zeroes the channels with mask[c] != 0 of a parameter in which `inner` entries follow each
 * channel and `outer` such blocks stand one after the other. */
static void zero_channels(const pr_tensor *tensor, int64_t outer, int64_t channels,
                          const uint8_t *mask)
{
    const int64_t inner = pr_tensor_count(tensor) / outer / channels;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t c = 0; c < channels; c++)
            if (mask[c])
                memset(pr_f32(tensor) + (o * channels + c) * inner, 0,
                       (size_t)inner * sizeof(float));
}

static void zero_made_channels(pr_planner *p, int32_t index)
{
    const pr_node *node = &p->work->nodes[index];
    const uint8_t *mask = p->zeroed + p->spaces.slots[index];
    const int64_t channels = p->spaces.channels[index];
    for (int32_t slot = 0; slot < PR_MAX_PARAMS; slot++) {
        const pr_tensor *tensor = pr_node_param(p->work, node, slot);
        if (!tensor) continue;
        int64_t outer = 1;
        if (node->op == PR_OP_TOKEN_EMBED)
            outer = tensor->shape.dim[0]; /* [rows, channels] */
        else if (node->op == PR_OP_CONV_TRANSPOSE && slot == PR_SLOT_WEIGHT)
            outer = tensor->shape.dim[0] * tensor->shape.dim[1]; /* [kh, kw, channels, inputs] */
        zero_channels(tensor, outer, channels, mask);
    }
}

prune_status pr_planner_refit(pr_planner *p, const uint8_t *touched)
{
    for (int32_t v = 0; v < p->work->n_nodes; v++) {
        if (!touched[v]) continue;
        const pr_node *node = &p->work->nodes[v];
        if (node->n_inputs > 0)
            PR_TRY(pr_panels_refit(&p->panels, p->work, v,
                                   p->mask + p->spaces.slots[node->inputs[0]],
                                   p->options.compensate));
        zero_made_channels(p, v);
    }
    return PRUNE_OK;
}

prune_status pr_planner_cost(const pr_planner *p, pr_cost *cost)
{
    PR_TRY(pr_blocks_dead(&p->blocks, p->work, p->gone, p->dead));
    pr_spaces_cost(&p->spaces, p->work, p->mask, p->dead, cost);
    return PRUNE_OK;
}

uint64_t pr_planner_price(const pr_planner *p, const pr_cost *cost)
{
    if (p->options.cost == PRUNE_COST_PARAMS) return cost->params;
    return p->options.cost == PRUNE_COST_BYTES ? cost->bytes : cost->macs;
}

/* The same share of every eligible space, the smallest share (in steps of 1/256) that is enough.
 * The counts of heads and neurons that were asked for hold on top of it. */
static prune_status take_share(pr_planner *p, int32_t share)
{
    for (int32_t i = 0; i < p->spaces.count; i++) {
        const pr_space *space = &p->spaces.items[i];
        const int32_t width = space->n_units / space->groups;
        if (!p->eligible[i]) continue;
        int32_t taken = width * share / 256;
        if (space->kind == PR_SPACE_HEAD && p->options.heads > taken) taken = p->options.heads;
        if (space->kind == PR_SPACE_NEURON && (int32_t)(p->options.neurons * width) > taken)
            taken = (int32_t)(p->options.neurons * width);
        if (taken > p->orders[i].limit) taken = p->orders[i].limit;
        pr_planner_take(p, i, taken);
    }
    return pr_planner_cost(p, &p->cost);
}

prune_status pr_planner_allocate_uniform(pr_planner *p)
{
    const double goal = p->options.keep * (double)pr_planner_price(p, &p->cost_before);
    uint8_t *touched = NULL;
    prune_status status = PRUNE_OK;
    int32_t share = 0;
    PR_GO(pr_new(p->ctx, (void **)&touched, (size_t)p->work->n_nodes, 1));
    PR_GO(take_share(p, 0));
    while ((double)pr_planner_price(p, &p->cost) > goal && share < 255)
        PR_GO(take_share(p, ++share));
    p->reached = (double)pr_planner_price(p, &p->cost) <= goal;
    memset(touched, 1, (size_t)p->work->n_nodes);
    PR_GO(pr_planner_refit(p, touched));
    PR_GO(pr_judge_error(p, touched, &p->error));
done:
    pr_free(p->ctx, touched);
    return status;
}
