/* A tiling noise texture with its averages at coarser scales (mip levels), so that far surfaces
 * do not shimmer. */
#ifndef EVAL_SYNTH_NOISE_H
#define EVAL_SYNTH_NOISE_H

#include "eval/synth/vec.h"

enum { NOISE_SIZE = 128, NOISE_LEVELS = 8 };

typedef struct synth_noise {
    /* Level l is (NOISE_SIZE >> l)^2 bytes. */
    uint8_t texels[NOISE_SIZE * NOISE_SIZE * 4 / 3 + 16];
    int32_t start[NOISE_LEVELS];
} synth_noise;

/* The same texture on every machine. */
void synth_noise_build(synth_noise *noise);

/* Smooth noise in [-1, 1] at (x, y) in texels, averaged over `footprint` texels. */
float synth_noise_at(const synth_noise *noise, float x, float y, float footprint);

/* Two and three octaves: frequencies f, 4.1 f (and 17 f), weights 1, 1/2 (and 1/4), range about
 * [-1, 1]. x, y and footprint in metres, f in texels per metre. */
float synth_noise_two(const synth_noise *noise, float x, float y, float footprint, float f);
float synth_noise_three(const synth_noise *noise, float x, float y, float footprint, float f);

#endif
