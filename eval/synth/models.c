#include "eval/synth/models.h"

static synth_object *begin(synth_world *world, rnd *r, synth_place place)
{
    if (world->objects == SYNTH_OBJECTS) return NULL;
    synth_object *object = &world->object[world->objects];
    memset(object, 0, sizeof *object);
    object->x = place.x, object->y = place.y, object->z = place.z;
    object->cosine = place.cosine, object->sine = place.sine;
    object->first = world->prims;
    object->seed = rnd_u32(r);
    object->shadow = true;
    return object;
}

static synth_prim *add(synth_world *world, synth_object *object, synth_shape shape,
                       synth_material material, v3 centre, v3 half, v3 colour)
{
    /* The last primitive is drawn over when the world is full: finish() then drops the object. */
    int32_t at = object->first + object->count;
    synth_prim *prim = &world->prim[at < SYNTH_PRIMS ? at : SYNTH_PRIMS - 1];
    memset(prim, 0, sizeof *prim);
    prim->shape = (uint8_t)shape;
    prim->material = (uint8_t)material;
    prim->centre = centre, prim->half = half, prim->colour = colour;
    prim->inverse = v3_make(1.0f / half.x, 1.0f / half.y, 1.0f / half.z);
    prim->seed = rnd_cell(object->count, 3, object->seed);
    object->count++;
    return prim;
}

/* Cuts along the line through (a0, b0) and (a1, b1) in the plane of two local axes (0 x, 1 y,
 * 2 z). keep() then says which side stays. */
static void cut(synth_prim *prim, int axis_a, int axis_b, float a0, float b0, float a1, float b1)
{
    float n[3] = {0, 0, 0};
    float da = a1 - a0, db = b1 - b0, length = sqrtf(da * da + db * db);
    n[axis_a] = -db / length;
    n[axis_b] = da / length;
    synth_cut *c = &prim->cut[prim->cuts++];
    c->n = v3_make(n[0], n[1], n[2]);
    c->k = n[axis_a] * a0 + n[axis_b] * b0;
}

/* Turns all cuts so that this point stays. */
static void keep(synth_prim *prim, v3 inside)
{
    for (int i = 0; i < prim->cuts; i++) {
        synth_cut *c = &prim->cut[i];
        if (v3_dot(c->n, inside) > c->k) c->n = v3_scale(c->n, -1.0f), c->k = -c->k;
    }
}

static synth_object *finish(synth_world *world, synth_object *object)
{
    if (object->first + object->count > SYNTH_PRIMS) return NULL;
    v3 low = v3_grey(1e9f), high = v3_grey(-1e9f);
    for (int32_t i = 0; i < object->count; i++) {
        const synth_prim *p = &world->prim[object->first + i];
        low = v3_make(f_min(low.x, p->centre.x - p->half.x), f_min(low.y, p->centre.y - p->half.y),
                      f_min(low.z, p->centre.z - p->half.z));
        high =
            v3_make(f_max(high.x, p->centre.x + p->half.x), f_max(high.y, p->centre.y + p->half.y),
                    f_max(high.z, p->centre.z + p->half.z));
    }
    object->low = low, object->high = high;
    world->prims += object->count;
    world->objects++;
    return object;
}

static v3 car_colour(rnd *r)
{
    static const v3 colours[] = {{.02f, .02f, .022f}, {.03f, .03f, .035f}, {.35f, .36f, .37f},
                                 {.22f, .23f, .24f},  {.62f, .62f, .6f},   {.75f, .75f, .74f},
                                 {.02f, .03f, .09f},  {.03f, .08f, .22f},  {.32f, .02f, .02f},
                                 {.12f, .02f, .03f},  {.03f, .09f, .05f},  {.3f, .25f, .16f},
                                 {.45f, .3f, .03f},   {.1f, .1f, .11f}};
    v3 c = colours[rnd_below(r, (int32_t)(sizeof colours / sizeof colours[0]))];
    return v3_scale(c, rnd_range(r, 0.75f, 1.25f));
}

typedef struct car_form {
    float length, width, height, belt, clearance, wheel;
    float bonnet;       /* length in front of the windscreen's foot */
    float screen, back; /* windscreen's and rear window's lean, metres along z */
    float boot;         /* length behind the rear window's foot */
} car_form;

