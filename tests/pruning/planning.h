/* A planner on a made-up model, opened and observed, for tests of its steps. */
#ifndef TESTS_PRUNING_PLANNING_H
#define TESTS_PRUNING_PLANNING_H

#include "libprune/passes/shapes.h"
#include "libprune/pruning/planner.h"
#include "tests/support/graphs.h"
#include "tests/support/pictures.h"
#include "tests/support/support.h"

typedef struct planning {
    prune_context *ctx;
    prune_model *model;
    pr_planner p;
    uint8_t *nothing; /* no node changed */
} planning;

/* Takes over the model. */
static inline planning planning_open(prune_model *model, double keep, int32_t saliency)
{
    planning t = {.ctx = model->ctx, .model = model};
    prune_cut_options_init(&t.p.options);
    t.p.options.keep = keep;
    t.p.options.saliency = saliency;
    t.p.options.images = 4;
    t.p.options.views = 2;
    t.p.options.positions = 60;
    t.p.options.judges = 2;
    t.p.samples = test_pictures(t.ctx, 5, 60, 40);
    ck_ok(pr_planner_open(&t.p, model));
    ck_ok(pr_planner_observe(&t.p));
    ck_ok(pr_planner_order(&t.p));
    ck_ok(pr_judge_create(&t.p));
    t.nothing = pr_calloc(t.ctx, (size_t)model->n_nodes, 1);
    return t;
}

static inline void planning_close(planning *t)
{
    prune_samples *samples = t->p.samples;
    pr_free(t->ctx, t->nothing);
    pr_planner_close(&t->p);
    prune_samples_free(samples);
    pr_model_free(t->model);
    prune_context_free(t->ctx);
}

/* Index of the space of this name. */
static inline int32_t planning_space(const planning *t, const char *name)
{
    for (int32_t i = 0; i < t->p.spaces.count; i++)
        if (strcmp(t->p.spaces.items[i].name, name) == 0) return i;
    ck_abort_msg("no space '%s'", name);
    return PR_NONE;
}

/* The second half of a layer's outputs become copies of the first half. */
static inline void planning_copy_half(prune_model *model, const char *node)
{
    const pr_node *n = &model->nodes[pr_model_find_node(model, node)];
    for (int32_t slot = 0; slot < 2; slot++) {
        const pr_tensor *tensor = pr_node_param(model, n, slot);
        const int64_t half = pr_tensor_count(tensor) / 2;
        memcpy(pr_f32(tensor) + half, pr_f32(tensor), (size_t)half * sizeof(float));
    }
}

#endif
