/* Multi-scale gradient loss (MegaDepth, MiDaS): the slopes of the residual in x and y on every
 * pixel, every 2nd, 4th and 8th. Keeps edges where they belong. */
#include "libprune/train/loss.h"

#include <math.h>

enum { SCALES = 4 };

typedef struct scale_grid {
    const pr_residual *residual;
    int64_t step;
} scale_grid;

/* Pairs of known pixels `step` apart along one axis (stride: distance in memory). With d_residual
 * adds factor * sign to both ends; returns the sum of |difference|. */
static double walk_pairs(const scale_grid *grid, bool vertical, int64_t *pairs, float factor,
                         float *d_residual)
{
    const pr_residual *residual = grid->residual;
    int64_t step = grid->step, width = residual->width;
    int64_t stride = vertical ? step * width : step;
    int64_t rows = residual->height - (vertical ? step : 0);
    int64_t columns = width - (vertical ? 0 : step);
    double sum = 0;
    for (int64_t y = 0; y < rows; y += step) {
        for (int64_t x = 0; x < columns; x += step) {
            int64_t a = y * width + x, b = a + stride;
            if (!(residual->mask[a] & residual->mask[b])) continue;
            float slope = residual->values[b] - residual->values[a];
            sum += fabs((double)slope);
            (*pairs)++;
            if (!d_residual) continue;
            float push = slope > 0 ? factor : slope < 0 ? -factor : 0;
            d_residual[b] += push;
            d_residual[a] -= push;
        }
    }
    return sum;
}

double pr_loss_gradient(const pr_residual *residual, float weight, float *d_residual)
{
    double value = 0;
    for (int s = 0; s < SCALES; s++) {
        scale_grid grid = {residual, (int64_t)1 << s};
        int64_t pairs = 0, again = 0;
        double sum = walk_pairs(&grid, false, &pairs, 0, NULL);
        sum += walk_pairs(&grid, true, &pairs, 0, NULL);
        if (pairs == 0) continue;
        value += sum / (double)pairs / SCALES;
        if (!d_residual) continue;
        float factor = weight / ((float)pairs * SCALES);
        (void)walk_pairs(&grid, false, &again, factor, d_residual);
        (void)walk_pairs(&grid, true, &again, factor, d_residual);
    }
    return value;
}
