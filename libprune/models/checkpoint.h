/* A foreign checkpoint on its way to becoming a model. */
#ifndef PR_MODELS_CHECKPOINT_H
#define PR_MODELS_CHECKPOINT_H

#include "libprune/formats/table.h"
#include "libprune/models/builder.h"

/* What a family asked for and did not find, the first few by name. */
typedef struct pr_survey {
    size_t missing, misshaped;
    char missing_names[300], misshaped_names[300];
} pr_survey;

typedef struct pr_checkpoint {
    prune_context *ctx;
    const char *path;     /* file or folder, as the user named it */
    pr_table table;       /* prefixes of trainers stripped, sorted */
    bool *used;           /* per table item: some node took it */
    json_t *config;       /* config.json of a Hugging Face folder, else NULL */
    json_t *preprocessor; /* preprocessor_config.json, else NULL */
    bool gaps;            /* a fetch failed because a tensor is missing or has another shape */
    pr_survey *survey;    /* not NULL: fetching only notes gaps and gives empty tensors */
} pr_checkpoint;

void pr_checkpoint_free(pr_checkpoint *checkpoint);

/* Reads path into the checkpoint, with `prefix` in front of every name. */
prune_status pr_checkpoint_read(pr_checkpoint *checkpoint, const char *path, const char *prefix,
                                uint64_t max_bytes);
/* After tensors were added to the table by hand. */
prune_status pr_checkpoint_finish(pr_checkpoint *checkpoint);
/* Reads a JSON file (at most 1 MiB). */
prune_status pr_checkpoint_json(json_t **out, const char *path);

/* Looks for a tensor whose name is `probe` behind prefixes that trainers add ("module.", ...), and
 * strips that prefix from all names. False when there is none. */
bool pr_checkpoint_strip(pr_checkpoint *checkpoint, const char *probe);

/* NULL when there is none. */
const pr_tensor *pr_checkpoint_find(const pr_checkpoint *checkpoint, const char *key);
/* Size of an axis of a tensor that must be there. */
prune_status pr_checkpoint_axis(const pr_checkpoint *checkpoint, const char *key, int32_t rank,
                                int32_t axis, int32_t *out);

/* pr_weights.fetch for a checkpoint (user is the pr_checkpoint): F32 of this shape, or an error
 * that names the tensor and what was expected. */
prune_status pr_checkpoint_fetch(void *user, const char *key, const pr_shape *shape,
                                 pr_tensor *out);
/* The error that names what a survey found: at most three tensors of each kind. */
prune_status pr_checkpoint_refuse(const pr_checkpoint *checkpoint, const pr_survey *survey);
/* Marks tensors whose name begins with this as known but without effect on the result. */
void pr_checkpoint_dead(pr_checkpoint *checkpoint, const char *prefix);
/* Logs tensors that nobody took: what was skipped is never silent. */
void pr_checkpoint_report(const pr_checkpoint *checkpoint);

#endif
