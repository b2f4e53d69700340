/* The table of options of a cut. */
#include "libprune/base/options.h"

#include <prune/pruning.h>

#define FIELD(member) offsetof(prune_cut_options, member)
static const prune_option options_of_cut[] = {
    {"cost", PRUNE_OPTION_CHOICE, FIELD(cost), "macs", 0, 0, "macs|params|bytes",
     "what --keep counts"},
    {"keep", PRUNE_OPTION_FLOAT, FIELD(keep), "0.9", 0.01, 1, NULL,
     "fraction of the model's present cost that stays"},
    {"heads", PRUNE_OPTION_INT, FIELD(heads), "0", 0, 255, NULL,
     "heads to remove from every attention, with --keep 1 or --allocation uniform"},
    {"neurons", PRUNE_OPTION_FLOAT, FIELD(neurons), "0", 0, 0.95, NULL,
     "share of every MLP's neurons to remove, with --keep 1 or --allocation uniform"},
    {"saliency", PRUNE_OPTION_CHOICE, FIELD(saliency), "reconstruction", 0, 0,
     "reconstruction|taylor|magnitude|random", "which units of a layer go first"},
    {"allocation", PRUNE_OPTION_CHOICE, FIELD(allocation), "error", 0, 0, "error|uniform",
     "which layers give way: by measured error per cost saved, or all alike"},
    {"compensate", PRUNE_OPTION_BOOL, FIELD(compensate), "true", 0, 0, NULL,
     "refit the weights that read what was cut, in closed form"},
    {"blocks", PRUNE_OPTION_BOOL, FIELD(blocks), "false", 0, 0, NULL,
     "whole residual branches may go"},
    {"kinds", PRUNE_OPTION_TEXT, FIELD(kinds), "head,qk,neuron,channel", 0, 0, NULL,
     "what may be cut: head, qk, neuron, channel, residual, joined by commas"},
    {"granularity", PRUNE_OPTION_INT, FIELD(granularity), "0", 0, 1024, NULL,
     "units that go at a time; 0: 2, or a thirty-second of a wide layer"},
    {"score-images", PRUNE_OPTION_INT, FIELD(images), "64", 1, 100000, NULL,
     "pictures to look at, at most"},
    {"views", PRUNE_OPTION_INT, FIELD(views), "20", 0, 100000, NULL,
     "augmented views besides the pictures"},
    {"positions", PRUNE_OPTION_INT, FIELD(positions), "400", 16, 100000, NULL,
     "rows of each layer's input taken from each view"},
    {"judges", PRUNE_OPTION_INT, FIELD(judges), "9", 1, 1000, NULL,
     "pictures on which the error at the output is measured"},
    {"ridge", PRUNE_OPTION_FLOAT, FIELD(ridge), "0.001", 1e-8, 10, NULL,
     "regularisation of the refit, in units of the mean input energy"},
    {"height", PRUNE_OPTION_INT, FIELD(height), "0", 0, 16384, NULL,
     "network input height while planning; 0: the model's rule"},
    {"width", PRUNE_OPTION_INT, FIELD(width), "0", 0, 16384, NULL,
     "network input width while planning; 0: the model's rule"},
    {"seed", PRUNE_OPTION_UINT64, FIELD(seed), "1", 0, 1.8446744073709552e19, NULL,
     "of sampled positions, views and probes"},
};
#undef FIELD

const prune_option_table *prune_cut_option_table(void)
{
    static const prune_option_table table = {"cut", sizeof(prune_cut_options), options_of_cut,
                                             sizeof options_of_cut / sizeof *options_of_cut};
    return &table;
}

void prune_cut_options_init(prune_cut_options *options)
{
    prune_options_init(prune_cut_option_table(), options);
    options->teacher = NULL;
}