static car_form car_form_of(rnd *r, synth_car_kind kind)
{
    static const car_form forms[CAR_KINDS] = {
        [CAR_HATCHBACK] = {4.0f, 1.72f, 1.48f, .92f, .20f, .30f, .95f, .85f, .45f, .08f},
        [CAR_SALOON] = {4.6f, 1.80f, 1.44f, .92f, .18f, .32f, 1.2f, .95f, .75f, .75f},
        [CAR_ESTATE] = {4.6f, 1.80f, 1.48f, .94f, .18f, .32f, 1.2f, .90f, .40f, .06f},
        [CAR_OFFROAD] = {4.5f, 1.88f, 1.75f, 1.05f, .26f, .37f, 1.1f, .65f, .30f, .06f},
        [CAR_VAN] = {5.0f, 1.95f, 2.05f, 1.08f, .22f, .33f, .65f, .75f, .12f, .03f},
        [CAR_TRUCK] = {2.2f, 2.40f, 2.80f, 1.50f, .35f, .48f, .10f, .25f, .05f, .03f},
        [CAR_BUS] = {11.5f, 2.5f, 3.1f, 1.25f, .30f, .48f, .06f, .20f, .08f, .04f}};
    car_form f = forms[kind];
    float k = rnd_range(r, 0.94f, 1.06f);
    f.length *= k;
    f.width *= rnd_range(r, 0.97f, 1.03f);
    f.height *= rnd_range(r, 0.96f, 1.05f);
    f.bonnet *= k * rnd_range(r, 0.9f, 1.1f);
    return f;
}

/* Lower body from the sill to the belt line: bonnet and boot slope, corners cut in plan. */
static void car_body(synth_world *world, synth_object *object, const car_form *f, float middle)
{
    float l = f->length * 0.5f, w = f->width * 0.5f;
    float half = (f->belt - f->clearance) * 0.5f;
    synth_prim *p =
        add(world, object, SHAPE_BOX, MATERIAL_BODY, v3_make(0, f->clearance + half, middle),
            v3_make(w, half, l), object->colour);
    float front = middle + l, rear = middle - l, corner = f->width * 0.11f;
    float drop = f->bonnet > 0.5f ? 0.2f : 0.03f;
    cut(p, 2, 1, front, f->belt - drop, front - f->bonnet, f->belt);
    cut(p, 2, 1, front - 0.10f, f->clearance, front, f->clearance + 0.25f);
    cut(p, 2, 1, rear + 0.35f, f->belt, rear, f->belt - 0.12f);
    cut(p, 0, 2, w, front - corner * 1.6f, w - corner, front);
    cut(p, 0, 2, -w + corner, front, -w, front - corner * 1.6f);
    cut(p, 0, 2, w - corner, rear, w, rear + corner);
    cut(p, 0, 2, -w, rear + corner, -w + corner, rear);
    keep(p, p->centre);
}

static void car_cabin(synth_world *world, synth_object *object, const car_form *f, float middle)
{
    float l = f->length * 0.5f, w = f->width * 0.5f - 0.02f;
    float foot = middle + l - f->bonnet, heel = middle - l + f->boot;
    float tall = f->height - f->belt, lean = f->height > 1.9f ? 0.08f : 0.2f;
    synth_prim *p = add(world, object, SHAPE_BOX, MATERIAL_CABIN,
                        v3_make(0, f->belt + tall * 0.5f - 0.01f, (foot + heel) * 0.5f),
                        v3_make(w, tall * 0.5f + 0.01f, (foot - heel) * 0.5f), object->colour);
    cut(p, 2, 1, foot, f->belt, foot - f->screen, f->height);
    cut(p, 2, 1, heel, f->belt, heel + f->back, f->height);
    cut(p, 0, 1, w, f->belt, w - lean, f->height);
    cut(p, 0, 1, -w, f->belt, -w + lean, f->height);
    /* A rounded edge between roof and windscreen. */
    cut(p, 2, 1, foot - f->screen * 0.7f, f->height - tall * 0.18f, foot - f->screen * 1.5f - 0.15f,
        f->height);
    keep(p, v3_make(0, f->belt + 0.1f, (foot + heel) * 0.5f));
}

