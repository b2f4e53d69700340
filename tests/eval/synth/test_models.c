#include "eval/synth/models.h"
#include "tests/support/support.h"

#include <stdlib.h>

static const synth_place here = {5.0f, 0.0f, 20.0f, 1.0f, 0.0f};

START_TEST(cars_have_the_size_of_cars)
{
    synth_world *w = calloc(1, sizeof *w);
    rnd r = {1};
    for (int kind = 0; kind < CAR_KINDS; kind++) {
        const synth_object *o = synth_add_car(w, &r, here, (synth_car_kind)kind);
        ck_assert(o != NULL);
        float length = o->high.z - o->low.z, width = o->high.x - o->low.x;
        ck_assert(length > 3.5f && length < 13.0f);
        ck_assert(width > 1.6f && width < 2.8f);
        ck_assert(o->low.y > -0.01f && o->low.y < 0.05f); /* the wheels stand on the ground */
        ck_assert(o->high.y > 1.3f && o->high.y < 3.8f);
        ck_assert(o->contact && o->shadow);
    }
    free(w);
}
END_TEST

START_TEST(things_stand_on_the_ground)
{
    synth_world *w = calloc(1, sizeof *w);
    rnd r = {2};
    const synth_object *o[8];
    for (int i = 0; i < 20; i++) {
        o[0] = synth_add_building(w, &r, here, 10, 12, 8, i & 1);
        o[1] = synth_add_tree(w, &r, here, 8);
        o[2] = synth_add_bush(w, &r, here, 1);
        o[3] = synth_add_person(w, &r, here, 0.4f);
        o[4] = synth_add_pole(w, &r, here, 7, 1);
        o[5] = synth_add_sign(w, &r, here);
        o[6] = synth_add_traffic_light(w, &r, here);
        o[7] = synth_add_barrier(w, &r, here, 8, 1.2f, MATERIAL_HEDGE);
        for (int k = 0; k < 8; k++) {
            ck_assert(o[k] != NULL);
            ck_assert(o[k]->low.y < 0.25f && o[k]->high.y > 0.5f);
        }
        ck_assert(o[3]->high.y > 1.4f && o[3]->high.y < 2.1f);
        w->objects = w->prims = 0;
    }
    free(w);
}
END_TEST

START_TEST(a_full_world_takes_no_more)
{
    synth_world *w = calloc(1, sizeof *w);
    rnd r = {3};
    int added = 0;
    while (added < 10000 && synth_add_tree(w, &r, here, 8)) added++;
    ck_assert_int_lt(added, 10000);
    ck_assert(w->objects <= SYNTH_OBJECTS && w->prims <= SYNTH_PRIMS);
    w->prims = SYNTH_PRIMS - 2;
    w->objects = 0;
    ck_assert(synth_add_car(w, &r, here, CAR_SALOON) == NULL);
    ck_assert_int_eq(w->prims, SYNTH_PRIMS - 2);
    free(w);
}
END_TEST

TEST_MAIN("eval.synth.models", cars_have_the_size_of_cars, things_stand_on_the_ground,
          a_full_world_takes_no_more)
