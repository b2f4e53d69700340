/* What is seen where nothing stands: sky, clouds, far hills. */
#ifndef EVAL_SYNTH_SKY_H
#define EVAL_SYNTH_SKY_H

#include "eval/synth/noise.h"
#include "eval/synth/world.h"

/* Light from direction d (any length), linear. */
v3 synth_sky_light(const synth_light *light, const synth_noise *noise, v3 d);
/* A cheap smooth version for reflections, with dark surroundings below the skyline. */
v3 synth_sky_mirrored(const synth_light *light, v3 d);

#endif
