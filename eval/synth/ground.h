/* The ground: road, markings, kerbs, pavements, grass. */
#ifndef EVAL_SYNTH_GROUND_H
#define EVAL_SYNTH_GROUND_H

#include "eval/synth/noise.h"
#include "eval/synth/world.h"

typedef struct synth_ground_hit {
    float t;
    v3 point, normal;
    bool raised; /* on the pavement's level */
    bool kerb;   /* on the upright face of a kerb */
} synth_ground_hit;

/* Where a ray from above meets the ground. t is at most `far`; false when it does not. */
bool synth_ground_find(const synth_road *road, v3 origin, v3 direction, float far,
                       synth_ground_hit *hit);

/* Reflectance there, averaged over a pixel of `across` metres across and `along` metres along the
 * view. *gloss: how much it mirrors at a grazing angle. */
v3 synth_ground_colour(const synth_road *road, const synth_noise *noise,
                       const synth_ground_hit *hit, float across, float along, float *gloss);

#endif