static void car_wheels(synth_world *world, synth_object *object, const car_form *f, float front,
                       float rear)
{
    float w = f->width * 0.5f - 0.09f;
    for (int i = 0; i < 4; i++) {
        float x = i & 1 ? w : -w, z = i & 2 ? front : rear;
        (void)add(world, object, SHAPE_WHEEL, MATERIAL_WHEEL, v3_make(x, f->wheel, z),
                  v3_make(0.11f, f->wheel, f->wheel), v3_grey(0.02f));
    }
}

/* size: 0 half length, 1 half width, 2 belt height, 3 height, 4 and 5 z of front and rear axle.
 * trim.x: brightness of the rear lights, trim.y: 1 for a bus or van with other windows. */
synth_object *synth_add_car(synth_world *world, rnd *r, synth_place place, synth_car_kind kind)
{
    synth_object *object = begin(world, r, place);
    if (!object) return NULL;
    car_form f = car_form_of(r, kind);
    object->contact = true;
    object->colour = car_colour(r);
    if ((kind == CAR_TRUCK || kind == CAR_VAN) && rnd_chance(r, 0.6f))
        object->colour = v3_mix(object->colour, v3_grey(0.7f), 0.9f);
    object->trim = v3_make(rnd_chance(r, 0.25f) ? 1.6f : 0.35f, kind >= CAR_VAN ? 1 : 0, 0);
    float middle = 0, l = f.length * 0.5f;
    float front = l - f.wheel - 0.46f, rear = -l + f.wheel + 0.4f;
    if (kind == CAR_TRUCK) { /* cab in front of a cargo box, about 7 m together */
        float cargo = rnd_range(r, 3.6f, 6.0f), high = rnd_range(r, 2.6f, 3.6f);
        middle = cargo * 0.5f;
        l = (f.length + cargo) * 0.5f;
        v3 paint = car_colour(r);
        paint = v3_mix(paint, v3_grey(0.72f), rnd_chance(r, 0.5f) ? 0.85f : 0.2f);
        (void)add(world, object, SHAPE_BOX, MATERIAL_CARGO,
                  v3_make(0, 0.55f + (high - 0.55f) * 0.5f, -f.length * 0.5f - 0.05f),
                  v3_make(f.width * 0.5f + 0.05f, (high - 0.55f) * 0.5f, cargo * 0.5f), paint);
        front = l - 0.9f, rear = -l + 1.2f;
    }
    object->size[0] = l, object->size[1] = f.width * 0.5f, object->size[2] = f.belt;
    object->size[3] = f.height, object->size[4] = front, object->size[5] = rear;
    car_body(world, object, &f, middle);
    car_cabin(world, object, &f, middle);
    car_wheels(world, object, &f, front, rear);
    return finish(world, object);
}

static v3 facade_colour(rnd *r)
{
    static const v3 colours[] = {{.62f, .58f, .48f}, {.70f, .68f, .62f}, {.58f, .5f, .34f},
                                 {.48f, .46f, .43f}, {.4f, .22f, .15f},  {.55f, .42f, .3f},
                                 {.34f, .33f, .32f}, {.66f, .6f, .4f},   {.36f, .42f, .5f},
                                 {.6f, .38f, .26f},  {.3f, .15f, .1f},   {.75f, .74f, .7f}};
    v3 c = colours[rnd_below(r, (int32_t)(sizeof colours / sizeof colours[0]))];
    return v3_scale(c, rnd_range(r, 0.7f, 1.05f));
}

/* size: 0 storey height, 1 window spacing, 2 window half width, 3 window half height, 4 sill above
 * the floor, 5 ground floor: 0 windows, 1 shop. */
