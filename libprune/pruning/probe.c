#include "libprune/pruning/probe.h"

#include <math.h>

enum { CELL = 16 };

/* d ln(metres) / d output. */
static float log_slope(const pr_decode *decode, float value)
{
    if (decode->kind == PR_OUTPUT_METRIC) return 1 / fmaxf(value, 1e-3F);
    if (decode->kind == PR_OUTPUT_DISPARITY)
        return -decode->scale / fmaxf(decode->offset + decode->scale * value, 1e-4F);
    return 1;
}

prune_status pr_probe_fill(prune_context *ctx, const pr_decode *decode, const float *output,
                           int64_t height, int64_t width, pr_random *random, float *gradient)
{
    const int64_t rows = height / CELL + 2, columns = width / CELL + 2;
    double *grid = NULL;
    PR_TRY(pr_new(ctx, (void **)&grid, (size_t)(rows * columns), sizeof *grid));
    for (int64_t i = 0; i < rows * columns; i++) grid[i] = pr_random_normal(random);
    for (int64_t y = 0; y < height; y++) {
        const double v = (double)(y % CELL) / CELL;
        for (int64_t x = 0; x < width; x++) {
            const double u = (double)(x % CELL) / CELL;
            const double *g = grid + y / CELL * columns + x / CELL;
            /* Weights whose squares sum to 1 keep the variance the same everywhere. */
            const double a = cos(u * M_PI_2), b = sin(u * M_PI_2);
            const double c = cos(v * M_PI_2), d = sin(v * M_PI_2);
            const double smooth =
                c * (a * g[0] + b * g[1]) + d * (a * g[columns] + b * g[columns + 1]);
            const double noise = pr_random_normal(random) + smooth;
            const int64_t i = y * width + x;
            gradient[i] = (float)noise * log_slope(decode, output[i]);
        }
    }
    pr_free(ctx, grid);
    return PRUNE_OK;
}
