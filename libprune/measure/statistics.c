#include "libprune/measure/statistics.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void pr_sort(double *values, int64_t count)
{
    qsort(values, (size_t)count, sizeof *values, ascending);
}

double pr_median(const double *sorted, int64_t count)
{
    return 0.5 * (sorted[(count - 1) / 2] + sorted[count / 2]);
}

double pr_percentile(const double *sorted, int64_t count, double share)
{
    /* 0.95 * 20 is a hair above 19 in binary. */
    int64_t rank = (int64_t)ceil(share * (double)count - 1e-9);
    if (rank < 1) rank = 1;
    return sorted[(rank > count ? count : rank) - 1];
}

/* P(X = k) for X ~ Binomial(n, 1/2); each is at most rounding errors of the logarithms off. */
static double binomial_half(int64_t n, int64_t k)
{
    int sign;
    const double ways = lgamma_r((double)n + 1, &sign) - lgamma_r((double)k + 1, &sign) -
                        lgamma_r((double)(n - k) + 1, &sign);
    return exp(ways - (double)n * 0.693147180559945309417);
}

pr_ranks pr_median_ranks(int64_t count, double confidence)
{
    /* Ranks l and n + 1 - l (from 1) miss the median with probability 2 P(X < l). */
    const double allowed = (1 - confidence) * (1 + 1e-12);
    double miss = 2 * binomial_half(count, 0);
    pr_ranks ranks = {0, count - 1, 1 - miss};
    for (int64_t k = 1; 2 * (k + 1) <= count; k++) {
        const double next = miss + 2 * binomial_half(count, k);
        if (next > allowed) break;
        miss = next;
        ranks = (pr_ranks){k, count - 1 - k, 1 - miss};
    }
    return ranks;
}
