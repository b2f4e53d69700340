/* Where and how a prediction errs: by distance, by region of the image, at edges, over time.
 * Everything works on maps in metres; pixels that do not count are 0 in `truth`. */
#ifndef EVAL_ANALYSIS_H
#define EVAL_ANALYSIS_H

#include <prune/eval.h>

/* Two maps of one size. */
typedef struct pr_maps {
    const float *truth, *prediction; /* metres */
    int32_t width, height;
} pr_maps;

/* --- bins.c ----------------------------------------------------------------------------------*/
enum { PR_DISTANCES = 6, PR_REGIONS = 3 };
/* Bin i holds truth in [edge[i], edge[i + 1]) metres; the last one is open. */
extern const double pr_distance_edges[PR_DISTANCES];

typedef struct pr_bin {
    double pixels, rel, squared; /* count, sums of |p - g| / g and (p - g)^2 */
} pr_bin;
typedef struct pr_bins {
    pr_bin distance[PR_DISTANCES];
    pr_bin region[PR_REGIONS][PR_REGIONS]; /* rows, columns: thirds of the image */
} pr_bins;
/* Adds a frame. Pixels whose prediction is not finite are counted as predicted infinitely far:
 * they are left out of the sums and of the count. */
void pr_bins_add(pr_bins *bins, const pr_maps *maps);

/* --- edges.c ---------------------------------------------------------------------------------*/
/* Of one frame. Depth boundaries as in Bochkovskii et al., "Depth Pro: Sharp Monocular Metric Depth
 * in Less Than a Second" (2024), section 3.3: two neighbouring pixels are a boundary at threshold
 * t when their depths differ by more than a factor t. */
typedef struct pr_edges {
    uint64_t pairs;               /* neighbours of which both count */
    uint64_t boundaries;          /* of these, boundaries of the truth at the lowest threshold */
    double f1, precision, recall; /* averaged over thresholds, weighted by them */
    double truth_step, step;      /* sums over boundaries at 10 %: |ln g'/g|, and ln p'/p in its
                                     direction */
} pr_edges;
void pr_edges_measure(pr_edges *edges, const pr_maps *maps);

/* --- flicker.c -------------------------------------------------------------------------------*/
/* Mean |d - median(d)| with d = ln z' - ln z over all pixels that are finite and positive in both;
 * scratch holds count doubles. NAN without such pixels. */
double pr_flicker(const float *before, const float *now, size_t count, double *scratch);

#endif
