#include "libprune/kernels/kernels.h"

#include <math.h>

void pr_resize_axis(bool corners, int64_t in, int64_t out, int32_t *first, int32_t *second,
                    float *weight)
{
    for (int64_t d = 0; d < out; d++) {
        float source;
        if (corners) {
            source = out > 1 ? (float)d * ((float)(in - 1) / (float)(out - 1)) : 0.0f;
        } else {
            source = fmaxf(((float)d + 0.5f) * ((float)in / (float)out) - 0.5f, 0.0f);
        }
        int64_t cell = (int64_t)source;
        if (cell > in - 1) cell = in - 1;
        first[d] = (int32_t)cell;
        second[d] = (int32_t)(cell + 1 < in ? cell + 1 : cell);
        weight[d] = source - (float)cell;
    }
}
