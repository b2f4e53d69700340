/* Every network family there is, one row each. To add one: its file and its row in families.c. */
#ifndef PR_MODELS_FAMILIES_H
#define PR_MODELS_FAMILIES_H

#include "libprune/models/checkpoint.h"

typedef struct pr_family {
    const char *name;
    const char *probes[3];   /* a tensor that only this family has; NULL-terminated */
    const char *files[3];    /* of a folder; NULL: a single file (or Hugging Face folder) */
    const char *prefixes[3]; /* in front of the names from each of these files */
    prune_status (*build)(prune_model **out, pr_checkpoint *checkpoint, const char *probe,
                          const prune_load_options *options);
} pr_family;

extern const pr_family pr_families[];
extern const size_t pr_families_count;

prune_status pr_dav2_open(prune_model **out, pr_checkpoint *checkpoint, const char *probe,
                          const prune_load_options *options);
prune_status pr_rt_monodepth_open(prune_model **out, pr_checkpoint *checkpoint, const char *probe,
                                  const prune_load_options *options);

#endif
