#include "libprune/train/schedule.h"

#include <math.h>

static const double lowest = 0.01;

double pr_schedule_rate(uint64_t step, uint64_t steps, uint64_t warmup)
{
    if (step < warmup) return (double)(step + 1) / (double)(warmup + 1);
    if (steps <= warmup) return 1;
    double done = fmin((double)(step - warmup) / (double)(steps - warmup), 1);
    return lowest + (1 - lowest) * 0.5 * (1 + cos(3.14159265358979323846 * done));
}
