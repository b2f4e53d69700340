/* The KITTI development kit's filling of missing predictions (evaluation-protocols 2). */
#include "eval/protocols/protocols.h"

static bool known(float value)
{
    return value > 0;
}

/* One line of n values, `step` apart. Outside the known values the nearest one is repeated. */
static void extend_ends(float *line, int32_t n, int64_t step)
{
    int32_t first = 0, last = n - 1;
    while (first < n && !known(line[first * step])) first++;
    if (first == n) return;
    while (!known(line[last * step])) last--;
    for (int32_t i = 0; i < first; i++) line[i * step] = line[first * step];
    for (int32_t i = last + 1; i < n; i++) line[i * step] = line[last * step];
}

/* Gaps between two known values of a row take the smaller of them. */
static void close_gaps(float *row, int32_t n)
{
    int32_t last = -1; /* latest known column */
    for (int32_t x = 0; x < n; x++) {
        if (!known(row[x])) continue;
        if (last >= 0)
            for (int32_t i = last + 1; i < x; i++) row[i] = row[last] < row[x] ? row[last] : row[x];
        last = x;
    }
}

void pr_devkit_fill(float *map, int32_t width, int32_t height)
{
    for (int32_t y = 0; y < height; y++) {
        float *row = map + (int64_t)y * width;
        for (int32_t x = 0; x < width; x++)
            if (!known(row[x])) row[x] = -1;
        close_gaps(row, width);
        extend_ends(row, width, 1);
    }
    for (int32_t x = 0; x < width; x++) extend_ends(map + x, height, width);
}
