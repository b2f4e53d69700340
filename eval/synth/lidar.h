/* Depth as a 64-beam laser scanner on the roof would leave it in the picture. */
#ifndef EVAL_SYNTH_LIDAR_H
#define EVAL_SYNTH_LIDAR_H

#include "eval/synth/world.h"

/* Keeps the pixels of `dense` that a beam meets and returns from; the others become 0. 4 to 5 % of
 * the pixels remain at any size: beams and azimuth steps are thinned with the width. */
void synth_lidar_sample(const synth_camera *camera, const float *dense, int32_t width,
                        int32_t height, uint64_t seed, float *sparse);

#endif
