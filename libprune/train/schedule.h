/* The learning rate over the steps. */
#ifndef PR_TRAIN_SCHEDULE_H
#define PR_TRAIN_SCHEDULE_H

#include <stdint.h>

/* A fraction of the peak rate: a straight rise over `warmup` steps, then half a cosine down to a
 * hundredth at step `steps`. */
double pr_schedule_rate(uint64_t step, uint64_t steps, uint64_t warmup);

#endif
