/* Inside of making a plan: what its steps share. */
#ifndef PR_PRUNING_PLANNER_H
#define PR_PRUNING_PLANNER_H

#include "libprune/passes/blocks.h"
#include "libprune/pruning/saliency.h"
#include "libprune/train/loss.h"

#include <prune/pruning.h>

/* Measures how far the output of the model being cut is from the teacher's. */
typedef struct pr_judge {
    int64_t batch;
    pr_shape shape;   /* of one output */
    float *inputs;    /* [batch, height, width, 3] */
    float *wanted;    /* the teacher's outputs [batch, out height, out width] */
    float *said;      /* the outputs of the model being cut, unless `partial` */
    pr_run *run;      /* on the model being cut */
    bool partial;     /* `run` holds all pictures and keeps its values for partial re-runs */
    uint8_t *changed; /* [n_nodes] whose values in `run` are not those of the present weights */
} pr_judge;

typedef struct pr_planner {
    prune_context *ctx;
    prune_cut_options options;
    prune_samples *samples;
    const prune_model *teacher;
    prune_model
        *work; /* the model's structure with float weights of its own, refitted as it goes */
    int32_t height, width; /* network input */
    uint64_t *pictures;    /* chosen samples */
    int32_t n_pictures;
    pr_spaces spaces;
    pr_blocks blocks;
    bool *eligible;   /* [spaces.count] of a kind that may be cut, and not locked */
    pr_order *orders; /* [spaces.count] */
    int32_t *taken;   /* [spaces.count] units gone from each group */
    bool *removed;    /* [spaces.n_units] */
    bool *gone;       /* [blocks.count] */
    uint8_t *mask;    /* slots of removed units */
    uint8_t *dead;    /* nodes that removed blocks leave without readers */
    uint8_t *zeroed;  /* slots of removed units that are cut by zeroing what makes them */
    pr_panels panels;
    double *energy, *taylor; /* per slot; see pr_evidence */
    pr_judge judge;
    double error_before, error; /* at the output, against the teacher */
    pr_cost cost_before, cost;
    bool reached; /* the goal */
} pr_planner;

/* Starts from options, samples and the model; everything else begins at zero. */
prune_status pr_planner_open(pr_planner *planner, const prune_model *model);
/* Frees what is there, also after a failure. */
void pr_planner_close(pr_planner *planner);
/* Is `name` one of the comma-separated words of `list`? */
bool pr_planner_lists(const char *list, const char *name);

/* Network input of picture `index`, plain or (random != NULL) augmented. */
prune_status pr_planner_render(pr_planner *planner, uint64_t index, pr_random *random,
                               float *input);
/* Chooses pictures and the input size. */
prune_status pr_planner_pictures(pr_planner *planner);

/* H, G, energies and first-order terms from pictures and augmented views. */
prune_status pr_planner_observe(pr_planner *planner);
/* A removal order for every eligible space. */
prune_status pr_planner_order(pr_planner *planner);

prune_status pr_judge_create(pr_planner *planner);
void pr_judge_free(pr_planner *planner);
/* Error with the present weights; changed[node] != 0 where weights differ from the last call's. */
prune_status pr_judge_error(pr_planner *planner, const uint8_t *changed, double *error);

/* Takes note that taken[space] units of each group are gone: removed, mask, zeroed. */
void pr_planner_take(pr_planner *planner, int32_t space, int32_t taken);
/* touched[node] = 1 for the nodes whose weights change when units of the space go. */
void pr_planner_touched(const pr_planner *planner, int32_t space, uint8_t *touched);
/* Brings the weights of the touched nodes in line with what is taken. */
prune_status pr_planner_refit(pr_planner *planner, const uint8_t *touched);
prune_status pr_planner_cost(const pr_planner *planner, pr_cost *cost);
/* The member that options.cost names. */
uint64_t pr_planner_price(const pr_planner *planner, const pr_cost *cost);

/* Decide what goes until the goal is reached; weights follow. */
prune_status pr_planner_allocate_uniform(pr_planner *planner);
prune_status pr_planner_allocate_by_error(pr_planner *planner);

#endif
