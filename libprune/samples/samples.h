/* Samples inside the library. Augmented views are in augment.h. */
#ifndef PR_SAMPLES_H
#define PR_SAMPLES_H

#include "libprune/base/random.h"
#include "libprune/image/image.h"

#include <prune/samples.h>

/* Of the samples' whole life. */
prune_context *pr_samples_context(const prune_samples *samples);

#endif
