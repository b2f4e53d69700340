/* A picture and its depth from a world: one ray per pixel, two more where surfaces meet. */
#ifndef EVAL_SYNTH_RENDER_H
#define EVAL_SYNTH_RENDER_H

#include "eval/synth/noise.h"
#include "eval/synth/world.h"

#include <prune/context.h>

/* rgb: height x width x 3; depth: height x width, metres along the optical axis at the middle of
 * the pixel, 0 for the sky and beyond SYNTH_MAX_DEPTH. frame seeds the sensor's noise. */
prune_status synth_render(prune_context *context, const synth_world *world,
                          const synth_noise *noise, int32_t frame, int32_t width, int32_t height,
                          uint8_t *rgb, float *depth);

#endif
