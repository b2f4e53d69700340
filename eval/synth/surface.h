/* What surfaces of objects look like. */
#ifndef EVAL_SYNTH_SURFACE_H
#define EVAL_SYNTH_SURFACE_H

#include "eval/synth/shapes.h"

typedef struct synth_surface {
    v3 colour;   /* diffuse reflectance, linear */
    v3 light;    /* given off */
    v3 normal;   /* with bumps */
    float gloss; /* mirror reflectance seen head-on, 0 for none */
} synth_surface;

/* The surface at a hit on an object; `footprint` is the pixel's size there in metres. */
synth_surface synth_surface_at(const synth_world *world, const synth_noise *noise,
                               const synth_hit *hit, float footprint);

#endif
