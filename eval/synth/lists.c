#include "eval/synth/lists.h"

#include <prune/sys/memory.h>
#include <stdlib.h>

static const float NEAR = 0.3f;

typedef struct box {
    float near; /* smallest depth */
    int32_t object;
    int32_t left, right, top, bottom; /* tiles, inclusive */
} box;

static v3 corner_in_view(const synth_camera *camera, const synth_object *o, int i)
{
    float x = i & 1 ? o->high.x : o->low.x, y = i & 2 ? o->high.y : o->low.y;
    float z = i & 4 ? o->high.z : o->low.z;
    v3 p =
        v3_make(o->x + x * o->cosine + z * o->sine, o->y + y, o->z + z * o->cosine - x * o->sine);
    p = v3_sub(p, camera->origin);
    return v3_make(v3_dot(p, camera->right), v3_dot(p, camera->up), v3_dot(p, camera->ahead));
}

static void widen(float extent[4], const synth_camera *camera, v3 p)
{
    float x = camera->cx + camera->focal * p.x / p.z, y = camera->cy - camera->focal * p.y / p.z;
    extent[0] = f_min(extent[0], x), extent[1] = f_max(extent[1], x);
    extent[2] = f_min(extent[2], y), extent[3] = f_max(extent[3], y);
}

/* Screen rectangle of an object's bounds, cut at the near plane; false when it is out of sight. */
static bool project(const synth_world *world, int32_t object, int32_t width, int32_t height, box *b)
{
    v3 p[8];
    float extent[4] = {1e9f, -1e9f, 1e9f, -1e9f}, far = -1e9f;
    b->near = 1e9f, b->object = object;
    for (int i = 0; i < 8; i++) {
        p[i] = corner_in_view(&world->camera, &world->object[object], i);
        b->near = f_min(b->near, p[i].z);
        far = f_max(far, p[i].z);
    }
    if (far < NEAR || b->near > SYNTH_FAR) return false;
    for (int i = 0; i < 8; i++) {
        if (p[i].z >= NEAR) widen(extent, &world->camera, p[i]);
        for (int axis = 1; axis < 8; axis <<= 1) { /* edges to the corners with one bit more */
            int j = i | axis;
            if (j == i || (p[i].z < NEAR) == (p[j].z < NEAR)) continue;
            v3 q = v3_mix(p[i], p[j], (NEAR - p[i].z) / (p[j].z - p[i].z));
            q.z = NEAR;
            widen(extent, &world->camera, q);
        }
    }
    if (extent[1] < -1 || extent[0] > (float)width || extent[3] < -1 || extent[2] > (float)height)
        return false;
    b->left = (int32_t)f_clamp(extent[0] - 1.0f, 0, (float)(width - 1)) / SYNTH_TILE;
    b->right = (int32_t)f_clamp(extent[1] + 2.0f, 0, (float)(width - 1)) / SYNTH_TILE;
    b->top = (int32_t)f_clamp(extent[2] - 1.0f, 0, (float)(height - 1)) / SYNTH_TILE;
    b->bottom = (int32_t)f_clamp(extent[3] + 2.0f, 0, (float)(height - 1)) / SYNTH_TILE;
    return true;
}

static int nearest_first(const void *a, const void *b)
{
    const box *x = a, *y = b;
    if (x->near != y->near) return x->near < y->near ? -1 : 1;
    return x->object < y->object ? -1 : 1;
}

/* Turns counts in start[c + 1] into offsets and makes room for the entries. */
static prune_status offsets(synth_lists *lists, prune_context *context)
{
    int32_t cells = lists->columns * lists->rows;
    for (int32_t c = 0; c < cells; c++) lists->start[c + 1] += lists->start[c];
    lists->entries = prune_memory_new(context, (size_t)lists->start[cells] + 1, sizeof(uint16_t));
    return lists->entries ? PRUNE_OK : PRUNE_E_MEMORY;
}

/* start[c] has moved to the end of cell c while filling: shift it back. */
static void rewind_starts(synth_lists *lists)
{
    for (int32_t c = lists->columns * lists->rows; c > 0; c--)
        lists->start[c] = lists->start[c - 1];
    lists->start[0] = 0;
}

