/* Trimming in rounds, with somebody who remembers the rounds. */
#ifndef PIPELINES_TRIM_H
#define PIPELINES_TRIM_H

#include <prune/pipeline.h>
#include <prune/sys/json.h>

/* Any member may be NULL. A round's entry is an object: "round", "macs", "parameters", "bytes"
 * (fractions of the original), "score", "kept", "plan". */
typedef struct trim_keeper {
    void *user;
    /* A round that finished in an earlier run: *entry becomes its entry (the caller frees it) and,
     * when it was kept, candidate its model. *entry stays NULL when nothing is known of it. */
    prune_status (*recall)(void *user, int32_t round, json_t **entry, prune_model *candidate);
    /* A round has just finished; candidate may be replaced by an equal one. */
    prune_status (*keep)(void *user, int32_t round, const json_t *entry, prune_model *candidate);
    /* In place of prune_model_tune. */
    prune_status (*tune)(void *user, int32_t round, prune_model *candidate,
                         const prune_model *teacher, prune_samples *images,
                         const prune_tune_options *options);
    /* Before a round: how much of its MACs the model may keep so that goals that no count tells
     * (packed size, latency, energy) are met, at least 1 when they are. With it, rounds go on until
     * it says so, the floor is reached or nothing is left to cut. */
    prune_status (*ahead)(void *user, int32_t round, const prune_model *model, double *left);
} trim_keeper;

/* prune_model_trim with a keeper; the report is an object that the caller frees. */
prune_status run_trim(prune_context *context, prune_model *model, const prune_model *original,
                      prune_samples *images, prune_judge *judge, const prune_trim_options *trim,
                      const prune_cut_options *cut, const prune_tune_options *tune,
                      const trim_keeper *keeper, json_t **report);

#endif