synth_object *synth_add_building(synth_world *world, rnd *r, synth_place place, float deep,
                                 float wide, float eaves, bool flat)
{
    synth_object *object = begin(world, r, place);
    if (!object) return NULL;
    object->colour = facade_colour(r);
    static const v3 roofs[] = {
        {.22f, .08f, .05f}, {.3f, .12f, .07f}, {.07f, .07f, .08f}, {.16f, .1f, .08f}};
    object->trim = rnd_chance(r, 0.6f) ? v3_grey(rnd_range(r, 0.55f, 0.8f))
                                       : v3_scale(object->colour, rnd_range(r, 0.4f, 0.7f));
    object->size[0] = rnd_range(r, 2.7f, 3.4f);
    object->size[1] = rnd_range(r, 1.9f, 3.6f);
    object->size[2] = object->size[1] * rnd_range(r, 0.2f, 0.36f);
    object->size[3] = rnd_range(r, 0.55f, 0.85f);
    object->size[4] = rnd_range(r, 0.75f, 1.0f);
    object->size[5] = eaves > 8.0f && rnd_chance(r, 0.4f) ? 1.0f : 0.0f;
    v3 half = v3_make(deep * 0.5f, eaves * 0.5f, wide * 0.5f);
    (void)add(world, object, SHAPE_BOX, MATERIAL_FACADE, v3_make(0, half.y, 0), half,
              object->colour);
    if (flat) {
        (void)add(world, object, SHAPE_BOX, MATERIAL_PLAIN, v3_make(0, eaves + 0.15f, 0),
                  v3_make(half.x + 0.12f, 0.2f, half.z + 0.12f), v3_scale(object->colour, 0.7f));
    } else {
        bool along = rnd_chance(r, 0.7f); /* ridge along the road */
        float over = 0.4f, rise = (along ? half.x : half.z) * rnd_range(r, 0.55f, 1.0f);
        v3 roof = v3_make(half.x + over, rise * 0.5f, half.z + over);
        synth_prim *p = add(world, object, SHAPE_BOX, MATERIAL_ROOF,
                            v3_make(0, eaves + rise * 0.5f, 0), roof, roofs[rnd_below(r, 4)]);
        int axis = along ? 0 : 2;
        float run = along ? roof.x : roof.z;
        cut(p, axis, 1, run, eaves, 0, eaves + rise);
        cut(p, axis, 1, 0, eaves + rise, -run, eaves);
        if (rnd_chance(r, 0.4f)) { /* hipped ends */
            int other = along ? 2 : 0;
            float end = along ? roof.z : roof.x, in = f_min(end * 0.6f, rise);
            cut(p, other, 1, end, eaves, end - in, eaves + rise);
            cut(p, other, 1, -end + in, eaves + rise, -end, eaves);
        }
        keep(p, v3_make(0, eaves, 0));
        float x = rnd_range(r, -0.3f, 0.3f) * half.x, z = rnd_range(r, -0.6f, 0.6f) * half.z;
        if (rnd_chance(r, 0.7f)) /* chimney */
            (void)add(world, object, SHAPE_BOX, MATERIAL_BRICK, v3_make(x, eaves + rise, z),
                      v3_make(0.35f, 0.9f, 0.35f), v3_make(.25f, .1f, .07f));
    }
    /* Balconies on the side of the road. */
    if (eaves > 6.5f && rnd_chance(r, 0.35f)) {
        float z = rnd_range(r, -0.5f, 0.5f) * half.z;
        for (float y = object->size[0]; y < eaves - 1.5f; y += object->size[0])
            (void)add(world, object, SHAPE_BOX, MATERIAL_PLAIN,
                      v3_make(-half.x - 0.5f, y + 0.45f, z), v3_make(0.55f, 0.5f, 1.4f),
                      object->trim);
    }
    return finish(world, object);
}

static v3 leaf_colour(rnd *r)
{
    v3 c = v3_mix(v3_make(.055f, .1f, .022f), v3_make(.11f, .15f, .03f), rnd_unit(r));
    if (rnd_chance(r, 0.12f)) c = v3_mix(c, v3_make(.25f, .11f, .03f), rnd_range(r, .3f, .8f));
    return v3_scale(c, rnd_range(r, 0.7f, 1.15f));
}

