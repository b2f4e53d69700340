/* Greedy allocation: the step with the least measured error per cost saved, again and again. Lazy:
 * a step is measured again only when it comes to the top after something next to it changed or
 * after a while. */
#include "libprune/pruning/planner.h"

#include <math.h>
#include <string.h>

/* Commits after which a measurement is no longer trusted. */
enum { STALE_AFTER = 8 };

/* The next step of one space, or the removal of one block. */
typedef struct candidate {
    int32_t space, block; /* one of them PR_NONE */
    int32_t first;        /* earliest node that it changes */
    bool alive, fresh;
    double delta;     /* error that it adds */
    double saved;     /* cost that it saves, from now */
    int32_t measured; /* commits when delta was measured */
} candidate;

typedef struct greedy {
    pr_planner *p;
    candidate *items;
    int32_t count, commits;
    uint8_t *touched; /* scratch, nodes */
    float **saved;    /* [n_params] weights to put back, NULL where untouched */
    double goal, price;
} greedy;

static bool has_weights(const prune_model *model, int32_t node)
{
    for (int32_t slot = 0; slot < PR_MAX_PARAMS; slot++)
        if (model->nodes[node].params[slot] != PR_NONE) return true;
    return false;
}

static void candidate_touched(const greedy *g, const candidate *c, uint8_t *touched)
{
    if (c->space != PR_NONE) {
        pr_planner_touched(g->p, c->space, touched);
        return;
    }
    memset(touched, 0, (size_t)g->p->work->n_nodes);
    touched[g->p->blocks.items[c->block].branch] = 1;
}

static int32_t step_of(const greedy *g, const candidate *c)
{
    const pr_planner *p = g->p;
    const pr_space *space = &p->spaces.items[c->space];
    int32_t step = p->options.granularity;
    if (step == 0 || space->kind == PR_SPACE_HEAD) step = space->granularity;
    const int32_t left = p->orders[c->space].limit - p->taken[c->space];
    return step < left ? step : left;
}

static prune_status save_weights(greedy *g, const uint8_t *touched)
{
    prune_model *work = g->p->work;
    for (int32_t v = 0; v < work->n_nodes; v++)
        for (int32_t slot = 0; touched[v] && slot < PR_MAX_PARAMS; slot++) {
            const int32_t param = work->nodes[v].params[slot];
            if (param == PR_NONE || g->saved[param]) continue;
            const pr_tensor *tensor = &work->params[param].tensor;
            PR_TRY(pr_new(g->p->ctx, (void **)&g->saved[param], pr_tensor_bytes(tensor), 1));
            memcpy(g->saved[param], tensor->data, pr_tensor_bytes(tensor));
        }
    return PRUNE_OK;
}

static void restore_weights(greedy *g, bool put_back)
{
    prune_model *work = g->p->work;
    for (int32_t i = 0; i < work->n_params; i++) {
        if (!g->saved[i]) continue;
        if (put_back)
            memcpy(work->params[i].tensor.data, g->saved[i],
                   pr_tensor_bytes(&work->params[i].tensor));
        pr_free(g->p->ctx, g->saved[i]);
        g->saved[i] = NULL;
    }
}

/* Brings weights and books to the state in which the candidate's step is done. */
static prune_status apply(greedy *g, const candidate *c)
{
    pr_planner *p = g->p;
    if (c->space != PR_NONE) {
        pr_planner_take(p, c->space, p->taken[c->space] + step_of(g, c));
        return pr_planner_refit(p, g->touched);
    }
    const pr_node *branch = &p->work->nodes[p->blocks.items[c->block].branch];
    p->gone[c->block] = true;
    for (int32_t slot = 0; slot < PR_MAX_PARAMS; slot++)
        if (branch->params[slot] != PR_NONE) {
            const pr_tensor *tensor = &p->work->params[branch->params[slot]].tensor;
            memset(tensor->data, 0, pr_tensor_bytes(tensor));
        }
    return PRUNE_OK;
}

static void undo(greedy *g, const candidate *c, int32_t taken)
{
    if (c->space != PR_NONE)
        pr_planner_take(g->p, c->space, taken);
    else
        g->p->gone[c->block] = false;
    restore_weights(g, true);
}

/* Cost that the step would save from here; kills steps that are impossible or save nothing. */
static prune_status estimate(greedy *g, candidate *c)
{
    pr_planner *p = g->p;
    pr_cost cost;
    c->saved = 0;
    if (c->space != PR_NONE && step_of(g, c) <= 0) c->alive = false;
    if (!c->alive) return PRUNE_OK;
    const int32_t taken = c->space != PR_NONE ? p->taken[c->space] : 0;
    if (c->space != PR_NONE)
        pr_planner_take(p, c->space, taken + step_of(g, c));
    else
        p->gone[c->block] = true;
    PR_TRY(pr_planner_cost(p, &cost));
    if (c->space != PR_NONE)
        pr_planner_take(p, c->space, taken);
    else
        p->gone[c->block] = false;
    c->saved = g->price - (double)pr_planner_price(p, &cost);
    if (c->saved <= 0) c->alive = false;
    return PRUNE_OK;
}

static prune_status measure(greedy *g, candidate *c)
{
    pr_planner *p = g->p;
    const int32_t taken = c->space != PR_NONE ? p->taken[c->space] : 0;
    double error = 0;
    prune_status status = PRUNE_OK;
    PR_TRY(pr_check_cancel(p->ctx));
    candidate_touched(g, c, g->touched);
    PR_GO(save_weights(g, g->touched));
    PR_GO(apply(g, c));
    PR_GO(pr_judge_error(p, g->touched, &error));
    c->delta = error - p->error;
    c->fresh = true;
    c->measured = g->commits;
done:
    undo(g, c, taken);
    return status;
}

