#include "eval/analysis/analysis.h"

#include <math.h>

const double pr_distance_edges[PR_DISTANCES] = {0, 5, 10, 20, 40, 80};

static int32_t distance_of(double truth)
{
    int32_t i = PR_DISTANCES - 1;
    while (i > 0 && truth < pr_distance_edges[i]) i--;
    return i;
}

static void take(pr_bin *bin, double truth, double prediction)
{
    const double e = prediction - truth;
    bin->pixels += 1;
    bin->rel += fabs(e) / truth;
    bin->squared += e * e;
}

void pr_bins_add(pr_bins *bins, const pr_maps *maps)
{
    for (int32_t y = 0; y < maps->height; y++)
        for (int32_t x = 0; x < maps->width; x++) {
            const int64_t i = (int64_t)y * maps->width + x;
            const double g = (double)maps->truth[i], p = (double)maps->prediction[i];
            if (!(g > 0) || !isfinite(p)) continue;
            take(&bins->distance[distance_of(g)], g, p);
            take(&bins->region[(int64_t)y * PR_REGIONS / maps->height]
                              [(int64_t)x * PR_REGIONS / maps->width],
                 g, p);
        }
}
