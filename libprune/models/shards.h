/* Checkpoints in several files, with an index that says which tensor is in which. */
#ifndef PR_MODELS_SHARDS_H
#define PR_MODELS_SHARDS_H

#include "libprune/models/checkpoint.h"

/* Reads every tensor that the index (a file "NAME.index.json" in `folder`, as Hugging Face writes
 * it) names. Shards are plain file names next to the index; one that is missing is named. */
prune_status pr_shards_read(pr_checkpoint *checkpoint, const char *folder, const char *index,
                            uint64_t max_bytes);

#endif
