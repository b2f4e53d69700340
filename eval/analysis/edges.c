/* Boundary scores after Bochkovskii et al. 2024 (Depth Pro), 3.3: thresholds from 5 % to 25 %,
 * neighbours to the left, right, above and below each counted for itself, precision and recall
 * averaged over these four, F1 averaged over thresholds with the thresholds as weights. Ground
 * truth from a laser is sparse: only pairs of neighbours count that both have some. */
#include "eval/analysis/analysis.h"

#include <math.h>

enum { THRESHOLDS = 10, DIRECTIONS = 4 };

/* Pairs by direction and by how many thresholds they exceed. */
typedef struct histogram {
    double truth[DIRECTIONS][THRESHOLDS + 1];
    double prediction[DIRECTIONS][THRESHOLDS + 1];
    double both[DIRECTIONS][THRESHOLDS + 1];
} histogram;

static double threshold(int k)
{
    return 1.05 + 0.2 * k / (THRESHOLDS - 1);
}

/* How many thresholds a ratio exceeds. */
static int level(double ratio)
{
    int k = 0;
    while (k < THRESHOLDS && ratio > threshold(k)) k++;
    return k;
}

/* One pair in one direction: `ratio` is far over near where it is a boundary. */
static void count_direction(histogram *h, int direction, double truth, double prediction)
{
    const int g = level(truth), p = level(prediction);
    h->truth[direction][g] += 1;
    h->prediction[direction][p] += 1;
    h->both[direction][g < p ? g : p] += 1;
}

static void count_pair(pr_edges *e, histogram *h, const pr_maps *maps, int64_t a, int64_t b,
                       int direction)
{
    const double g0 = (double)maps->truth[a], g1 = (double)maps->truth[b];
    const double p0 = (double)maps->prediction[a], p1 = (double)maps->prediction[b];
    if (!(g0 > 0) || !(g1 > 0) || !(p0 > 0) || !(p1 > 0) || isinf(p0) || isinf(p1)) return;
    const double g = g1 / g0, p = p1 / p0;
    e->pairs++;
    if (level(g) > 0 || level(1 / g) > 0) e->boundaries++;
    count_direction(h, direction, g, p);
    count_direction(h, direction + 1, 1 / g, 1 / p);
    if (g > 1.1 || 1 / g > 1.1) {
        const double step = log(g);
        e->truth_step += fabs(step);
        e->step += step > 0 ? log(p) : -log(p);
    }
}

/* Pairs above threshold k, of one direction. */
static double above(const double *levels, int k)
{
    double sum = 0;
    for (int i = k + 1; i <= THRESHOLDS; i++) sum += levels[i];
    return sum;
}

static void score(pr_edges *e, const histogram *h)
{
    double weights = 0;
    for (int k = 0; k < THRESHOLDS; k++) {
        double precision = 0, recall = 0;
        for (int d = 0; d < DIRECTIONS; d++) {
            const double both = above(h->both[d], k);
            precision += both / fmax(above(h->prediction[d], k), 1) / DIRECTIONS;
            recall += both / fmax(above(h->truth[d], k), 1) / DIRECTIONS;
        }
        const double weight = threshold(k);
        weights += weight;
        e->precision += weight * precision;
        e->recall += weight * recall;
        if (precision + recall > 0) e->f1 += weight * 2 * precision * recall / (precision + recall);
    }
    e->precision /= weights;
    e->recall /= weights;
    e->f1 /= weights;
}

void pr_edges_measure(pr_edges *edges, const pr_maps *maps)
{
    histogram h = {0};
    *edges = (pr_edges){0};
    for (int32_t y = 0; y < maps->height; y++)
        for (int32_t x = 0; x < maps->width; x++) {
            const int64_t i = (int64_t)y * maps->width + x;
            if (x + 1 < maps->width) count_pair(edges, &h, maps, i, i + 1, 0);
            if (y + 1 < maps->height) count_pair(edges, &h, maps, i, i + maps->width, 2);
        }
    score(edges, &h);
}