synth_object *synth_add_tree(synth_world *world, rnd *r, synth_place place, float height)
{
    synth_object *object = begin(world, r, place);
    if (!object) return NULL;
    v3 leaves = leaf_colour(r);
    bool conifer = rnd_chance(r, 0.18f);
    float trunk = height * (conifer ? 0.15f : rnd_range(r, 0.22f, 0.4f));
    float thick = height * rnd_range(r, 0.011f, 0.019f) + 0.03f;
    float top = conifer ? height * 0.7f : trunk + (height - trunk) * 0.5f;
    (void)add(world, object, SHAPE_POST, MATERIAL_BARK, v3_make(0, top * 0.5f, 0),
              v3_make(thick, top * 0.5f, thick),
              v3_scale(v3_make(.11f, .085f, .065f), rnd_range(r, 0.5f, 1.2f)));
    float crown = height - trunk, wide = crown * (conifer ? 0.22f : rnd_range(r, 0.32f, 0.55f));
    int32_t blobs = conifer ? 3 : 5 + rnd_below(r, 4);
    for (int32_t i = 0; i < blobs; i++) {
        float up = ((float)i + 0.5f) / (float)blobs;
        v3 centre, half;
        if (conifer) {
            float w = wide * (1.15f - up * 0.9f);
            centre = v3_make(0, trunk + crown * (0.15f + up * 0.65f), 0);
            half = v3_make(w, crown * 0.26f, w);
        } else {
            float away = wide * (i == 0 ? 0.0f : 0.62f), angle = rnd_range(r, 0, 6.283f), s, c;
            f_sincos(angle, &s, &c);
            float size = wide * rnd_range(r, 0.45f, 0.75f);
            centre = v3_make(c * away, trunk + crown * (0.25f + 0.5f * rnd_unit(r)), s * away);
            half = v3_make(size, size * rnd_range(r, 0.65f, 0.95f), size);
            if (i == 0) half = v3_make(wide * 0.75f, crown * 0.42f, wide * 0.75f);
            if (i == 0) centre.y = trunk + crown * 0.5f;
        }
        (void)add(world, object, SHAPE_ELLIPSOID, MATERIAL_LEAVES, centre, half,
                  v3_scale(leaves, rnd_range(r, 0.85f, 1.15f)));
    }
    return finish(world, object);
}

synth_object *synth_add_bush(synth_world *world, rnd *r, synth_place place, float radius)
{
    synth_object *object = begin(world, r, place);
    if (!object) return NULL;
    v3 leaves = leaf_colour(r);
    int32_t blobs = 2 + rnd_below(r, 3);
    for (int32_t i = 0; i < blobs; i++) {
        float size = radius * rnd_range(r, 0.6f, 1.0f);
        float x = rnd_range(r, -0.6f, 0.6f) * radius, z = rnd_range(r, -0.9f, 0.9f) * radius;
        (void)add(world, object, SHAPE_ELLIPSOID, MATERIAL_LEAVES, v3_make(x, size * 0.6f, z),
                  v3_make(size, size * 0.8f, size), v3_scale(leaves, rnd_range(r, 0.9f, 1.1f)));
    }
    return finish(world, object);
}

