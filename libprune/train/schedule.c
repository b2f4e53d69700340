#include "libprune/train/schedule.h"

#include <math.h>

static const double lowest = 0.01;

double pr_schedule_rate(uint64_t step, uint64_t steps, uint64_t warmup, uint64_t settled)
{
    if (step < warmup) return (double)(step + 1) / (double)(warmup + 1);
    uint64_t start = warmup > settled ? warmup : settled;
    if (step < start || steps <= start) return 1;
    double done = fmin((double)(step - start) / (double)(steps - start), 1);
    return lowest + (1 - lowest) * 0.5 * (1 + cos(3.14159265358979323846 * done));
}
