/* Numbers that need no assumption about how times are distributed. */
#ifndef PR_MEASURE_STATISTICS_H
#define PR_MEASURE_STATISTICS_H

#include <stdint.h>

void pr_sort(double *values, int64_t count);

/* Of sorted values; count > 0. */
double pr_median(const double *sorted, int64_t count);
/* Nearest rank: the smallest value that at least `share` (0 to 1] of the values do not exceed. */
double pr_percentile(const double *sorted, int64_t count, double share);

typedef struct pr_ranks {
    int64_t low, high; /* indices from 0 into the sorted values */
    double coverage;   /* probability that the true median lies between, both included */
} pr_ranks;

/* The narrowest symmetric pair of ranks around the median that covers it with at least this
 * probability. With too few values: all of them, with the coverage that they have. Values must be
 * independent draws; how they are distributed does not matter. Source: Hahn and Meeker, Statistical
 * Intervals, 1991, section 5.2: the number of values below the median is Binomial(n, 1/2). */
pr_ranks pr_median_ranks(int64_t count, double confidence);

#endif
