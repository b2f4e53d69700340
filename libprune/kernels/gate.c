#include "libprune/kernels/kernels.h"

void pr_gate_f32(const pr_kernels *kernels, const float *a, const float *b, float *y, int64_t count)
{
    enum { BLOCK = 2048 }; /* the sigmoids are still in the cache when they are used */
    for (int64_t begin = 0; begin < count; begin += BLOCK) {
        int64_t end = begin + BLOCK < count ? begin + BLOCK : count;
        kernels->activate(PR_ACT_SIGMOID, 0.0f, a + begin, y + begin, end - begin);
        for (int64_t i = begin; i < end; i++) y[i] = a[i] * y[i] * b[i];
    }
}