prune_status synth_lists_tiles(synth_lists *out, prune_context *context, const synth_world *world,
                               int32_t width, int32_t height, float *near)
{
    synth_lists lists = {.columns = (width + SYNTH_TILE - 1) / SYNTH_TILE,
                         .rows = (height + SYNTH_TILE - 1) / SYNTH_TILE};
    lists.start =
        prune_memory_zero(context, (size_t)(lists.columns * lists.rows) + 1, sizeof(int32_t));
    box *boxes = prune_memory_new(context, SYNTH_OBJECTS, sizeof *boxes);
    prune_status status = lists.start && boxes ? PRUNE_OK : PRUNE_E_MEMORY;
    int32_t count = 0;
    for (int32_t i = 0; status == PRUNE_OK && i < world->objects; i++) {
        if (!project(world, i, width, height, &boxes[count])) continue;
        near[i] = boxes[count++].near;
    }
    if (status == PRUNE_OK) {
        qsort(boxes, (size_t)count, sizeof *boxes, nearest_first);
        for (int32_t i = 0; i < count; i++)
            for (int32_t y = boxes[i].top; y <= boxes[i].bottom; y++)
                for (int32_t x = boxes[i].left; x <= boxes[i].right; x++)
                    lists.start[y * lists.columns + x + 1]++;
        status = offsets(&lists, context);
    }
    if (status == PRUNE_OK) {
        for (int32_t i = 0; i < count; i++)
            for (int32_t y = boxes[i].top; y <= boxes[i].bottom; y++)
                for (int32_t x = boxes[i].left; x <= boxes[i].right; x++)
                    lists.entries[lists.start[y * lists.columns + x]++] = (uint16_t)boxes[i].object;
        rewind_starts(&lists);
        *out = lists;
    } else {
        synth_lists_free(context, &lists);
    }
    prune_memory_free(context, boxes);
    return status;
}

/* The swept footprint of an object's shadow: a thick segment on the ground. */
typedef struct sweep {
    float x0, z0, dx, dz, radius;
} sweep;

static sweep sweep_of(const synth_world *world, const synth_object *o)
{
    v3 sun = world->light.sun_direction;
    float mx = (o->low.x + o->high.x) * 0.5f, mz = (o->low.z + o->high.z) * 0.5f;
    float hx = (o->high.x - o->low.x) * 0.5f, hz = (o->high.z - o->low.z) * 0.5f;
    float reach = o->shadow && world->light.sun.x > 0.05f ? (o->y + o->high.y) / sun.y : 0.0f;
    sweep s = {.x0 = o->x + mx * o->cosine + mz * o->sine,
               .z0 = o->z + mz * o->cosine - mx * o->sine,
               .dx = -sun.x * reach,
               .dz = -sun.z * reach,
               .radius = sqrtf(hx * hx + hz * hz) + 0.6f};
    return s;
}

static bool touches(const sweep *s, float x, float z, float margin)
{
    float px = x - s->x0, pz = z - s->z0, length = s->dx * s->dx + s->dz * s->dz;
    float k = length > 0 ? f_clamp((px * s->dx + pz * s->dz) / length, 0.0f, 1.0f) : 0.0f;
    float ax = px - k * s->dx, az = pz - k * s->dz, far = s->radius + margin;
    return ax * ax + az * az < far * far;
}

/* Calls for every cell that the sweep touches: counts when entry < 0, else writes the entry. */
static void spread(synth_lists *lists, const sweep *s, int32_t entry)
{
    float half = lists->cell * 0.5f, margin = lists->cell * 0.7072f;
    float left = f_min(s->x0, s->x0 + s->dx) - s->radius - lists->x;
    float right = f_max(s->x0, s->x0 + s->dx) + s->radius - lists->x;
    float low = f_min(s->z0, s->z0 + s->dz) - s->radius - lists->z;
    float high = f_max(s->z0, s->z0 + s->dz) + s->radius - lists->z;
    int32_t c0 = f_floor(f_max(left / lists->cell, 0)), r0 = f_floor(f_max(low / lists->cell, 0));
    for (int32_t r = r0; r < lists->rows && (float)r * lists->cell < high; r++)
        for (int32_t c = c0; c < lists->columns && (float)c * lists->cell < right; c++) {
            float x = lists->x + (float)c * lists->cell + half;
            float z = lists->z + (float)r * lists->cell + half;
            if (!touches(s, x, z, margin)) continue;
            int32_t cell = r * lists->columns + c;
            if (entry < 0)
                lists->start[cell + 1]++;
            else
                lists->entries[lists->start[cell]++] = (uint16_t)entry;
        }
}

prune_status synth_lists_ground(synth_lists *out, prune_context *context, const synth_world *world)
{
    synth_lists lists = {.columns = 48, .rows = 36, .cell = 3.0f};
    lists.x = world->camera.origin.x - 72.0f;
    lists.z = world->camera.origin.z - 6.0f;
    lists.start =
        prune_memory_zero(context, (size_t)(lists.columns * lists.rows) + 1, sizeof(int32_t));
    prune_status status = lists.start ? PRUNE_OK : PRUNE_E_MEMORY;
    for (int pass = 0; pass < 2 && status == PRUNE_OK; pass++) {
        for (int32_t i = 0; i < world->objects; i++) {
            const synth_object *o = &world->object[i];
            sweep s = sweep_of(world, o);
            if (o->shadow || o->contact) spread(&lists, &s, pass ? i : -1);
        }
        if (pass == 0) status = offsets(&lists, context);
    }
    if (status == PRUNE_OK) {
        rewind_starts(&lists);
        *out = lists;
    } else {
        synth_lists_free(context, &lists);
    }
    return status;
}

void synth_lists_free(prune_context *context, synth_lists *lists)
{
    prune_memory_free(context, lists->start);
    prune_memory_free(context, lists->entries);
    lists->start = NULL;
    lists->entries = NULL;
}
