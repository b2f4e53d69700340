/* Loops of the backward passes, in C that compilers turn into vector code: each tier's train.c
 * includes this and is compiled with that tier's instructions. */
#ifndef PR_KERNELS_TRAIN_LOOPS_H
#define PR_KERNELS_TRAIN_LOOPS_H

#include "libprune/kernels/train.h"

/* Sums run in this many chains side by side, whatever the tier. */
enum { PR_CHAINS = 32 };

static inline float add_chains(const float *chain)
{
    float sum = 0.0f;
    for (int j = 0; j < PR_CHAINS; j++) sum += chain[j];
    return sum;
}

static float sum_row(const float *x, int64_t count)
{
    float chain[PR_CHAINS] = {0};
    int64_t i = 0;
    for (; i + PR_CHAINS <= count; i += PR_CHAINS)
        for (int j = 0; j < PR_CHAINS; j++) chain[j] += x[i + j];
    for (; i < count; i++) chain[0] += x[i];
    return add_chains(chain);
}

static float dot_row(const float *x, const float *y, int64_t count)
{
    float chain[PR_CHAINS] = {0};
    int64_t i = 0;
    for (; i + PR_CHAINS <= count; i += PR_CHAINS)
        for (int j = 0; j < PR_CHAINS; j++) chain[j] += x[i + j] * y[i + j];
    for (; i < count; i++) chain[0] += x[i] * y[i];
    return add_chains(chain);
}

#define PR_TRAIN_LOOPS .sum_row = sum_row, .dot_row = dot_row

#endif