synth_object *synth_add_person(synth_world *world, rnd *r, synth_place place, float stride)
{
    synth_object *object = begin(world, r, place);
    if (!object) return NULL;
    static const v3 clothes[] = {{.03f, .03f, .04f}, {.05f, .07f, .15f}, {.3f, .04f, .04f},
                                 {.5f, .5f, .48f},   {.12f, .1f, .07f},  {.04f, .12f, .08f},
                                 {.4f, .33f, .2f},   {.08f, .08f, .09f}, {.1f, .2f, .4f}};
    v3 coat = clothes[rnd_below(r, 9)], legs = clothes[rnd_below(r, 9)];
    legs = v3_mix(legs, v3_make(.045f, .05f, .07f), 0.75f);
    v3 skin = v3_scale(v3_make(.5f, .33f, .24f), rnd_range(r, 0.35f, 1.1f));
    float k = rnd_range(r, 0.9f, 1.08f);
    object->contact = true;
    for (int i = 0; i < 2; i++) {
        float side = i ? 1.0f : -1.0f, step = stride * side * 0.5f;
        (void)add(world, object, SHAPE_ELLIPSOID, MATERIAL_CLOTH,
                  v3_make(side * .1f * k, .43f * k, step * .5f),
                  v3_make(.1f * k, .47f * k, .11f * k + f_abs(step) * .3f), legs);
        (void)add(world, object, SHAPE_BOX, MATERIAL_PLAIN,
                  v3_make(side * .1f * k, .05f, step + .05f), v3_make(.05f, .05f, .13f),
                  v3_grey(0.03f));
        (void)add(world, object, SHAPE_ELLIPSOID, MATERIAL_CLOTH,
                  v3_make(side * .25f * k, 1.1f * k, -step * .3f),
                  v3_make(.07f * k, .32f * k, .09f * k), coat);
    }
    (void)add(world, object, SHAPE_ELLIPSOID, MATERIAL_CLOTH, v3_make(0, 1.15f * k, 0),
              v3_make(.22f * k, .38f * k, .15f * k), coat);
    (void)add(world, object, SHAPE_ELLIPSOID, MATERIAL_PLAIN, v3_make(0, 1.63f * k, .02f),
              v3_make(.1f * k, .13f * k, .115f * k), skin);
    (void)add(world, object, SHAPE_ELLIPSOID, MATERIAL_PLAIN, v3_make(0, 1.68f * k, -.02f),
              v3_make(.108f * k, .12f * k, .115f * k),
              v3_scale(v3_make(.1f, .06f, .03f), rnd_range(r, 0.2f, 2.0f)));
    return finish(world, object);
}

synth_object *synth_add_pole(synth_world *world, rnd *r, synth_place place, float height, float arm)
{
    synth_object *object = begin(world, r, place);
    if (!object) return NULL;
    v3 colour = v3_grey(rnd_range(r, 0.08f, 0.3f));
    float thick = rnd_range(r, 0.05f, 0.09f);
    (void)add(world, object, SHAPE_POST, MATERIAL_METAL, v3_make(0, height * 0.5f, 0),
              v3_make(thick, height * 0.5f, thick), colour);
    if (arm > 0) {
        (void)add(world, object, SHAPE_BOX, MATERIAL_METAL, v3_make(-arm * 0.5f, height - 0.05f, 0),
                  v3_make(arm * 0.5f, 0.04f, 0.04f), colour);
        (void)add(world, object, SHAPE_BOX, MATERIAL_PLAIN, v3_make(-arm, height - 0.08f, 0),
                  v3_make(0.35f, 0.07f, 0.13f), v3_grey(0.4f));
    }
    return finish(world, object);
}

/* The plate faces local -z. trim.x is the kind of sign (0 disc, 1 triangle, 2 square, 3 board). */
synth_object *synth_add_sign(synth_world *world, rnd *r, synth_place place)
{
    synth_object *object = begin(world, r, place);
    if (!object) return NULL;
    int32_t kind = rnd_below(r, 4);
    float base = rnd_range(r, 1.9f, 2.4f), size = kind == 3 ? 0.6f : rnd_range(r, 0.28f, 0.38f);
    float wide = kind == 3 ? rnd_range(r, 0.5f, 0.9f) : size;
    object->trim = v3_make((float)kind, (float)rnd_below(r, 4), 0);
    (void)add(world, object, SHAPE_POST, MATERIAL_METAL,
              v3_make(0, (base + size * 2) * 0.5f, 0.05f),
              v3_make(0.035f, (base + size * 2) * 0.5f, 0.035f), v3_grey(0.3f));
    synth_prim *plate = add(world, object, SHAPE_BOX, MATERIAL_SIGN, v3_make(0, base + size, 0),
                            v3_make(wide, kind == 3 ? size * 0.6f : size, 0.015f), v3_grey(0.7f));
    plate->seed = (uint32_t)kind; /* the outline, see shapes.c */
    return finish(world, object);
}

/* The lamps face local -z. trim.x: which one is lit. */
synth_object *synth_add_traffic_light(synth_world *world, rnd *r, synth_place place)
{
    synth_object *object = begin(world, r, place);
    if (!object) return NULL;
    object->trim = v3_make((float)rnd_below(r, 3), 0, 0);
    (void)add(world, object, SHAPE_POST, MATERIAL_METAL, v3_make(0, 1.7f, 0.08f),
              v3_make(0.07f, 1.7f, 0.07f), v3_grey(0.2f));
    (void)add(world, object, SHAPE_BOX, MATERIAL_LAMPS, v3_make(0, 2.9f, 0),
              v3_make(0.16f, 0.46f, 0.12f), v3_grey(0.02f));
    return finish(world, object);
}