/* Earlier nodes last: a later step re-runs less when what comes before it is still right. */
static prune_status measure_all(greedy *g)
{
    for (int32_t v = g->p->work->n_nodes - 1; v >= 0; v--)
        for (int32_t i = 0; i < g->count; i++) {
            if (g->items[i].first != v) continue;
            PR_TRY(estimate(g, &g->items[i]));
            if (g->items[i].alive) PR_TRY(measure(g, &g->items[i]));
        }
    return PRUNE_OK;
}

static double score(const candidate *c)
{
    return c->delta / c->saved;
}

static candidate *best(greedy *g)
{
    candidate *found = NULL;
    for (int32_t i = 0; i < g->count; i++) {
        candidate *c = &g->items[i];
        if (c->alive && (!found || score(c) < score(found))) found = c;
    }
    return found;
}

/* Of the steps that reach the goal the one that adds the least error: what it saves beyond the
 * goal is worth nothing. */
static candidate *best_last(greedy *g)
{
    candidate *found = NULL;
    for (int32_t i = 0; i < g->count; i++) {
        candidate *c = &g->items[i];
        if (c->alive && g->price - c->saved <= g->goal && (!found || c->delta < found->delta))
            found = c;
    }
    return found;
}

/* Steps on nodes next to the committed one: they read or make what it reads or makes. */
static void mark_neighbours(greedy *g, const candidate *committed)
{
    const pr_planner *p = g->p;
    for (int32_t i = 0; i < g->count; i++) {
        candidate *c = &g->items[i];
        bool near = c == committed || committed->space == PR_NONE || c->space == PR_NONE;
        if (near) {
            c->fresh = c->fresh && c->block != PR_NONE && c != committed;
            continue;
        }
        const pr_space *a = &p->spaces.items[committed->space], *b = &p->spaces.items[c->space];
        for (int32_t x = 0; x < a->n_consumers; x++)
            for (int32_t y = 0; y < b->n_producers; y++)
                near = near || a->consumers[x] == b->producers[y];
        for (int32_t x = 0; x < a->n_producers; x++)
            for (int32_t y = 0; y < b->n_consumers; y++)
                near = near || a->producers[x] == b->consumers[y];
        if (near) c->fresh = false;
    }
}

static prune_status commit(greedy *g, candidate *c)
{
    pr_planner *p = g->p;
    candidate_touched(g, c, g->touched);
    PR_TRY(apply(g, c));
    for (int32_t v = 0; v < p->work->n_nodes; v++) p->judge.changed[v] |= g->touched[v];
    p->error += c->delta;
    g->commits++;
    if (c->block != PR_NONE) c->alive = false;
    PR_TRY(pr_planner_cost(p, &p->cost));
    g->price = (double)pr_planner_price(p, &p->cost);
    mark_neighbours(g, c);
    for (int32_t i = 0; i < g->count; i++) PR_TRY(estimate(g, &g->items[i]));
    return PRUNE_OK;
}

static prune_status search(greedy *g)
{
    pr_planner *p = g->p;
    const double start = (double)pr_planner_price(p, &p->cost_before);
    while (g->price > g->goal) {
        candidate *c = best(g);
        if (!c) return PRUNE_OK;
        if (g->price - c->saved <= g->goal) c = best_last(g);
        if (!c->fresh || g->commits - c->measured > STALE_AFTER) {
            PR_TRY(measure(g, c));
            continue;
        }
        PR_TRY(commit(g, c));
        pr_progress(p->ctx, "allocate", (uint64_t)(1000 * (start - fmax(g->price, g->goal))),
                    (uint64_t)(1000 * (start - g->goal)));
    }
    p->reached = true;
    return PRUNE_OK;
}

static void list_candidates(greedy *g)
{
    const pr_planner *p = g->p;
    for (int32_t i = 0; i < p->spaces.count; i++)
        if (p->eligible[i])
            g->items[g->count++] = (candidate){.space = i, .block = PR_NONE, .alive = true};
    for (int32_t i = 0; p->options.blocks && i < p->blocks.count; i++)
        if (has_weights(p->work, p->blocks.items[i].branch))
            g->items[g->count++] = (candidate){.space = PR_NONE, .block = i, .alive = true};
    for (int32_t i = 0; i < g->count; i++) {
        candidate_touched(g, &g->items[i], g->touched);
        while (g->items[i].first < p->work->n_nodes - 1 && !g->touched[g->items[i].first])
            g->items[i].first++;
    }
}

prune_status pr_planner_allocate_by_error(pr_planner *p)
{
    greedy g = {.p = p};
    const size_t n = (size_t)p->work->n_nodes;
    prune_status status = PRUNE_OK;
    g.goal = p->options.keep * (double)pr_planner_price(p, &p->cost_before);
    g.price = (double)pr_planner_price(p, &p->cost_before);
    g.saved = pr_calloc(p->ctx, (size_t)p->work->n_params + 1, sizeof *g.saved);
    if (!g.saved) return PRUNE_E_MEMORY;
    PR_GO(pr_new(p->ctx, (void **)&g.touched, n, 1));
    PR_GO(pr_new(p->ctx, (void **)&g.items, (size_t)(p->spaces.count + p->blocks.count) + 1,
                 sizeof *g.items));
    list_candidates(&g);
    PR_GO(measure_all(&g));
    PR_GO(search(&g));
    memset(g.touched, 0, n);
    PR_GO(pr_judge_error(p, g.touched, &p->error));
done:
    restore_weights(&g, false);
    pr_free(p->ctx, g.saved);
    pr_free(p->ctx, g.touched);
    pr_free(p->ctx, g.items);
    return status;
}
