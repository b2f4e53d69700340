/* Cutting: which heads, neurons, channels and blocks a model can do without, and their removal. */
#ifndef PRUNE_PRUNING_H
#define PRUNE_PRUNING_H

#include <prune/model.h>
#include <prune/samples.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { PRUNE_COST_MACS = 0, PRUNE_COST_PARAMS = 1, PRUNE_COST_BYTES = 2 };
enum {
    PRUNE_SALIENCY_RECONSTRUCTION = 0, /* what the consumers cannot reconstruct from the rest */
    PRUNE_SALIENCY_TAYLOR = 1,         /* first order: value times gradient */
    PRUNE_SALIENCY_MAGNITUDE = 2,      /* size of the weights that read a unit */
    PRUNE_SALIENCY_RANDOM = 3          /* a control */
};
enum {
    PRUNE_ALLOCATION_ERROR = 0,  /* measured error at the output per cost saved */
    PRUNE_ALLOCATION_UNIFORM = 1 /* the same share of every layer */
};

/* Table: prune_cut_option_table(). */
typedef struct prune_cut_options {
    uint32_t struct_size;
    int32_t cost;        /* PRUNE_COST_... that `keep` is about */
    double keep;         /* fraction of the model's present cost that stays; 1: see the next two */
    int32_t heads;       /* remove this many heads from every attention, whatever the cost */
    double neurons;      /* remove this share of every MLP's neurons, whatever the cost */
    int32_t saliency;    /* PRUNE_SALIENCY_... */
    int32_t allocation;  /* PRUNE_ALLOCATION_... */
    bool compensate;     /* refit the weights that read what was cut, in closed form */
    bool blocks;         /* whole residual branches may go */
    const char *kinds;   /* "head,qk,neuron,channel,residual": what may be cut */
    int32_t granularity; /* units that go at a time; 0: 2, or a thirty-second of a wide layer */
    int32_t images;      /* pictures to measure on, at most */
    int32_t views;       /* augmented views besides them */
    int32_t positions;   /* rows of each layer taken from each view */
    int32_t judges;      /* pictures on which the output's error is measured */
    double ridge;        /* of the refit, in units of the mean input energy */
    int32_t height, width; /* network input to measure at; 0: the model's rule for picture 1 */
    uint64_t seed;
    /* Not in the table: the network whose output is to be kept; NULL: the model itself. */
    const prune_model *teacher;
} prune_cut_options;
const prune_option_table *prune_cut_option_table(void);
void prune_cut_options_init(prune_cut_options *options);

/* What to cut, and the refitted weights. Belongs to the model that it was made for. */
typedef struct prune_plan prune_plan;

/* Looks at the model on pictures (no labels needed) and decides what goes. The model is not
 * changed. Errors: PRUNE_E_ARGUMENT (names the option), PRUNE_E_CANCELLED. When the goal cannot be
 * reached the plan goes as far as it can, and the log and the JSON say so. */
prune_status prune_plan_create(prune_plan **out, const prune_model *model, prune_samples *samples,
                               const prune_cut_options *options);
void prune_plan_free(prune_plan *plan); /* accepts NULL */

/* What the plan does: cost before and after, error at the output, and per space the units that
 * stay. Free the text with prune_text_free. */
prune_status prune_plan_json(const prune_plan *plan, char **json);

/* Carries out the plan and records it in the model's history. Refuses a model other than the one
 * that the plan was made for; the model is unchanged when this fails. */
prune_status prune_model_cut(prune_model *model, const prune_plan *plan);

#ifdef __cplusplus
}
#endif
#endif