synth_object *synth_add_barrier(synth_world *world, rnd *r, synth_place place, float length,
                                float height, synth_material material)
{
    synth_object *object = begin(world, r, place);
    if (!object) return NULL;
    static const v3 brick = {.33f, .15f, .1f}, wood = {.16f, .1f, .06f}, stone = {.4f, .38f, .34f};
    v3 colour = material == MATERIAL_HEDGE   ? v3_scale(leaf_colour(r), 0.8f)
                : material == MATERIAL_BRICK ? v3_mix(brick, stone, rnd_unit(r))
                : rnd_chance(r, 0.5f)        ? wood
                                             : v3_grey(rnd_range(r, 0.05f, 0.6f));
    float thick = material == MATERIAL_HEDGE   ? rnd_range(r, 0.35f, 0.6f)
                  : material == MATERIAL_BRICK ? 0.14f
                                               : 0.03f;
    object->contact = material == MATERIAL_HEDGE || material == MATERIAL_BRICK;
    if (material == MATERIAL_METAL) { /* crash barrier: a rail on posts */
        v3 grey = v3_grey(rnd_range(r, 0.25f, 0.45f));
        (void)add(world, object, SHAPE_BOX, material, v3_make(0, 0.6f, 0),
                  v3_make(0.03f, 0.155f, length * 0.5f + 0.3f), grey);
        for (float z = -0.5f * length + 0.5f; z < length * 0.5f; z += 3.0f)
            (void)add(world, object, SHAPE_BOX, material, v3_make(0.08f, 0.35f, z),
                      v3_make(0.04f, 0.35f, 0.05f), v3_scale(grey, 0.8f));
        return finish(world, object);
    }
    (void)add(world, object, SHAPE_BOX, material, v3_make(0, height * 0.5f, 0),
              v3_make(thick, height * 0.5f, length * 0.5f), colour);
    return finish(world, object);
}

synth_object *synth_add_bridge(synth_world *world, rnd *r, synth_place place, float span)
{
    synth_object *object = begin(world, r, place);
    if (!object) return NULL;
    float clear = rnd_range(r, 4.8f, 6.0f), half = rnd_range(r, 3.0f, 6.0f);
    v3 colour = v3_make(.4f, .39f, .36f);
    (void)add(world, object, SHAPE_BOX, MATERIAL_CONCRETE, v3_make(0, clear + 0.6f, 0),
              v3_make(span, 0.6f, half), colour);
    (void)add(world, object, SHAPE_BOX, MATERIAL_METAL, v3_make(0, clear + 1.7f, -half + 0.1f),
              v3_make(span, 0.5f, 0.03f), v3_make(.1f, .16f, .14f));
    return finish(world, object);
}

synth_object *synth_add_clutter(synth_world *world, rnd *r, synth_place place)
{
    synth_object *object = begin(world, r, place);
    if (!object) return NULL;
    object->contact = true;
    int32_t kind = rnd_below(r, 3);
    if (kind == 0) { /* bin */
        v3 colours[3] = {{.02f, .02f, .02f}, {.02f, .09f, .03f}, {.03f, .06f, .2f}};
        (void)add(world, object, SHAPE_BOX, MATERIAL_PLAIN, v3_make(0, 0.5f, 0),
                  v3_make(0.3f, 0.5f, 0.35f), colours[rnd_below(r, 3)]);
    } else if (kind == 1) { /* cabinet */
        (void)add(world, object, SHAPE_BOX, MATERIAL_PLAIN, v3_make(0, 0.6f, 0),
                  v3_make(0.2f, 0.6f, 0.55f), v3_make(.36f, .37f, .34f));
    } else { /* bollard */
        (void)add(world, object, SHAPE_POST, MATERIAL_PLAIN, v3_make(0, 0.45f, 0),
                  v3_make(0.07f, 0.45f, 0.07f), v3_make(.4f, .06f, .05f));
    }
    return finish(world, object);
}
