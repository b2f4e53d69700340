/* The things in a street, built from primitives. Each takes a place (world x, z, height of the
 * ground, heading) and draws its looks from a random stream. */
#ifndef EVAL_SYNTH_MODELS_H
#define EVAL_SYNTH_MODELS_H

#include "eval/synth/world.h"

typedef struct synth_place {
    float x, y, z;
    float cosine, sine;
} synth_place;

typedef enum synth_car_kind {
    CAR_HATCHBACK,
    CAR_SALOON,
    CAR_ESTATE,
    CAR_OFFROAD,
    CAR_VAN,
    CAR_TRUCK,
    CAR_BUS,
    CAR_KINDS
} synth_car_kind;

/* All return the object, or NULL when the world is full (the thing is then left out). Size
 * parameters are in metres. */
synth_object *synth_add_car(synth_world *world, rnd *r, synth_place place, synth_car_kind kind);
/* Wall towards local -x faces the road; width along z. flat: no gable. */
synth_object *synth_add_building(synth_world *world, rnd *r, synth_place place, float deep,
                                 float wide, float eaves, bool flat);
synth_object *synth_add_tree(synth_world *world, rnd *r, synth_place place, float height);
synth_object *synth_add_bush(synth_world *world, rnd *r, synth_place place, float radius);
synth_object *synth_add_person(synth_world *world, rnd *r, synth_place place, float stride);
/* arm: length of a lamp's arm towards local -x, 0 for a bare pole. */
synth_object *synth_add_pole(synth_world *world, rnd *r, synth_place place, float height,
                             float arm);
synth_object *synth_add_sign(synth_world *world, rnd *r, synth_place place);
synth_object *synth_add_traffic_light(synth_world *world, rnd *r, synth_place place);
/* Fence, hedge or wall of this material, along z. */
synth_object *synth_add_barrier(synth_world *world, rnd *r, synth_place place, float length,
                                float height, synth_material material);
synth_object *synth_add_bridge(synth_world *world, rnd *r, synth_place place, float span);
/* A bin, cabinet or bollard. */
synth_object *synth_add_clutter(synth_world *world, rnd *r, synth_place place);

#endif
